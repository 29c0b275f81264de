//! What an input sets in each of its records.

use wrangling::ast::{Branch, Expr, If, Literal, Operand, Plugin, Statement};
use wrangling::field_ref::FieldRef;

use super::codec::Reading;
use super::value::step;

/// The steps that set what an input sets in each of its records.
pub(super) fn decoration(plugin: &Plugin, reading: &Reading) -> Vec<Statement> {
    let find = |wanted: &str| {
        let option = plugin.options.iter().find(|(name, _)| name == wanted);
        option.map(|(_, value)| value.clone())
    };
    let mut steps = Vec::new();
    if let Some(kind) = find("type") {
        let set = Literal::Hash(vec![("type".into(), kind)]);
        let set = step("mutate", vec![("add_field".into(), set)], &plugin.at);
        let is_bare = reading
            .format
            .get("type")
            .is_some_and(|kind| kind == "lines")
            && reading.steps.is_empty();
        steps.push(if is_bare {
            set
        } else {
            unless_typed(set, plugin)
        });
    }
    let options: Vec<_> = [("add_field", "add_field"), ("tags", "add_tag")]
        .into_iter()
        .filter_map(|(option, common)| Some((common.to_owned(), find(option)?)))
        .collect();
    if !options.is_empty() {
        steps.push(step("mutate", options, &plugin.at));
    }
    steps
}

/// Logstash leaves the type that a record brings.
fn unless_typed(set: Statement, plugin: &Plugin) -> Statement {
    let typed = Expr::Truthy(Operand::Field(FieldRef::top("type")));
    Statement::If(If {
        branches: vec![Branch {
            condition: Expr::Not(Box::new(typed)),
            body: vec![set],
            at: plugin.at.clone(),
        }],
        otherwise: Vec::new(),
    })
}
