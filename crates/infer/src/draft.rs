//! The draft: a complete spec as YAML, with remarks at what was guessed.

use crate::Draft;
use crate::columns::Column;
use crate::delimited::Table;
use crate::json_lines::Objects;
use crate::lines::Log;
use crate::packing::Packing;
use crate::types::Kind;

/// What the draft is made for.
pub struct Source<'a> {
    /// The file's name.
    pub name: &'a str,
    /// The job's name.
    pub job: &'a str,
    /// How the file is packed.
    pub packing: Packing,
}

/// A spec in the making.
struct Writer {
    yaml: String,
    remarks: Vec<String>,
}

/// A text as YAML: JSON's notation is part of it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text as YAML, plain where that cannot be taken for anything else.
fn scalar(text: &str) -> String {
    let plain = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        );
    match plain {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// A column's name as a field reference.
fn field(name: &str) -> String {
    scalar(name)
}

impl Writer {
    fn begin(source: &Source<'_>, format: &str, confidence: u8) -> Self {
        let packed = match source.packing {
            Packing::None => "",
            Packing::Gzip => ", packed with gzip",
        };
        let mut writer = Self {
            yaml: String::new(),
            remarks: Vec::new(),
        };
        writer.line(&format!(
            "# A first spec for files like {}: {format}{packed} ({confidence} % of what was seen looks so).",
            quoted(source.name)
        ));
        writer.line("# Read it, change what is wrong, try it with `ingest job preview`, put it with `ingest job put`.");
        writer.line("mode: batch");
        writer.line(&format!(
            "source: {{ include: [{}] }}   # names of the files that belong to the job",
            quoted(&pattern(source.name))
        ));
        writer
    }

    fn line(&mut self, text: &str) {
        self.yaml.push_str(text);
        self.yaml.push('\n');
    }

    fn remark(&mut self, text: String) {
        self.remarks.push(text);
    }

    /// The steps that numbers with commas and the time of the record need.
    fn steps(&mut self, columns: &[Column]) {
        let mut steps = Vec::new();
        for Column { name, kind } in columns {
            if let Kind::DecimalComma { thousands } = kind {
                let name = field(name);
                if *thousands {
                    steps.push(format!(
                        "  - mutate: {{ gsub: [{name}, \"\\\\.\", \"\"] }}   # 1.234,5 is 1234,5"
                    ));
                }
                steps.push(format!(
                    "  - mutate: {{ gsub: [{name}, \",\", \".\"] }}   # 1234,5 is 1234.5"
                ));
            }
        }
        let time = columns.iter().find_map(|column| match column.kind {
            Kind::Date { pattern, .. } if has_time(pattern) => Some((&column.name, pattern)),
            _ => None,
        });
        if let Some((name, pattern)) = time {
            steps.push(format!(
                "  - date: {{ match: [{}, {}] }}   # the time of the record: @timestamp",
                field(name),
                quoted(pattern)
            ));
            self.remark(format!(
                "@timestamp is taken from {name}, in UTC where it names no zone"
            ));
        }
        if !steps.is_empty() {
            self.line("wrangling:");
            steps.iter().for_each(|step| self.line(step));
        }
    }

    fn schema(&mut self, columns: &[Column]) {
        if columns.is_empty() {
            return;
        }
        self.line("schema:");
        self.line("  fields:");
        for Column { name, kind } in columns {
            let (definition, remark) = definition(kind);
            let remark = remark.map_or_else(String::new, |remark| {
                self.remark(format!("{name}: {remark}"));
                format!("   # {remark}")
            });
            self.line(&format!("    {}: {{ {definition} }}{remark}", field(name)));
        }
    }

    fn end(mut self, source: &Source<'_>, format: String, confidence: u8) -> Draft {
        self.line(&format!(
            "destination: {{ index: {} }}",
            quoted(&index(source.job))
        ));
        Draft {
            yaml: self.yaml,
            format,
            confidence,
            remarks: self.remarks,
        }
    }
}

/// A field's definition in the schema, and what to look at.
fn definition(kind: &Kind) -> (String, Option<String>) {
    let plain = |name: &str| (format!("type: {name}"), None);
    match kind {
        Kind::Integer => plain("integer"),
        Kind::Long => plain("long"),
        Kind::Double | Kind::DecimalComma { .. } => plain("double"),
        Kind::Boolean => plain("boolean"),
        Kind::Ip => plain("ip"),
        Kind::Keyword => plain("keyword"),
        Kind::Text => plain("text"),
        Kind::Date {
            pattern: "ISO8601",
            or: None,
        } => plain("date"),
        Kind::Date { pattern, or } => (
            format!("type: date, formats: [{}]", quoted(pattern)),
            or.map(|or| format!("or is it {or}? both read all values")),
        ),
    }
}

fn has_time(pattern: &str) -> bool {
    pattern.contains("HH") || pattern.starts_with("UNIX") || pattern == "ISO8601"
}

/// A pattern for names like this one: numbers may differ.
fn pattern(name: &str) -> String {
    let mut pattern = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_digit() => {
                if !pattern.ends_with('*') {
                    pattern.push('*');
                }
            }
            '[' | ']' | '{' | '}' | '?' | '*' | '\\' | '!' => pattern.push('?'),
            c => pattern.push(c),
        }
    }
    pattern
}

