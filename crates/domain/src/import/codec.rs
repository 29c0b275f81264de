//! An input's codec: how bytes become records.

use serde_json::{Map, Value, json};
use wrangling::ast::{At, Literal, Plugin, Statement};

use super::value::{is_true, step, text, texts};
use crate::finding::{Finding, Place};
use crate::spec;

/// What a codec becomes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// The spec's section `format`.
    pub(super) format: Map<String, Value>,
    /// Steps that do what the format cannot.
    pub(super) steps: Vec<Statement>,
}

/// Reads a codec: a name, or a plugin of its own. `at` is the input's place.
pub(super) fn codec(value: &Literal, at: &At, findings: &mut Vec<Finding>) -> Reading {
    let plugin = match value {
        Literal::Plugin(plugin) => plugin.clone(),
        other => Plugin {
            name: text(other).unwrap_or_default(),
            options: Vec::new(),
            at: at.clone(),
        },
    };
    let place = Place::new(&*plugin.at.0, format!("codec {}", plugin.name));
    let mut format = Map::new();
    let mut steps = Vec::new();
    match plugin.name.as_str() {
        "plain" | "line" => {
            format.insert("type".into(), "lines".into());
            plugin_options(&plugin, &place, findings, |_, _| false);
        }
        "json" | "json_lines" | "csv" if is_filtered(&plugin) => {
            format.insert("type".into(), "lines".into());
            steps.push(as_filter(&plugin, &place, findings));
        }
        "json" | "json_lines" => {
            format.insert("type".into(), "ndjson".into());
            plugin_options(&plugin, &place, findings, |_, _| false);
            findings.push(place.changed("a record that is no JSON object is rejected, with its position; Logstash keeps it with the tag _jsonparsefailure, and makes several records of a list")
                .instead("to keep such records, use the format lines and a step json: { source: message }"));
        }
        "csv" => csv(&plugin, &place, &mut format, findings),
        "multiline" => multiline(&plugin, &place, &mut format, findings),
        name => {
            let finding = place
                .impossible(format!("the codec {name} is not read"))
                .instead(
                    "stage files of CSV, of JSON objects, of lines, or of fields with fixed widths",
                );
            findings.push(finding);
            format.insert("type".into(), "lines".into());
            return Reading { format, steps };
        }
    }
    if let Some(label) = charset(&plugin, &place, findings) {
        format.insert("encoding".into(), label.into());
    }
    let keeps_original = !plugin
        .options
        .iter()
        .any(|(name, value)| name == "ecs_compatibility" && value.text() == Some("disabled"));
    if keeps_original {
        format.insert("keep_original".into(), true.into());
        findings.push(place.changed("Logstash 8 and later keep the raw record in [event][original]: the format says keep_original")
            .instead("take keep_original out if nobody reads that field; it makes documents larger"));
    }
    Reading { format, steps }
}

/// Options that codecs share, but for the charset, and those that `taken` says it has seen to.
fn plugin_options(
    plugin: &Plugin,
    place: &Place,
    findings: &mut Vec<Finding>,
    mut taken: impl FnMut(&str, &Literal) -> bool,
) {
    for (name, value) in &plugin.options {
        if name == "charset" || taken(name, value) {
            continue;
        }
        let said = value.text().unwrap_or_default();
        findings.push(
            match (name.as_str(), said) {
                ("delimiter", "\n" | "\\n") => place.left_out("a record ends with its line anyway"),
                ("delimiter", _) => place
                    .impossible("a record ends with its line")
                    .instead("put each record on a line of its own before the files are staged"),
                ("decode_size_limit_bytes", _) => place
                    .left_out("the spec's format.max_record limits a record; its default is 1MiB"),
                ("ecs_compatibility", "disabled") => place.changed(
                    "the raw record is not kept in [event][original], as the job's default is",
                ),
                ("ecs_compatibility", _) => {
                    place.left_out("the platform names fields by the Elastic Common Schema anyway")
                }
                ("format" | "include_headers", _) => {
                    place.left_out("it is for writing, not for reading")
                }
                ("id" | "enable_metric", _) => {
                    place.left_out("it is for Logstash's own monitoring")
                }
                ("skip_empty_columns", "false") => {
                    place.left_out("an empty value is a field anyway")
                }
                _ => place
                    .impossible(format!("what {name} does is not done here"))
                    .instead("write it as steps after the format lines"),
            }
            .of(name),
        );
    }
}

