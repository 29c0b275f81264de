//! The document's index and id.

use wrangling::ast::{Document, Expr, Plugin, Statement};

use super::dsl::{either, hash, ingest, is, list, plugin, reject, text, when};
use super::{FILE, ID, INDEX, Lowering, POSITION};

/// What Elasticsearch does not allow in the name of an index, and what the native engine replaces besides. The percent sign is
/// apart from the brace: together they would begin a reference.
const ILLEGAL: &str = "[\\x00-\\x20\\x7f\\\\/*?\"<>|,#:{}%]|[[:space:]]";

impl Lowering<'_> {
    pub(super) fn document(&mut self, document: &Document) {
        let mut body = vec![set(INDEX, &document.index)];
        let strict = references(&document.index);
        if let Some(unresolved) = self.probe("index_field", &strict, &mut body) {
            let message = format!("a field of the index name `{}` is missing", document.index);
            let refused = reject("missing_index_field", "document", "", &message);
            body.push(when(unresolved, vec![refused]));
        }
        body.push(plain(plugin("mutate", vec![("lowercase", list([INDEX]))])));
        body.push(plain(plugin(
            "mutate",
            vec![("gsub", list([INDEX, ILLEGAL, "_"]))],
        )));
        let empty = reject("index_name", "document", "", "the index name is empty");
        body.push(when(is(INDEX, ""), vec![empty]));
        let name = format!("{}.%{{{INDEX}}}", self.environment.client);
        body.push(set(INDEX, &name));
        self.id(document, &mut body);
        self.unless_rejected(body);
    }

    fn id(&mut self, document: &Document, body: &mut Vec<Statement>) {
        if document.id.is_empty() {
            body.push(set(ID, &format!("%{{{FILE}}}-%{{{POSITION}}}")));
            return;
        }
        let references: Vec<String> = document.id.iter().map(|f| format!("%{{{f}}}")).collect();
        body.push(set(ID, &references.join("|")));
        for (field, reference) in document.id.iter().zip(&references) {
            let probe = ingest("id_field");
            body.push(set(&probe, reference));
            let missing = either(is(&probe, reference), is(&probe, ""));
            let message = "the record has no value in a field that is part of the id";
            let refused = reject("missing_id_field", "document", field, message);
            body.push(when(missing, vec![refused]));
        }
    }

    /// Renders each reference; the condition that one of them stayed as it is written.
    fn probe(&self, name: &str, references: &[String], body: &mut Vec<Statement>) -> Option<Expr> {
        let probe = |number: usize| ingest(&format!("{name}_{number}"));
        for (number, reference) in references.iter().enumerate() {
            body.push(set(&probe(number), reference));
        }
        let unresolved = references.iter().enumerate();
        unresolved
            .map(|(number, reference)| is(&probe(number), reference))
            .reduce(either)
    }
}

fn plain(plugin: Plugin) -> Statement {
    Statement::Plugin(plugin)
}

fn set(field: &str, template: &str) -> Statement {
    let replace = hash(vec![(field, text(template))]);
    plain(plugin("mutate", vec![("replace", replace)]))
}

/// The sprintf references to fields in a template; dates are always there.
fn references(template: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find("%{") {
        rest = rest.get(at..).unwrap_or_default();
        let Some(end) = rest.find('}') else { break };
        let (reference, after) = rest.split_at(end + 1);
        if !reference.starts_with("%{+") && !reference.starts_with("%{{") {
            found.push(reference.to_owned());
        }
        rest = after;
    }
    found
}
