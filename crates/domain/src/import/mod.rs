//! From a Logstash configuration to a job spec.
//!
//! Nothing is dropped silently: each plugin, option and condition is in the spec, or a [`Finding`] says what became of it.

mod codec;
mod decoration;
mod document_id;
mod filter;
mod input;
mod naming;
mod output;
mod resources;
mod value;

use serde::Serialize;
use serde_json::{Map, Value, json};
use wrangling::ast::Pipeline;
use wrangling::{Violation, logstash, steps};

use crate::finding::{Finding, Place, Severity};
use crate::spec;

/// Fields that only inputs of Logstash set.
const OF_INPUTS: &[&str] = &[
    "[@metadata][beat]",
    "[@metadata][input]",
    "[@metadata][ip_address]",
    "[@metadata][kafka]",
    "[@metadata][version]",
    "[log][file][path]",
];

/// What came of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Import {
    /// The job spec, as a client writes it.
    pub spec: Value,
    /// What is not carried over as it is, in the order of the configuration's sections.
    pub findings: Vec<Finding>,
}

impl Import {
    /// How many findings say that the job would not mean the same.
    pub fn impossible(&self) -> usize {
        let is_impossible = |finding: &&Finding| finding.severity == Severity::Impossible;
        self.findings.iter().filter(is_impossible).count()
    }
}

/// Makes a job spec of a configuration's text. An index that is under the prefix of `client` loses it.
///
/// # Errors
/// The first syntax error, at `line:column`.
pub fn import(text: &str, client: Option<&str>) -> Result<Import, Vec<Violation>> {
    logstash::parse_pipeline(text).map(|pipeline| of_pipeline(&pipeline, client))
}

/// As [`import`], of a configuration that is parsed already.
pub fn of_pipeline(pipeline: &Pipeline, client: Option<&str>) -> Import {
    let mut findings = Vec::new();
    let mut spec = Map::from_iter([("mode".to_owned(), json!("batch"))]);
    let mut body = Vec::new();
    match input::inputs(&pipeline.inputs, &mut findings) {
        Some(source) => {
            let mut section = Map::from_iter([("include".to_owned(), json!(source.include))]);
            if !source.exclude.is_empty() {
                section.insert("exclude".into(), json!(source.exclude));
            }
            spec.insert("source".into(), Value::Object(section));
            spec.insert("format".into(), Value::Object(source.reading.format));
            body = filter::filters(&source.reading.steps, "input", &mut findings);
        }
        None => {
            spec.insert("format".into(), json!({ "type": "lines" }));
            findings.push(
                Place::new("", "pipeline")
                    .impossible("there is no input that a job could stand for: what the files hold is not known")
                    .of("input")
                    .instead("say by source and format what is staged"),
            );
        }
    }
    body.extend(filter::filters(
        &pipeline.filters,
        filter::FILTER,
        &mut findings,
    ));
    findings.extend(naming::naming(&pipeline.filters));
    let wrangling = steps::print(&body).unwrap_or_else(|e| {
        findings.push(
            Place::new("", "pipeline")
                .impossible(e.to_string())
                .of("filter"),
        );
        json!([])
    });
    let destination = output::outputs(&pipeline.outputs, client, &mut findings);
    findings.extend(unset(&wrangling, &destination));
    if wrangling != json!([]) {
        spec.insert("wrangling".into(), wrangling);
    }
    spec.insert("destination".into(), destination);
    let spec = Value::Object(spec);
    findings.extend(refused(&spec));
    Import { spec, findings }
}

/// Fields that steps or the index refer to, but that only an input of Logstash sets.
fn unset(wrangling: &Value, destination: &Value) -> Vec<Finding> {
    let text = format!("{wrangling}{destination}");
    let named = OF_INPUTS.iter().filter(|field| text.contains(*field));
    let finding = |field: &&str| {
        Place::new("", "pipeline")
            .impossible(format!("{field} is referred to, and Logstash's input sets it; a job's records do not have it"))
            .of("input")
            .instead("provenance names the file and the position of each document; write the steps and the index without the field")
    };
    named.map(finding).collect()
}

/// What the platform would refuse in the spec.
fn refused(spec: &Value) -> Vec<Finding> {
    let violations = spec::parse(spec).err().unwrap_or_default();
    let finding = |violation: Violation| {
        Place::new(violation.pointer, "job spec")
            .impossible(violation.message)
            .instead("mend it in the spec, at the place that is named")
    };
    violations.into_iter().map(finding).collect()
}
