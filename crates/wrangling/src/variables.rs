//! Variables of the environment in a program: `${NAME}`, or `${NAME:default}`.
//!
//! They stand in values of options and in texts of conditions; keys of hashes, regular expressions and scripts stay as they
//! are.

use std::collections::BTreeMap;

use crate::ast::{At, Expr, Literal, Operand, Pipeline, Plugin, Statement};
use crate::catalog::is_program;
use crate::violation::{Violation, pointer};

/// The statements with their variables replaced, and a violation for each place with a variable that has no value.
pub(crate) fn substitute(
    body: &[Statement],
    variables: &BTreeMap<String, String>,
) -> (Vec<Statement>, Vec<Violation>) {
    let mut body = body.to_vec();
    let mut substitution = Substitution {
        variables,
        violations: Vec::new(),
    };
    substitution.statements(&mut body);
    (body, substitution.violations)
}

impl Pipeline {
    /// This pipeline with its variables replaced.
    ///
    /// # Errors
    /// A violation (`unknown_variable`) for each place with a variable that has no value and no default.
    pub fn with_variables(
        &self,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Violation>> {
        let (inputs, mut unknown) = substitute(&self.inputs, variables);
        let (filters, more) = substitute(&self.filters, variables);
        unknown.extend(more);
        let (outputs, more) = substitute(&self.outputs, variables);
        unknown.extend(more);
        let pipeline = Self {
            inputs,
            filters,
            outputs,
        };
        if unknown.is_empty() {
            Ok(pipeline)
        } else {
            Err(unknown)
        }
    }
}

struct Substitution<'v> {
    variables: &'v BTreeMap<String, String>,
    violations: Vec<Violation>,
}

impl Substitution<'_> {
    fn statements(&mut self, body: &mut [Statement]) {
        for statement in body {
            match statement {
                Statement::Plugin(plugin) => self.plugin(plugin),
                Statement::If(conditional) => {
                    for branch in &mut conditional.branches {
                        self.condition(&mut branch.condition, &branch.at);
                        self.statements(&mut branch.body);
                    }
                    self.statements(&mut conditional.otherwise);
                }
                Statement::Source(source) => self.statements(&mut source.body),
                Statement::Decode(_)
                | Statement::RejectFailures
                | Statement::DefaultTimestamp
                | Statement::Schema(_)
                | Statement::Provenance
                | Statement::Document(_)
                | Statement::Deliver(_) => {}
            }
        }
    }

    fn plugin(&mut self, plugin: &mut Plugin) {
        let base = pointer(&plugin.at.0, &plugin.name);
        let texts = plugin.options.iter_mut();
        for (name, value) in texts.filter(|(name, _)| !is_program(&plugin.name, name)) {
            self.literal(value, &pointer(&base, name));
        }
    }

    fn literal(&mut self, value: &mut Literal, at: &str) {
        match value {
            Literal::String(text) => self.text(text, at),
            Literal::Array(items) => items.iter_mut().for_each(|item| self.literal(item, at)),
            Literal::Hash(members) => members
                .iter_mut()
                .for_each(|(_, member)| self.literal(member, at)),
            Literal::Plugin(inner) => self.plugin(inner),
            Literal::Number(_) | Literal::Bool(_) | Literal::Bareword(_) => {}
        }
    }

    fn condition(&mut self, expr: &mut Expr, at: &At) {
        match expr {
            Expr::Not(inner) => self.condition(inner, at),
            Expr::Logic(_, left, right) => {
                self.condition(left, at);
                self.condition(right, at);
            }
            Expr::Compare(_, left, right)
            | Expr::In {
                needle: left,
                haystack: right,
                ..
            } => {
                self.operand(left, at);
                self.operand(right, at);
            }
            Expr::Match { subject, .. } => self.operand(subject, at),
            Expr::Truthy(operand) => self.operand(operand, at),
        }
    }

    fn operand(&mut self, operand: &mut Operand, at: &At) {
        match operand {
            Operand::String(text) => self.text(text, &pointer(&at.0, "if")),
            Operand::Array(items) => items.iter_mut().for_each(|item| self.operand(item, at)),
            Operand::Field(_) | Operand::Number(_) => {}
        }
    }

    fn text(&mut self, text: &mut String, at: &str) {
        if !text.contains("${") {
            return;
        }
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, tail)) = rest.split_once("${") {
            replaced.push_str(before);
            let Some((name, default, after)) = reference(tail) else {
                replaced.push_str("${");
                rest = tail;
                continue;
            };
            match self.variables.get(name).map(String::as_str).or(default) {
                Some(value) => replaced.push_str(value),
                None => {
                    let message = format!(
                        "the variable `{name}` has no value; the operator can give it one, or write a default: `${{{name}:…}}`"
                    );
                    self.violations
                        .push(Violation::new(at, "unknown_variable", message));
                }
            }
            rest = after;
        }
        replaced.push_str(rest);
        *text = replaced;
    }
}

/// Name, default and what follows of the text after a `${`; `None` if it is no reference.
fn reference(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let (inner, after) = text.split_once('}')?;
    let (name, default) = match inner.split_once(':') {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let word = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    let named = !name.is_empty() && word && !name.starts_with(|c: char| c.is_ascii_digit());
    named.then_some((name, default, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_replaced_as_logstash_does() {
        let variables = BTreeMap::from([
            ("A".to_owned(), "x".to_owned()),
            ("a.b_1".to_owned(), "${A}".to_owned()),
        ]);
        for (text, expected) in [
            ("${A}", "x"),
            ("-${A}-${A:d}-", "-x-x-"),
            ("${B:d:e f}${B:}", "d:e f"),
            ("${a.b_1}", "${A}"),
            (
                "${1A} ${} ${A ${A-} $A {A} ${:d}",
                "${1A} ${} ${A ${A-} $A {A} ${:d}",
            ),
            ("$${A}", "$x"),
        ] {
            let mut substitution = Substitution {
                variables: &variables,
                violations: Vec::new(),
            };
            let mut replaced = text.to_owned();
            substitution.text(&mut replaced, "");
            assert_eq!(
                (replaced.as_str(), substitution.violations),
                (expected, Vec::new()),
                "{text}"
            );
        }
    }
}