/// The encoding that a codec's charset is; none for UTF-8.
fn charset(plugin: &Plugin, place: &Place, findings: &mut Vec<Finding>) -> Option<String> {
    let (_, value) = plugin.options.iter().find(|(name, _)| name == "charset")?;
    let said = value.text().unwrap_or_default().to_ascii_lowercase();
    // Ruby's names that the web's registry of labels does not have
    let label = match said.as_str() {
        "cp932" | "windows-31j" => "shift_jis",
        "cp949" => "euc-kr",
        "cp936" => "gbk",
        "cp950" => "big5",
        "cp866" => "ibm866",
        other => other,
    };
    let finding = match (label, spec::encoding(label)) {
        ("utf-8", _) => place.left_out("files are read as UTF-8 anyway"),
        (_, Some(_)) => {
            let message = "bytes that are no text in the encoding are not replaced: their record is rejected; a byte order mark goes before the encoding, and is no content";
            findings.push(place.changed(message).of("charset"));
            return Some(label.to_owned());
        }
        _ => place
            .impossible(format!("files are not read as {said}"))
            .instead("convert the files before they are staged, for example with iconv"),
    };
    findings.push(finding.of("charset"));
    None
}

fn multiline(
    plugin: &Plugin,
    place: &Place,
    format: &mut Map<String, Value>,
    findings: &mut Vec<Finding>,
) {
    format.insert("type".into(), "lines".into());
    let mut joined = Map::new();
    let mut limits = Vec::new();
    plugin_options(plugin, place, findings, |name, value| {
        match name {
            "pattern" | "what" => _ = joined.insert(name.into(), json!(text(value))),
            "negate" => _ = joined.insert(name.into(), is_true(value).into()),
            "max_lines" => {
                let lines = text(value).and_then(|lines| lines.parse::<u32>().ok());
                _ = joined.insert(name.into(), json!(lines));
            }
            "max_bytes" => _ = format.insert("max_record".into(), json!(text(value))),
            "multiline_tag" | "auto_flush_interval" | "streaming_input" => {
                limits.push(name.to_owned());
            }
            _ => return false,
        }
        true
    });
    format.insert("multiline".into(), joined.into());
    findings.extend(limits.iter().map(|name| {
        place
            .left_out("a file is read whole, and its records are not tagged multiline")
            .of(name)
    }));
    findings.push(place.changed("a record of more lines or bytes than max_lines and max_record is rejected, with its position; Logstash makes several of it. Records of several lines do not get the tag multiline")
        .instead("a step mutate with add_tag, under a condition, tags them"));
}

/// Whether only the filter of the same name does everything that this codec does.
fn is_filtered(plugin: &Plugin) -> bool {
    let names = ["target", "convert"];
    plugin
        .options
        .iter()
        .any(|(name, _)| names.contains(&name.as_str()))
}

/// The filter that does what the codec does, to a line.
fn as_filter(plugin: &Plugin, place: &Place, findings: &mut Vec<Finding>) -> Statement {
    let name = if plugin.name == "csv" { "csv" } else { "json" };
    let mut options = vec![("source".to_owned(), Literal::String("message".into()))];
    plugin_options(plugin, place, findings, |option, value| {
        let same = match name {
            "csv" => !matches!(
                option,
                "charset" | "ecs_compatibility" | "include_headers" | "id" | "enable_metric"
            ),
            _ => option == "target",
        };
        if same {
            options.push((option.to_owned(), value.clone()));
        }
        same
    });
    let message = Literal::Array(vec![Literal::String("message".into())]);
    options.push(("remove_field".to_owned(), message));
    findings.push(place.changed(format!(
        "it becomes the format lines and a step {name}, which does the same"
    )));
    step(name, options, &plugin.at)
}

fn csv(
    plugin: &Plugin,
    place: &Place,
    format: &mut Map<String, Value>,
    findings: &mut Vec<Finding>,
) {
    format.insert("type".into(), "csv".into());
    let (mut header, mut columns, mut autogenerate) = (false, Vec::new(), true);
    plugin_options(plugin, place, findings, |name, value| {
        match name {
            "separator" => _ = format.insert("delimiter".into(), json!(text(value))),
            "quote_char" => _ = format.insert("quote".into(), json!(text(value))),
            "columns" => columns = texts(value),
            "autodetect_column_names" => header = is_true(value),
            "autogenerate_column_names" => autogenerate = is_true(value),
            "skip_empty_columns" if is_true(value) => {
                _ = format.insert("null_values".into(), json!([""]));
            }
            _ => return false,
        }
        true
    });
    // as in Logstash, names that are given go before a header
    let header = header && columns.is_empty();
    format.insert("header".into(), header.into());
    if !columns.is_empty() {
        format.insert("columns".into(), json!(columns));
    } else if !header {
        findings.push(place.impossible("the columns have no names: Logstash calls them column1, column2, …")
            .of("columns")
            .instead("name them by format.columns, or say format.header: true if the files begin with a header"));
    }
    format.insert("on_column_mismatch".into(), "accept".into());
    if !autogenerate {
        findings.push(
            place
                .changed("values without a name are kept as column<n>; Logstash leaves them out")
                .of("autogenerate_column_names")
                .instead("remove them by a step prune, or reject such records by format.on_column_mismatch: reject"),
        );
    }
    findings.push(place.changed("a quoted value may hold newlines, and an empty value is an empty text, not null; a record with too few or too many values is accepted")
        .instead("format.null_values says which values are none; format.on_column_mismatch: reject is stricter"));
}
