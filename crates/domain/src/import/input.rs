//! Inputs: where records come from.

use wrangling::ast::{Literal, Plugin, Statement};

use super::codec::{Reading, codec};
use super::decoration::decoration;
use super::value::{text, texts, with_defaults};
use crate::finding::{Finding, Place};

/// What an input becomes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    /// Globs of the names of files.
    pub(super) include: Vec<String>,
    /// Globs of the names of files that are left.
    pub(super) exclude: Vec<String>,
    /// How the files are read.
    pub(super) reading: Reading,
}

/// Inputs whose records can be delivered as files as well, with the codec that each has by default.
const DELIVERED: &[(&str, &str)] = &[
    ("beats", "plain"),
    ("elastic_agent", "plain"),
    ("file", "plain"),
    ("http", "plain"),
    ("kafka", "plain"),
    ("pipe", "plain"),
    ("rabbitmq", "json"),
    ("redis", "json"),
    ("s3", "plain"),
    ("sqs", "json"),
    ("stdin", "line"),
    ("tcp", "line"),
    ("udp", "plain"),
    ("unix", "line"),
];

/// Reads the inputs. Several become one source if they differ in nothing but the names of files.
pub(super) fn inputs(body: &[Statement], findings: &mut Vec<Finding>) -> Option<Source> {
    let mut source: Option<Source> = None;
    for plugin in flattened(body, findings) {
        let mut about = Vec::new();
        let Some(next) = input(plugin, &mut about) else {
            findings.extend(about);
            continue;
        };
        match &mut source {
            None => source = Some(next),
            Some(known) if known.reading == next.reading => {
                known.include.extend(next.include);
                known.exclude.extend(next.exclude);
                known.include.dedup();
            }
            Some(_) => {
                about = vec![
                    place(plugin).impossible("a job has one source: the inputs before it read other formats or set other fields, and a record does not say which input it is from")
                        .instead("make a job of each input; jobs can write to one index"),
                ];
            }
        }
        findings.extend(about);
    }
    source
}

fn place(plugin: &Plugin) -> Place {
    Place::new(&*plugin.at.0, format!("input {}", plugin.name))
}

/// Conditionals around inputs mean nothing to Logstash.
fn flattened<'p>(body: &'p [Statement], findings: &mut Vec<Finding>) -> Vec<&'p Plugin> {
    let mut plugins = Vec::new();
    for statement in body {
        match statement {
            Statement::Plugin(plugin) => plugins.push(plugin),
            Statement::If(conditional) => {
                for branch in &conditional.branches {
                    findings.push(
                        Place::new(&*branch.at.0, "input if")
                            .left_out("a conditional around inputs has no effect in Logstash"),
                    );
                    plugins.extend(flattened(&branch.body, findings));
                }
                plugins.extend(flattened(&conditional.otherwise, findings));
            }
            _ => {}
        }
    }
    plugins
}

fn input(plugin: &Plugin, findings: &mut Vec<Finding>) -> Option<Source> {
    let place = place(plugin);
    let name = plugin.name.as_str();
    let Some((_, by_default)) = DELIVERED.iter().find(|(known, _)| *known == name) else {
        findings.push(
            place
                .impossible(format!(
                    "the input {name} makes or fetches records by itself, which a job does not"
                ))
                .instead(
                    "write the records to files, one a line, and stage them: `ingest stage put`",
                ),
        );
        return None;
    };
    findings.push(delivery(name, &place));
    let given = plugin.options.iter().find(|(name, _)| name == "codec");
    let default = Literal::Bareword((*by_default).into());
    let mut source = Source {
        include: Vec::new(),
        exclude: Vec::new(),
        reading: codec(
            given.map_or(&default, |(_, value)| value),
            &plugin.at,
            findings,
        ),
    };
    for (option, value) in &plugin.options {
        match option.as_str() {
            "codec" => {}
            "path" if name == "file" => paths(value, &place, &mut source, findings),
            "exclude" if name == "file" => source.exclude.extend(texts(value)),
            "add_field" | "tags" | "type" => {}
            _ => findings.push(without_counterpart(name, option, value, &place).of(option)),
        }
    }
    if source.include.is_empty() {
        source.include.push("*".into());
    }
    source
        .reading
        .steps
        .extend(decoration(plugin, &source.reading));
    Some(source)
}

