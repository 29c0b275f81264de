//! How the bytes of a file become records.

use encoding_rs::Encoding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wrangling::codec::LinePattern;
use wrangling::{EcsCompatibility, Violation};

use crate::units::Bytes;

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormatType {
    /// Delimited values (RFC 4180, quoted newlines included), with any delimiter and quote.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// One record a line, in the field `message`; with `multiline` one record of several lines.
    Lines,
    /// The elements of a JSON array, or JSON values one after another, over as many lines as they like. Each has to be an
    /// object.
    Json,
    /// Lines of values that each have a width of their own.
    Fixed,
}

impl FormatType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Csv,
        Self::Ndjson,
        Self::Lines,
        Self::Json,
        Self::Fixed,
    ];
}

/// What is done with a record that has too few or too many values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnMismatch {
    /// It is rejected.
    #[default]
    Reject,
    /// Missing values are absent fields; further values get the names `column<n>`, as Logstash gives them.
    Accept,
}

/// A part of a line of fixed widths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedField {
    /// The field's name. Without one, this part of the line is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many characters it has.
    pub width: u32,
}

/// Which lines together are a record, as Logstash's codec multiline has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Multiline {
    /// A grok pattern: a line in which it is found belongs to another one.
    pub pattern: String,
    /// To which one.
    pub what: Neighbour,
    /// Whether it is the lines without the pattern that belong to another one.
    #[serde(default)]
    pub negate: bool,
    /// A record of more lines is rejected, with its position. Default 500.
    #[serde(default = "Multiline::default_max_lines")]
    pub max_lines: u32,
}

/// The line that another one belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Neighbour {
    /// The one before.
    Previous,
    /// The one after.
    Next,
}

impl Multiline {
    fn default_max_lines() -> u32 {
        500
    }

    /// The pattern, compiled; or why it cannot be used.
    pub fn compile(&self) -> Result<LinePattern, String> {
        LinePattern::compile(&self.pattern, &[], EcsCompatibility::V8)
    }
}

/// How the bytes become records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// Which format.
    #[serde(rename = "type")]
    pub kind: FormatType,
    /// How the bytes are text: a label of the WHATWG Encoding Standard, for example `windows-1252`, `utf-16` or `gbk`. A byte
    /// order mark at the beginning of a file goes before it. Default `utf-8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// csv: what stands between two values; one character. `"\t"` for TSV. Default `,`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// csv: what stands around a value that holds delimiters or newlines; one character. Default `"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<char>,
    /// csv: whether the first record names the columns. Default: true, unless `columns` are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// csv: the columns' names, in order. With `header: true` the file's own header must have the same names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// fixed: the values of a line, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<FixedField>>,
    /// fixed: whether the blanks around a value are left out. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trim: Option<bool>,
    /// lines: which lines together are a record. Default: each line is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiline: Option<Multiline>,
    /// csv, fixed: values that stand for no value; such a field is absent. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_values: Option<Vec<String>>,
    /// csv, fixed: what is done with a record that has too few or too many values; for fixed, with a line that is shorter or
    /// longer than its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_column_mismatch: Option<ColumnMismatch>,
    /// Whether the raw record is kept in `event.original`.
    #[serde(default)]
    pub keep_original: bool,
    /// A longer record is rejected, with its position; the bytes are those of its text in UTF-8. Default 1MiB.
    #[serde(default = "Format::default_max_record")]
    pub max_record: Bytes,
}

impl Format {
    /// A format with everything at its default.
    pub fn of(kind: FormatType) -> Self {
        Self {
            kind,
            encoding: None,
            delimiter: None,
            quote: None,
            header: None,
            columns: None,
            fields: None,
            trim: None,
            multiline: None,
            null_values: None,
            on_column_mismatch: None,
            keep_original: false,
            max_record: Self::default_max_record(),
        }
    }

    fn default_max_record() -> Bytes {
        Bytes::mib(1)
    }

    /// csv: the delimiter. One byte: [`super::parse`] refuses others.
    pub fn delimiter_byte(&self) -> u8 {
        self.delimiter
            .and_then(|c| u8::try_from(c).ok())
            .unwrap_or(b',')
    }

    /// csv: the quote. One byte: [`super::parse`] refuses others.
    pub fn quote_byte(&self) -> u8 {
        self.quote
            .and_then(|c| u8::try_from(c).ok())
            .unwrap_or(b'"')
    }

    /// How the bytes of a file without a byte order mark are text; [`super::parse`] refuses what is unknown.
    pub fn charset(&self) -> &'static Encoding {
        self.encoding
            .as_deref()
            .and_then(encoding)
            .unwrap_or(encoding_rs::UTF_8)
    }

    /// csv: whether the first record of each file is a header.
    pub fn has_header(&self) -> bool {
        self.header.unwrap_or(self.columns.is_none())
    }
}

/// The encoding of a label, if files in it can be read: what a byte means there must not depend on the lines before it.
pub fn encoding(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes())
        .filter(|encoding| *encoding != encoding_rs::ISO_2022_JP)
}

