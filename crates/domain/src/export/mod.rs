//! From a job spec to a configuration for a real Logstash.

mod filter;
mod input;

use serde::Serialize;
use wrangling::ast::{At, Literal, Pipeline, Plugin, Statement};
use wrangling::logstash;
use wrangling::{Violation, steps};

use crate::finding::{Finding, Place};
use crate::spec::{ErrorBudget, JobSpec, Limits, OnExisting, OnFailure, Schema};

/// Where the core DMS is, unless the variable says it.
const HOSTS: &str = "${ELASTICSEARCH_URL:http://localhost:9200}";

/// What came of a job spec.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Export {
    /// The configuration's text.
    pub pipeline: String,
    /// What has no counterpart in it, by the JSON pointer of its place in the spec.
    pub findings: Vec<Finding>,
}

/// Why a spec has no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The steps are none.
    #[error("the job's steps cannot be read: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Steps(Vec<Violation>),
    /// A text has no notation in a configuration.
    #[error(transparent)]
    Print(#[from] logstash::PrintError),
}

/// Writes a job as a configuration that reads files of the folder `files` and writes to the client's index.
///
/// # Errors
/// For steps that Logstash's notation cannot express, such as a text with both kinds of quotes.
pub fn export(spec: &JobSpec, client: &str, files: &str) -> Result<Export, ExportError> {
    let mut findings = Vec::new();
    let body = steps::parse_at(&spec.wrangling, "/wrangling").map_err(ExportError::Steps)?;
    let pipeline = Pipeline {
        inputs: vec![input::file(spec, files, &mut findings)],
        filters: filter::filters(body, &mut findings),
        outputs: vec![elasticsearch(spec, client, &mut findings)],
    };
    findings.extend(without_counterpart(spec));
    Ok(Export {
        pipeline: logstash::print(&pipeline)?,
        findings,
    })
}

fn plugin(name: &str, options: Vec<(&str, Literal)>) -> Plugin {
    Plugin {
        name: name.to_owned(),
        options: options
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        at: At::default(),
    }
}

fn text(value: impl Into<String>) -> Literal {
    Literal::String(value.into())
}

fn list<'t>(values: impl IntoIterator<Item = &'t String>) -> Literal {
    Literal::Array(values.into_iter().map(text).collect())
}

fn elasticsearch(spec: &JobSpec, client: &str, findings: &mut Vec<Finding>) -> Statement {
    let destination = &spec.destination;
    let mut options = vec![
        ("hosts", Literal::Array(vec![text(HOSTS)])),
        ("index", text(format!("{client}.{}", destination.index))),
    ];
    let place = Place::new("/destination", "destination");
    findings.push(
        place
            .changed("where the core DMS is and who may write there is not in a spec")
            .of("hosts")
            .instead("set ELASTICSEARCH_URL, and add user and password or api_key"),
    );
    if destination.index.contains("%{") {
        findings.push(
            place
                .changed("Logstash does not make the index's name legal, and a record without a field that it refers to goes to an index that is named after the reference")
                .of("index"),
        );
    }
    if destination.id_fields.is_empty() {
        findings.push(
            place
                .changed("ids are made of the file and the position, which Logstash does not know: records that are read twice are stored twice")
                .of("id_fields")
                .instead("add a filter fingerprint over fields that tell records apart, and name its target by document_id"),
        );
    } else {
        let references = destination
            .id_fields
            .iter()
            .map(|field| format!("%{{{field}}}"));
        options.push((
            "document_id",
            text(references.collect::<Vec<_>>().join("|")),
        ));
        findings.push(
            place
                .changed("a record without a value in an id field is not rejected: its id holds the reference as it is written")
                .of("id_fields"),
        );
    }
    options.push(("action", text("create")));
    options.push(("manage_template", Literal::Bool(false)));
    findings.push(
        place
            .left_out("Logstash does not count indices")
            .of("max_indices"),
    );
    if destination.retention.is_some() {
        findings.push(
            place
                .left_out("Logstash removes no indices: give them an index lifecycle policy")
                .of("retention"),
        );
    }
    if destination.on_existing == OnExisting::Fail {
        findings.push(
            place
                .left_out("documents that are there already are logged, and nothing fails")
                .of("on_existing"),
        );
    }
    Statement::Plugin(plugin("elasticsearch", options))
}

/// Sections of a spec that say what only the platform does.
fn without_counterpart(spec: &JobSpec) -> Vec<Finding> {
    let mut findings = vec![
        Place::new("", "provenance")
            .changed("documents have no object provenance, so neither the ledger nor the search for duplicates can count them"),
        Place::new("", "rejects")
            .changed("what cannot be stored is logged, not kept with its place and reason")
            .instead("switch on Logstash's dead letter queue"),
    ];
    if spec.on_failure == OnFailure::Reject {
        findings.push(
            Place::new("/on_failure", "on_failure")
                .changed("a record in which a filter failed is stored with the filter's tag")
                .instead("add a conditional on the tag with a filter drop"),
        );
    }
    if spec.schema != Schema::default() {
        findings.push(
            Place::new("/schema", "schema")
                .changed("fields are not checked and not given the schema's types, and the index gets no mapping")
                .instead("put the job's index template first: `ingest job validate CLIENT/JOB --template`"),
        );
    }
    if !spec.tests.is_empty() {
        findings.push(
            Place::new("/tests", "tests")
                .left_out("a configuration holds no tests")
                .instead("keep the spec: `ingest job test` runs them"),
        );
    }
    if spec.error_budget != ErrorBudget::default() {
        findings.push(
            Place::new("/error_budget", "error_budget")
                .changed("Logstash does not stop because of errors"),
        );
    }
    if spec.limits != Limits::default() {
        findings.push(
            Place::new("/limits", "limits")
                .left_out("what Logstash may use is not in its configuration")
                .instead("set the heap in jvm.options and pipeline.workers in logstash.yml"),
        );
    }
    findings
}
