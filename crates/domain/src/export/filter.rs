//! Steps: those of filters that Logstash has become filters, the platform's own are listed.

use wrangling::ast::{Branch, If, Plugin, Statement};
use wrangling::is_own_filter;

use crate::finding::{Finding, Place};

/// The statements that Logstash can carry out; of the others, findings.
pub(super) fn filters(body: Vec<Statement>, findings: &mut Vec<Finding>) -> Vec<Statement> {
    let mut kept = Vec::with_capacity(body.len());
    for statement in body {
        match statement {
            Statement::Plugin(plugin) if is_own_filter(&plugin.name) => {
                findings.push(own(&plugin));
            }
            Statement::If(conditional) => {
                kept.push(Statement::If(branches(conditional, findings)));
            }
            other => kept.push(other),
        }
    }
    kept
}

fn branches(conditional: If, findings: &mut Vec<Finding>) -> If {
    let branches = conditional.branches.into_iter().map(|branch| Branch {
        body: filters(branch.body, findings),
        ..branch
    });
    If {
        branches: branches.collect(),
        otherwise: filters(conditional.otherwise, findings),
    }
}

fn own(plugin: &Plugin) -> Finding {
    let name = &plugin.name;
    let at = format!("{}/{name}", plugin.at.0);
    Place::new(at, format!("filter {name}"))
        .impossible(format!(
            "the filter {name} is this platform's own, Logstash does not have it"
        ))
        .instead("write its work as a filter ruby at its place in the configuration")
}