/// A legal index name.
fn index(job: &str) -> String {
    let legal = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9' | '-' | '_') => c,
        _ => '-',
    };
    job.chars().map(legal).collect()
}

/// Of a table.
pub fn table(source: &Source<'_>, table: &Table) -> Draft {
    let header = match table.header {
        true => "with a header",
        false => "without a header",
    };
    let format = format!(
        "csv {header}, delimited by {}",
        quoted(&table.delimiter.to_string())
    );
    let mut writer = Writer::begin(source, &format, table.confidence);
    writer.line("format:");
    writer.line("  type: csv");
    if table.delimiter != ',' {
        writer.line(&format!(
            "  delimiter: {}",
            quoted(&table.delimiter.to_string())
        ));
    }
    match table.header {
        true => writer.line("  header: true"),
        false => {
            let names: Vec<_> = table
                .columns
                .iter()
                .map(|column| scalar(&column.name))
                .collect();
            writer.line(&format!("  columns: [{}]   # name them", names.join(", ")));
            writer.remark("the columns have no names: give them some".into());
        }
    }
    if !table.nulls.is_empty() {
        let nulls: Vec<_> = table.nulls.iter().map(|null| quoted(null)).collect();
        writer.line(&format!(
            "  null_values: [{}]   # no value: the field is absent",
            nulls.join(", ")
        ));
    }
    writer.steps(&table.columns);
    writer.schema(&table.columns);
    writer.end(source, format, table.confidence)
}

/// Of objects.
pub fn json(source: &Source<'_>, objects: &Objects) -> Draft {
    let format = "one JSON object a line".to_owned();
    let mut writer = Writer::begin(source, &format, objects.confidence);
    writer.line("format: { type: ndjson }");
    writer.steps(&objects.fields);
    writer.schema(&objects.fields);
    writer.end(source, format, objects.confidence)
}

/// Of a log.
pub fn log(source: &Source<'_>, log: &Log) -> Draft {
    let format = log.form.name.to_owned();
    let mut writer = Writer::begin(source, &format, log.confidence);
    let dates: Vec<_> = log.form.dates.iter().map(|date| quoted(date)).collect();
    writer.line("format: { type: lines }");
    writer.line("wrangling:");
    writer.line(&format!(
        "  - grok: {{ match: {{ message: {} }}, overwrite: [message] }}",
        quoted(log.form.grok)
    ));
    let year = match log.form.guesses_year {
        true => "   # names no year: it is guessed",
        false => "",
    };
    writer.line(&format!(
        "  - date: {{ match: [timestamp, {}], remove_field: [timestamp] }}{year}",
        dates.join(", ")
    ));
    writer.line("on_failure: reject   # a line of another form is kept among the rejects");
    if log.form.guesses_year {
        writer.remark(
            "the times name neither year nor zone: the year is guessed, the zone is UTC".into(),
        );
    }
    writer.end(source, format, log.confidence)
}

/// Of what is not recognised: each line as it is.
pub fn plain(source: &Source<'_>) -> Draft {
    let format = "lines of text of a form that is not known".to_owned();
    let mut writer = Writer::begin(source, &format, 0);
    writer.line("format: { type: lines }   # each line is the field message");
    writer.remark(
        "the form of the lines is not known: take them apart with a step grok, dissect, kv or csv"
            .into(),
    );
    writer.end(source, format, 0)
}
