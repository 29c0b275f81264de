//! From events to bytes.

use wrangling::ast::Plugin;
use wrangling::{Delivery, Violation};

use super::csv;
use super::csv_writer::CsvWriter;
use crate::options::Options;

const COMMON: &[&str] = &["charset", "ecs_compatibility", "enable_metric", "id"];
/// An event as text when no format is given.
const PLAIN: &str = "%{@timestamp} %{host} %{message}";

/// A codec that writes.
#[derive(Debug)]
pub enum Encoder {
    /// JSON, with what follows each event.
    Json {
        /// Empty, or a line feed.
        delimiter: String,
    },
    /// The text of this number among those that the outlet asks for.
    Text {
        /// Its number.
        text: usize,
        /// Empty, or a line feed.
        delimiter: String,
    },
    /// As Ruby shows it.
    Debug {
        /// Whether `@metadata` is shown, too.
        metadata: bool,
    },
    /// A line of values an event.
    Csv(CsvWriter),
    /// A dot an event.
    Dots,
}

impl Encoder {
    /// Compiles a codec; a text that it needs of each event is added to `texts`.
    ///
    /// # Errors
    /// For a codec that is not known, and for its options.
    pub fn compile(plugin: &Plugin, texts: &mut Vec<String>) -> Result<Self, Violation> {
        let read = |own: &[&str]| Options::new(plugin, &[own, COMMON]);
        let mut format = |options: Options<'_>| -> Result<usize, Violation> {
            texts.push(options.text("format")?.unwrap_or(PLAIN).to_owned());
            Ok(texts.len() - 1)
        };
        let delimiter = |options: Options<'_>| -> Result<String, Violation> {
            Ok(options.text("delimiter")?.unwrap_or("\n").to_owned())
        };
        match plugin.name.as_str() {
            "json" => {
                read(&["target"])?;
                let delimiter = String::new();
                Ok(Self::Json { delimiter })
            }
            "json_lines" => {
                let options = read(&["delimiter", "target", "decode_size_limit_bytes"])?;
                let delimiter = delimiter(options)?;
                Ok(Self::Json { delimiter })
            }
            "plain" => {
                let options = read(&["format"])?;
                let (text, delimiter) = (format(options)?, String::new());
                Ok(Self::Text { text, delimiter })
            }
            "line" => {
                let options = read(&["delimiter", "format"])?;
                let (text, delimiter) = (format(options)?, delimiter(options)?);
                Ok(Self::Text { text, delimiter })
            }
            "rubydebug" => {
                let metadata = read(&["metadata"])?.flag("metadata", false)?;
                Ok(Self::Debug { metadata })
            }
            "csv" => CsvWriter::compile(read(csv::OPTIONS)?).map(Self::Csv),
            "dots" => read(&[]).map(|_| Self::Dots),
            other => {
                let message = format!(
                    "the codec `{other}` cannot be written; allowed: csv, dots, json, json_lines, line, plain, rubydebug"
                );
                Err(Violation::new(
                    plugin.at.0.clone(),
                    "unknown_codec",
                    message,
                ))
            }
        }
    }

    /// Appends an event.
    pub fn encode(&self, delivery: &Delivery<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Json { delimiter } => {
                delivery.encode(out);
                out.extend_from_slice(delimiter.as_bytes());
            }
            Self::Text { text, delimiter } => {
                let text = delivery.texts.get(*text).copied().unwrap_or_default();
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(delimiter.as_bytes());
            }
            Self::Debug { metadata } => {
                delivery.debug(*metadata, out);
                out.push(b'\n');
            }
            Self::Csv(writer) => writer.write(delivery, out),
            Self::Dots => out.push(b'.'),
        }
    }
}
