//! Dictionary files: CSV, JSON, YAML.

use bumpalo::Bump;

use super::dictionary::Entries;
use super::entry::Entry;
use super::scalar::Scalars;
use super::yaml;
use crate::compile::Compiler;
use crate::options::Options;
use crate::value::Value;

/// Characters of a YAML file, unless the filter says how many.
const YAML_LIMIT: usize = 128 << 20;

enum Format {
    Csv,
    Json,
    Yaml,
}

impl Format {
    fn of(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        match extension {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "yml" | "yaml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

/// The entries of the file at `path`; none where no files are read.
pub(super) fn read(
    path: &str,
    options: Options<'_>,
    compiler: &mut Compiler<'_>,
) -> Option<Entries> {
    let Some(format) = Format::of(path) else {
        let message =
            format!("`{path}` is none of .csv, .json, .yml, .yaml, by which its format is known");
        compiler.violation(options.at("dictionary_path"), "invalid_value", message);
        return None;
    };
    let (limit, scalars) = yaml_options(&format, options, compiler)?;
    let bytes = compiler
        .read(path, options.at("dictionary_path"))
        .unwrap_or_default();
    let entries = String::from_utf8(bytes)
        .map_err(|error| format!("it is no UTF-8: {error}"))
        .and_then(|text| {
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            match format {
                Format::Csv => csv(text),
                Format::Json => json(text),
                Format::Yaml if text.chars().count() > limit => Err(format!(
                    "it has more than {limit} characters, see `yaml_dictionary_code_point_limit`"
                )),
                Format::Yaml => {
                    yaml::parse(text, scalars).and_then(|entries| texts(entries, options))
                }
            }
        });
    match entries {
        Ok(entries) => Some(entries),
        Err(reason) => {
            let message = format!("the dictionary `{path}` cannot be used: {reason}");
            compiler.violation(options.at("dictionary_path"), "invalid_resource", message);
            None
        }
    }
}

/// The options that only YAML has.
fn yaml_options(
    format: &Format,
    options: Options<'_>,
    compiler: &mut Compiler<'_>,
) -> Option<(usize, Scalars)> {
    let name = "yaml_dictionary_code_point_limit";
    let limit = match options.text(name) {
        None => YAML_LIMIT,
        Some(_) if !matches!(format, Format::Yaml) => {
            let message = "this limit is for dictionaries in YAML; remove it".to_owned();
            compiler.violation(options.at(name), "conflicting_options", message);
            return None;
        }
        Some(text) => match text.parse::<f64>() {
            Ok(limit) if limit > 0.0 => limit as usize,
            _ => {
                let message = format!("`{text}` is no positive number");
                compiler.violation(options.at(name), "invalid_value", message);
                return None;
            }
        },
    };
    match options.text("yaml_load_strategy") {
        None | Some("one_shot") => Some((limit, Scalars::Psych)),
        Some("streaming") => Some((limit, Scalars::Streaming)),
        Some(other) => {
            let message = format!("`{other}` is none of one_shot, streaming");
            compiler.violation(options.at("yaml_load_strategy"), "invalid_value", message);
            None
        }
    }
}

/// The entries whose keys are texts. Others are never found, and are no regular expressions.
fn texts(entries: Vec<(Entry, Entry)>, options: Options<'_>) -> Result<Entries, String> {
    let whole = options.flag("exact", true) && !options.flag("regex", false);
    let mut all = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match key {
            Entry::Text(key) => all.push((key, value)),
            _ if whole => {}
            _ => return Err(format!("the key {key:?} is no text; put it into quotes")),
        }
    }
    Ok(all)
}

fn json(text: &str) -> Result<Entries, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let bump = Bump::new();
    match crate::json::parse(text, &bump) {
        Ok(Value::Object(members)) => {
            let entry = |(key, value): &(&str, Value<'_>)| ((*key).into(), (*value).into());
            Ok(members.iter().map(entry).collect())
        }
        Ok(_) => Err("it must hold an object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// One entry a line: a key and a value; further values mean nothing. A missing value is null.
fn csv(text: &str) -> Result<Entries, String> {
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let malformed = || format!("line {}: a quote is misplaced or not closed", index + 1);
        let mut values = row(line).ok_or_else(malformed)?.into_iter();
        if let Some(Entry::Text(key)) = values.next() {
            entries.push((key, values.next().unwrap_or(Entry::Null)));
        }
    }
    Ok(entries)
}

/// The values of a line of CSV; `None` if a quote is where none can be.
fn row(line: &str) -> Option<Vec<Entry>> {
    let (mut values, mut rest) = (Vec::new(), line);
    loop {
        let after = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = unquote(quoted)?;
                values.push(Entry::Text(value.into()));
                after
            }
            None => {
                let (value, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                if value.contains('"') {
                    return None;
                }
                values.push(match value {
                    "" => Entry::Null,
                    value => Entry::Text(value.into()),
                });
                after
            }
        };
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => return Some(values),
            None => return None,
        }
    }
}

/// The value after an opening quote and what follows the closing one.
fn unquote(text: &str) -> Option<(String, &str)> {
    let (mut value, mut rest) = (String::new(), text);
    loop {
        let (before, after) = rest.split_once('"')?;
        value.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}
