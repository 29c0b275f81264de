//! `csv`: one line of values a call.

use wrangling::codec::{CsvConversion, CsvSplitter};
use wrangling::{Field, Violation};

use super::{Fields, set_original};
use crate::options::Options;

/// The codec's options, for reading and for writing.
pub const OPTIONS: &[&str] = &[
    "autodetect_column_names",
    "autogenerate_column_names",
    "columns",
    "convert",
    "include_headers",
    "quote_char",
    "separator",
    "skip_empty_columns",
    "target",
];

/// Makes an event of a line of values.
#[derive(Debug)]
pub struct Csv {
    splitter: CsvSplitter,
    quote: Option<char>,
    columns: Vec<String>,
    conversions: Vec<(String, CsvConversion)>,
    target: Option<String>,
    /// The first line names the columns.
    autodetect: bool,
    autogenerate: bool,
    skip_empty: bool,
}

impl Csv {
    pub fn compile(options: Options<'_>) -> Result<Self, Violation> {
        let quote = options.text("quote_char")?.unwrap_or("\"");
        if quote.chars().count() > 1 {
            let message = format!("the quote must be one character, not `{quote}`");
            return Err(options.wrong("quote_char", "invalid_quote", message));
        }
        let separator = options.text("separator")?.unwrap_or(",");
        if separator.is_empty() {
            return Err(options.wrong(
                "separator",
                "invalid_separator",
                "the separator cannot be empty",
            ));
        }
        let mut conversions = Vec::new();
        for (column, kind) in options.pairs("convert")? {
            let conversion = CsvConversion::parse(kind).ok_or_else(|| {
                let message = format!(
                    "`{kind}` is no conversion; allowed: integer, float, date, date_time, boolean"
                );
                options.wrong("convert", "invalid_conversion", message)
            })?;
            conversions.push((column.to_owned(), conversion));
        }
        let columns = options.list("columns")?;
        let quote = quote.chars().next();
        Ok(Self {
            splitter: CsvSplitter::new(separator, quote),
            quote,
            columns: columns.into_iter().map(str::to_owned).collect(),
            conversions,
            target: options.text("target")?.map(str::to_owned),
            autodetect: options.flag("autodetect_column_names", false)?
                || options.flag("include_headers", false)?,
            autogenerate: options.flag("autogenerate_column_names", true)?,
            skip_empty: options.flag("skip_empty_columns", false)?,
        })
    }

    /// Makes an event of the first line of `text`.
    pub fn record(&mut self, text: String, original: bool, out: &mut Vec<Fields>) {
        let line = self.first_line(&text);
        if line.is_empty() {
            return;
        }
        let values = match self.splitter.split(line) {
            Ok(values) => values,
            Err(_) => {
                let tags = Field::Texts(vec!["_csvparsefailure".to_owned()]);
                let mut fields = vec![
                    ("message".to_owned(), text.clone().into()),
                    ("tags".to_owned(), tags),
                ];
                set_original(text, original, &mut fields);
                out.push(fields);
                return;
            }
        };
        if self.autodetect && self.columns.is_empty() {
            self.columns = values.into_iter().map(Option::unwrap_or_default).collect();
            return;
        }
        let mut fields = Vec::with_capacity(values.len() + 1);
        for (index, value) in values.into_iter().enumerate() {
            let empty = value.as_ref().is_none_or(String::is_empty);
            let unnamed = index >= self.columns.len();
            if (self.skip_empty && empty) || (unnamed && !self.autogenerate) {
                continue;
            }
            fields.push(self.field(index, value));
        }
        set_original(text, original, &mut fields);
        out.push(fields);
    }

    fn field(&self, index: usize, value: Option<String>) -> (String, Field) {
        let column = match self.columns.get(index) {
            Some(name) => name.clone(),
            None => format!("column{}", index + 1),
        };
        let conversion = self.conversions.iter().find(|(name, _)| *name == column);
        let field = match (value, conversion) {
            (None, _) => Field::Null,
            (Some(text), Some((_, conversion))) => conversion.convert(text),
            (Some(text), None) => Field::Text(text),
        };
        let name = match &self.target {
            None => column,
            Some(target) => format!("{}{}", bracketed(target), bracketed(&column)),
        };
        (name, field)
    }

    /// The text up to the first line feed that stands outside of quotes.
    fn first_line<'t>(&self, text: &'t str) -> &'t str {
        let mut quoted = false;
        for (at, c) in text.char_indices() {
            if Some(c) == self.quote {
                quoted = !quoted;
            } else if c == '\n' && !quoted {
                let line = text.get(..at).unwrap_or(text);
                return line.strip_suffix('\r').unwrap_or(line);
            }
        }
        text
    }
}

fn bracketed(name: &str) -> String {
    if name.starts_with('[') {
        name.to_owned()
    } else {
        format!("[{name}]")
    }
}
