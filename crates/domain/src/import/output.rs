//! Outputs: the one of Elasticsearch becomes the destination.

use serde_json::{Map, Value, json};
use wrangling::ast::{Literal, Plugin, Statement};

use super::document_id::{IdFields, id_fields};
use super::value::{text, with_defaults};
use crate::finding::{Finding, Place};

/// Where Logstash writes if nothing else is said.
const DATA_STREAM: [&str; 3] = ["logs", "generic", "default"];

/// Index of a configuration that names none.
const NO_INDEX: &str = "imported";

/// Options without which the documents would be others.
const OF_DOCUMENTS: &[(&str, &str)] = &[
    (
        "doc_as_upsert",
        "documents are written once and never updated",
    ),
    ("join_field", "there are no joined documents"),
    ("parent", "there are no joined documents"),
    (
        "pipeline",
        "documents go through no ingest pipeline; write it as steps",
    ),
    ("routing", "documents are routed by their ids"),
    ("script", "documents are written once and never updated"),
    (
        "scripted_upsert",
        "documents are written once and never updated",
    ),
    ("upsert", "documents are written once and never updated"),
    (
        "version",
        "documents have the version that the core DMS gives them",
    ),
    (
        "version_type",
        "documents have the version that the core DMS gives them",
    ),
];

/// The spec's section `destination`.
pub(super) fn outputs(
    body: &[Statement],
    client: Option<&str>,
    findings: &mut Vec<Finding>,
) -> Value {
    let mut all = Vec::new();
    flatten(body, false, &mut all, findings);
    let mut destination: Option<Value> = None;
    for (plugin, is_conditional) in all {
        let place = Place::new(&*plugin.at.0, format!("output {}", plugin.name));
        match plugin.name.as_str() {
            "stdout" => findings.push(place.left_out("a run reports by itself").instead("look at documents with `ingest search`")),
            "null" => findings.push(place.left_out("it writes nothing")),
            "elasticsearch" if destination.is_some() => findings.push(
                place.impossible("a job has one destination; this is the second")
                    .instead("name the index by a field: set [@metadata][index] in conditionals among the steps, and say index: \"%{[@metadata][index]}\"; or make a job of each"),
            ),
            "elasticsearch" => {
                destination = Some(elasticsearch(plugin, &place, client, findings));
                if is_conditional {
                    findings.push(
                        place.impossible("a job writes every document: the conditional around the output is left out")
                            .instead("drop other records by a step drop in the conditional, or set [@metadata][index] there and say index: \"%{[@metadata][index]}\""),
                    );
                }
            }
            name => findings.push(
                place.impossible(format!("a job writes to the core DMS only, not to {name}"))
                    .instead("keep Logstash for it, or read the documents from the core DMS"),
            ),
        }
    }
    destination.unwrap_or_else(|| {
        findings.push(
            Place::new("", "pipeline")
                .impossible("there is no output elasticsearch: which index the documents belong to is not known")
                .of("output")
                .instead("name one by destination.index"),
        );
        json!({ "index": NO_INDEX })
    })
}

/// All outputs in order, and whether each stands in a conditional.
fn flatten<'p>(
    body: &'p [Statement],
    inside: bool,
    all: &mut Vec<(&'p Plugin, bool)>,
    findings: &mut Vec<Finding>,
) {
    for statement in body {
        match statement {
            Statement::Plugin(plugin) => all.push((plugin, inside)),
            Statement::If(conditional) => {
                for branch in &conditional.branches {
                    findings
                        .push(Place::new(&*branch.at.0, "output if").changed(
                            "outputs have no conditions: see what is said of those in it",
                        ));
                    flatten(&branch.body, true, all, findings);
                }
                flatten(&conditional.otherwise, true, all, findings);
            }
            _ => {}
        }
    }
}