/// What the schema cannot say of a format.
pub(super) fn check(format: &Format, found: &mut Vec<Violation>) {
    let mut say = |at: &str, code: &'static str, message: String| {
        found.push(Violation::new(format!("/format{at}"), code, message));
    };
    misplaced(format, &mut say);
    check_encoding(format, &mut say);
    match format.kind {
        FormatType::Csv => csv(format, &mut say),
        FormatType::Fixed => fixed(format, &mut say),
        FormatType::Lines => {
            if let Some(Err(reason)) = format.multiline.as_ref().map(Multiline::compile) {
                say("/multiline/pattern", "invalid_pattern", reason);
            }
        }
        FormatType::Ndjson | FormatType::Json => {}
    }
    if format.max_record.0 == 0 {
        say(
            "/max_record",
            "invalid_value",
            "must be at least one byte".into(),
        );
    }
}

/// Takes a violation: its pointer below the format, its code and its message.
type Say<'s> = dyn FnMut(&str, &'static str, String) + 's;

/// Options that belong to other formats.
fn misplaced(format: &Format, say: &mut Say<'_>) {
    use FormatType::{Csv, Fixed, Lines};
    let options: [(_, _, &[FormatType]); 9] = [
        ("delimiter", format.delimiter.is_some(), &[Csv]),
        ("quote", format.quote.is_some(), &[Csv]),
        ("header", format.header.is_some(), &[Csv]),
        ("columns", format.columns.is_some(), &[Csv]),
        ("fields", format.fields.is_some(), &[Fixed]),
        ("trim", format.trim.is_some(), &[Fixed]),
        ("multiline", format.multiline.is_some(), &[Lines]),
        ("null_values", format.null_values.is_some(), &[Csv, Fixed]),
        (
            "on_column_mismatch",
            format.on_column_mismatch.is_some(),
            &[Csv, Fixed],
        ),
    ];
    for (name, given, formats) in options {
        if given && !formats.contains(&format.kind) {
            let names = super::names(formats).replace(", ", " and ");
            let message = format!("{name} belongs to the format {names}");
            say(&format!("/{name}"), "not_for_this_format", message);
        }
    }
}

fn check_encoding(format: &Format, say: &mut Say<'_>) {
    let Some(label) = &format.encoding else {
        return;
    };
    let Some(encoding) = encoding(label) else {
        let message = format!(
            "the encoding {label:?} is not known; use a label of the WHATWG Encoding Standard other than those of ISO-2022-JP"
        );
        return say("/encoding", "unknown_encoding", message);
    };
    let is_unicode = encoding.output_encoding() == encoding_rs::UTF_8;
    if format.kind == FormatType::Json && !is_unicode && !encoding.is_single_byte() {
        let message = format!(
            "JSON is not read in {}; convert the files to UTF-8",
            encoding.name()
        );
        say("/encoding", "not_for_this_format", message);
    }
}

fn csv(format: &Format, say: &mut Say<'_>) {
    for (name, value) in [("delimiter", format.delimiter), ("quote", format.quote)] {
        if value.is_some_and(|c| !c.is_ascii() || matches!(c, '\n' | '\r' | '\0')) {
            let message = "use one ASCII character that is neither a line end nor NUL";
            say(&format!("/{name}"), "invalid_value", message.into());
        }
    }
    if format.delimiter_byte() == format.quote_byte() {
        say(
            "/quote",
            "invalid_value",
            "delimiter and quote must differ".into(),
        );
    }
    if !format.has_header() && format.columns.is_none() {
        let message = "without a header the columns must be named";
        say("/columns", "missing_field", message.into());
    }
    if let Some(columns) = &format.columns {
        let names: Vec<_> = columns.iter().map(|name| Some(name.as_str())).collect();
        distinct("columns", "", &names, say);
    }
}

fn fixed(format: &Format, say: &mut Say<'_>) {
    let Some(fields) = &format.fields else {
        let message = "name the fields of a line, each with its width";
        return say("/fields", "missing_field", message.into());
    };
    let names: Vec<_> = fields.iter().map(|field| field.name.as_deref()).collect();
    distinct("fields", "/name", &names, say);
    for (i, field) in fields.iter().enumerate() {
        if field.width == 0 {
            let message = "a field has at least one character";
            say(
                &format!("/fields/{i}/width"),
                "invalid_value",
                message.into(),
            );
        }
    }
}

/// Names, of which there must be one, and none twice or empty.
fn distinct(list: &str, place: &str, names: &[Option<&str>], say: &mut Say<'_>) {
    let mut seen = std::collections::BTreeSet::new();
    for (i, name) in names.iter().enumerate() {
        if name.is_some_and(|name| name.is_empty() || !seen.insert(name)) {
            let message = "a column's name must not be empty and must not come twice";
            say(
                &format!("/{list}/{i}{place}"),
                "invalid_value",
                message.into(),
            );
        }
    }
    if names.iter().all(Option::is_none) {
        say(
            &format!("/{list}"),
            "invalid_value",
            "name at least one column".into(),
        );
    }
}
