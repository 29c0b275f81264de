//! The source and the format of a job as an input.

use wrangling::ast::{Literal, Statement};

use super::{list, plugin, text};
use crate::finding::{Finding, Place};
use crate::spec::{ColumnMismatch, Format, FormatType, Identity, JobSpec, Multiline, Neighbour};

/// An input that reads the files that a job would be given.
pub(super) fn file(spec: &JobSpec, files: &str, findings: &mut Vec<Finding>) -> Statement {
    let source = &spec.source;
    let folder = files.trim_end_matches('/');
    let paths: Vec<String> = source
        .include
        .iter()
        .map(|name| format!("{folder}/{name}"))
        .collect();
    let mut options = vec![("path", list(&paths)), ("mode", text("read"))];
    if !source.exclude.is_empty() {
        options.push(("exclude", list(&source.exclude)));
    }
    // in mode read, Logstash removes the files that it has read unless it is told otherwise
    options.push(("file_completed_action", text("log")));
    options.push((
        "file_completed_log_path",
        text(format!("{folder}/.logstash-completed")),
    ));
    options.push(("codec", Literal::Plugin(codec(&spec.format, findings))));
    let place = Place::new("/source", "source");
    findings.push(
        place
            .changed("files are told apart by their inodes, not by their content, and Logstash does not end when it has read them; it also sets [log][file][path] and [host][name]")
            .of("identity"),
    );
    if source.identity == Identity::NameAndContent {
        findings.push(
            place
                .left_out("Logstash reads files of equal content anyway")
                .of("identity"),
        );
    }
    Statement::Plugin(plugin("file", options))
}

fn codec(format: &Format, findings: &mut Vec<Finding>) -> wrangling::ast::Plugin {
    let place = Place::new("/format", "format");
    let (name, mut options) = match format.kind {
        FormatType::Lines => match &format.multiline {
            Some(multiline) => ("multiline", joined(multiline, &place, findings)),
            None => ("plain", Vec::new()),
        },
        FormatType::Ndjson => {
            findings.push(
                place
                    .changed("a record that is no JSON object is not rejected, but tagged _jsonparsefailure")
                    .of("type"),
            );
            ("json", Vec::new())
        }
        FormatType::Csv => ("csv", csv(format, &place, findings)),
        FormatType::Json | FormatType::Fixed => {
            findings.push(
                place
                    .impossible("Logstash's input reads lines, and has no codec for this format")
                    .of("type")
                    .instead("deliver the records as NDJSON, or as CSV"),
            );
            ("plain", Vec::new())
        }
    };
    let encoding = format.charset();
    if encoding != encoding_rs::UTF_8 {
        // Ruby's names are written with other capitals
        let name = encoding.name().replace("windows-", "Windows-");
        options.push(("charset", text(name)));
        findings.push(
            place
                .changed("bytes that are no text in the encoding are replaced, and byte order marks are content")
                .of("encoding"),
        );
    }
    if !format.keep_original {
        // otherwise Logstash keeps the raw record in event.original
        options.push(("ecs_compatibility", text("disabled")));
    }
    findings.push(
        place
            .left_out("Logstash's files have no longest record")
            .of("max_record"),
    );
    plugin(name, options)
}

fn joined(
    multiline: &Multiline,
    place: &Place,
    findings: &mut Vec<Finding>,
) -> Vec<(&'static str, Literal)> {
    findings.push(
        place
            .changed("a record of more lines or bytes is made several of, not rejected; those of several lines get the tag multiline")
            .of("multiline"),
    );
    let what = match multiline.what {
        Neighbour::Previous => "previous",
        Neighbour::Next => "next",
    };
    vec![
        ("pattern", text(multiline.pattern.as_str())),
        ("what", text(what)),
        ("negate", Literal::Bool(multiline.negate)),
        ("max_lines", text(multiline.max_lines.to_string())),
    ]
}

fn csv(
    format: &Format,
    place: &Place,
    findings: &mut Vec<Finding>,
) -> Vec<(&'static str, Literal)> {
    let mut options = Vec::new();
    match &format.columns {
        Some(columns) if !format.has_header() => options.push(("columns", list(columns))),
        columns => {
            options.push(("autodetect_column_names", Literal::Bool(true)));
            if columns.is_some() {
                findings.push(
                    place
                        .changed("the header's names are taken as they are, not compared with the columns")
                        .of("columns"),
                );
            }
        }
    }
    if let Some(delimiter) = format.delimiter {
        options.push(("separator", text(delimiter)));
    }
    if let Some(quote) = format.quote {
        options.push(("quote_char", text(quote)));
    }
    match format.null_values.as_deref() {
        None | Some([]) => {}
        Some(values) => {
            if values.iter().any(String::is_empty) {
                options.push(("skip_empty_columns", Literal::Bool(true)));
            }
            if values.iter().any(|value| !value.is_empty()) {
                findings.push(
                    place
                        .changed("values that stand for none stay as they are")
                        .of("null_values")
                        .instead("remove such fields by conditionals in front of the filters"),
                );
            }
        }
    }
    if format.on_column_mismatch.unwrap_or_default() == ColumnMismatch::Reject {
        findings.push(
            place
                .changed("a record with too few or too many values is accepted")
                .of("on_column_mismatch"),
        );
    }
    findings.push(
        place
            .changed("Logstash reads lines: a quoted value with a newline is torn apart; an empty value is null")
            .of("type"),
    );
    options
}