/// What the way of the records to the platform is instead.
fn delivery(name: &str, place: &Place) -> Finding {
    let staged = "stage the files: `ingest stage put CLIENT/JOB FILE…`";
    match name {
        "stdin" => place.changed("a job reads staged files, not its standard input").instead(staged),
        "file" => place
            .changed("files come from the job's staging directory, each is read once and whole; [log][file][path] and [host][name] are not set, provenance names the file")
            .instead(staged),
        "beats" | "elastic_agent" => place
            .changed("jobs read staged files; a listener for Beats is not offered yet, nor are the fields that a Beat adds to its records")
            .instead("stage the log files themselves"),
        "kafka" => place
            .changed("jobs read staged files; streams are not offered yet")
            .instead("write the topic's records to files, one record a line, and stage them"),
        _ => place
            .changed(format!("jobs read staged files; records do not come by {name}"))
            .instead("write the records to files, one a line, and stage them"),
    }
}

/// The last part of each path is a glob of names.
fn paths(value: &Literal, place: &Place, source: &mut Source, findings: &mut Vec<Finding>) {
    let Some(value) = with_defaults(value) else {
        findings.push(
            place
                .impossible("a variable without a default: which files are read is not known")
                .of("path")
                .instead("name the files by source.include"),
        );
        return;
    };
    for path in texts(&value) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_glob = !name.is_empty() && globset::Glob::new(name).is_ok();
        let name = if is_glob { name } else { "*" };
        if name != path {
            findings.push(
                place
                    .changed(format!("of {path}, only the name counts: {name}"))
                    .of("path")
                    .instead("stage the files of that folder"),
            );
        }
        source.include.push(name.to_owned());
    }
}

fn without_counterpart(input: &str, option: &str, value: &Literal, place: &Place) -> Finding {
    let said = text(value).unwrap_or_default();
    match (input, option, said.as_str()) {
        (_, "id" | "enable_metric", _) => place.left_out("it is for Logstash's own monitoring"),
        (_, "ecs_compatibility", "disabled") => place
            .changed("the platform sets none of the fields that the input names after its source"),
        (_, "ecs_compatibility", _) => {
            place.left_out("the platform names fields by the Elastic Common Schema anyway")
        }
        ("file", "mode" | "start_position" | "exit_after_read", "tail" | "end") => place
            .changed("a staged file is read once, from its beginning to its end")
            .instead("stage a file when it is whole"),
        ("file", "mode" | "start_position" | "exit_after_read", _) => {
            place.left_out("a staged file is read from its beginning to its end anyway")
        }
        ("file", "delimiter", "\n" | "\\n") => place.left_out("a record ends with its line anyway"),
        ("file", "delimiter", _) => place
            .impossible("a record ends with its line")
            .instead("put each record on a line of its own before the files are staged"),
        ("file", "ignore_older", _) => place
            .changed("every staged file is read, however old it is")
            .instead("stage only what is to be ingested"),
        ("file", "file_completed_action" | "file_completed_log_path", _) => {
            place.left_out("the platform puts files away itself, and reports them")
        }
        ("file", option, _) if option.starts_with("sincedb") => {
            place.left_out("the platform knows by itself what it has read")
        }
        ("kafka", "schema_registry_url" | "value_deserializer_class", _)
            if !said.contains("StringDeserializer") =>
        {
            place
                .impossible("records of a binary form are not read")
                .instead("write them as JSON before they are staged")
        }
        ("kafka", "decorate_events", _) => place.changed("there is no [@metadata][kafka]"),
        ("beats", "enrich" | "add_hostname" | "include_codec_tag", _) => {
            place.changed("no fields or tags about the sender are set")
        }
        _ => place.left_out("it is about how Logstash gets its records"),
    }
}