fn elasticsearch(
    plugin: &Plugin,
    place: &Place,
    client: Option<&str>,
    findings: &mut Vec<Finding>,
) -> Value {
    let find = |wanted: &str| {
        plugin
            .options
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    let mut destination = Map::new();
    let index = match find("index") {
        Some(value) => named_index(value, place, client, findings),
        None => data_stream(&find, place, findings),
    };
    destination.insert("index".into(), index.into());
    let mut has_id = false;
    for (option, value) in &plugin.options {
        match option.as_str() {
            "index" => {}
            "document_id" => match id_fields(value) {
                Ok(IdFields { fields, same }) => {
                    has_id = true;
                    destination.insert("id_fields".into(), json!(fields));
                    if !same {
                        findings.push(place.changed(format!("the id is the fields' values joined by |: {}", fields.join("|"))).of(option));
                    }
                }
                Err(why) => findings.push(
                    place.impossible(why).of(option)
                        .instead("make a field of it among the steps, such as [@metadata][id], and name that by destination.id_fields"),
                ),
            },
            _ => findings.push(option_of(option, value, place)),
        }
    }
    if has_id && find("action").and_then(Literal::text) != Some("create") {
        findings.push(
            place.changed("a document whose id is there already stays as it is, and the new one is counted as a duplicate; Logstash overwrites it")
                .of("document_id")
                .instead("put what makes a newer document another one into the id, such as its time"),
        );
    }
    Value::Object(destination)
}

fn named_index(
    value: &Literal,
    place: &Place,
    client: Option<&str>,
    findings: &mut Vec<Finding>,
) -> String {
    let Some(index) = with_defaults(value).and_then(|value| text(&value)) else {
        findings.push(
            place
                .impossible("a variable without a default: which index is meant is not known")
                .of("index")
                .instead("name it by destination.index"),
        );
        return NO_INDEX.into();
    };
    let prefix = client.map(|client| format!("{client}."));
    if let Some(own) = prefix.and_then(|prefix| index.strip_prefix(&prefix)) {
        return own.to_owned();
    }
    let mut reason = format!("the platform puts the client in front: <client>.{index}");
    let mut references = index.split("%{").skip(1);
    if references.any(|reference| !reference.starts_with(['+', '{'])) {
        reason += "; a record without a field that the name refers to is rejected";
    }
    findings.push(place.changed(reason).of("index"));
    index
}

/// The index that stands for a data stream.
fn data_stream<'p>(
    find: &impl Fn(&str) -> Option<&'p Literal>,
    place: &Place,
    findings: &mut Vec<Finding>,
) -> String {
    let options = [
        "data_stream_type",
        "data_stream_dataset",
        "data_stream_namespace",
    ];
    let parts = options.iter().zip(DATA_STREAM).map(|(option, default)| {
        let given = find(option)
            .and_then(with_defaults)
            .and_then(|value| text(&value));
        given.unwrap_or_else(|| default.to_owned())
    });
    let index = parts.collect::<Vec<_>>().join("-");
    findings.push(
        place.changed(format!("no index is named: documents go to <client>.{index}, an ordinary index, not a data stream; records are not routed by their fields [data_stream], which are not set either"))
            .of("index")
            .instead("name the index that is wanted by destination.index"),
    );
    index
}

fn option_of(option: &str, value: &Literal, place: &Place) -> Finding {
    let said = value.text().unwrap_or_default();
    let of_documents = OF_DOCUMENTS.iter().find(|(known, _)| *known == option);
    let finding = match (option, of_documents) {
        (_, Some((_, why))) => place.impossible(*why),
        ("action", _) if matches!(said, "index" | "create") => {
            place.left_out("documents are created, with ids that tell whether one is there already")
        }
        ("action", _) => place
            .impossible(format!("a job creates documents; it does not {said}"))
            .instead("keep Logstash for it"),
        ("data_stream", _) => place.changed("the index is an ordinary one"),
        ("data_stream_type" | "data_stream_dataset" | "data_stream_namespace", _) => {
            place.changed("it is part of the index's name")
        }
        (option, _) if option.starts_with("data_stream") => {
            place.changed("the index is an ordinary one; no fields [data_stream] are read or set")
        }
        (option, _) if option.contains("template") => place
            .changed("the index's mapping follows from the job's schema")
            .instead("name the fields and their types in the section schema"),
        (option, _) if option.starts_with("ilm_") => place
            .changed("the platform does not roll indices over")
            .instead("ask the operator for a policy, or name the index by a date: index: \"logs-%{+yyyy.MM}\""),
        (option, _) if option.starts_with("dlq_") => {
            place.left_out("what cannot be stored is kept anyway: `ingest run rejects`")
        }
        ("document_type", _) => place.left_out("documents have had no types since Elasticsearch 7"),
        ("ecs_compatibility", _) => place.left_out("it chooses between templates; the mapping follows from the job's schema"),
        ("id" | "enable_metric", _) => place.left_out("it is for Logstash's own monitoring"),
        ("codec" | "workers" | "flush_size" | "idle_flush_time", _) => {
            place.left_out("how documents are sent is the platform's business")
        }
        _ => place.left_out("where the core DMS is and how it is talked to is the operator's business"),
    };
    finding.of(option)
}
