//! From what an input reads to events.

use std::time::Duration;

use wrangling::ast::Plugin;
use wrangling::{EcsCompatibility, Violation};

use super::charset::Charset;
use super::csv::{self, Csv};
use super::lines::Lines;
use super::multiline::Multiline;
use super::{Fields, json, text_event};
use crate::options::Options;

const COMMON: &[&str] = &["charset", "ecs_compatibility", "enable_metric", "id"];

/// A codec with what it holds back between calls.
#[derive(Debug)]
pub struct Decoder {
    /// Cuts what is handed over into lines; without, each call hands over one record.
    lines: Option<Lines>,
    charset: Charset,
    /// Whether events keep what they were made of in `event.original`.
    original: bool,
    records: Records,
}

/// What becomes of a record.
#[derive(Debug)]
enum Records {
    Text,
    Json { target: Option<String> },
    Csv(Csv),
    Multiline(Box<Multiline>),
}

impl Decoder {
    /// Compiles a codec. An input whose data is a stream without records (`streaming`) gets the variant that reads lines.
    ///
    /// # Errors
    /// For a codec that is not known, and for its options.
    pub fn compile(
        plugin: &Plugin,
        streaming: bool,
        ecs: EcsCompatibility,
    ) -> Result<Self, Violation> {
        let read = |own: &[&str]| Options::new(plugin, &[own, COMMON]);
        let name = match (plugin.name.as_str(), streaming) {
            ("plain", true) => "line",
            ("json", true) => "json_lines",
            (name, _) => name,
        };
        let (options, records, by_lines) = match name {
            "plain" => (read(&["format"])?, Records::Text, false),
            "line" => (read(&["delimiter", "format"])?, Records::Text, true),
            "json" | "json_lines" => {
                let options = read(&["delimiter", "target", "decode_size_limit_bytes"])?;
                let target = options.text("target")?.map(str::to_owned);
                (options, Records::Json { target }, name == "json_lines")
            }
            "csv" => {
                let options = read(csv::OPTIONS)?;
                (options, Records::Csv(Csv::compile(options)?), false)
            }
            "multiline" => {
                let options = read(&[
                    "auto_flush_interval",
                    "delimiter",
                    "max_bytes",
                    "max_lines",
                    "multiline_tag",
                    "negate",
                    "pattern",
                    "patterns_dir",
                    "streaming_input",
                    "what",
                ])?;
                let multiline = Multiline::compile(options, options.ecs(ecs)?)?;
                (options, Records::Multiline(Box::new(multiline)), true)
            }
            other => {
                let message = format!(
                    "the codec `{other}` cannot be read; allowed: csv, json, json_lines, line, multiline, plain"
                );
                return Err(Violation::new(
                    plugin.at.0.clone(),
                    "unknown_codec",
                    message,
                ));
            }
        };
        let delimiter = options.text("delimiter")?.unwrap_or("\n");
        if delimiter.is_empty() {
            return Err(options.wrong(
                "delimiter",
                "invalid_delimiter",
                "the delimiter cannot be empty",
            ));
        }
        Ok(Self {
            lines: by_lines.then(|| Lines::new(delimiter)),
            charset: Charset::read(options)?,
            original: options.ecs(ecs)? == EcsCompatibility::V8,
            records,
        })
    }

    /// Takes a piece of a stream, or a whole record from an input that knows records.
    pub fn decode(&mut self, data: &[u8], out: &mut Vec<Fields>) {
        let Some(mut lines) = self.lines.take() else {
            self.record(data, data, out);
            return;
        };
        lines.push(data, |line| self.record(line, data, out));
        self.lines = Some(lines);
    }

    /// Takes a line from an input that has cut its data into lines.
    pub fn line(&mut self, line: &[u8], out: &mut Vec<Fields>) {
        match &self.lines {
            None => self.record(line, line, out),
            Some(lines) => {
                let whole = [line, lines.delimiter()].concat();
                self.decode(&whole, out);
            }
        }
    }

    /// Makes events of all that is held back.
    pub fn flush(&mut self, out: &mut Vec<Fields>) {
        if let Some(rest) = self.lines.as_mut().and_then(Lines::take) {
            self.record(&rest, &rest, out);
        }
        if let Records::Multiline(multiline) = &mut self.records {
            multiline.flush(self.original, out);
        }
    }

    /// Silence after which what is held back should be flushed; `None` if nothing is held back, or no time was set.
    pub fn auto_flush(&self) -> Option<Duration> {
        match &self.records {
            Records::Multiline(multiline) if multiline.is_holding() => multiline.auto_flush,
            _ => None,
        }
    }

    /// Makes events of one record out of `chunk`.
    fn record(&mut self, record: &[u8], chunk: &[u8], out: &mut Vec<Fields>) {
        let text = self.charset.text(record);
        match &mut self.records {
            Records::Text => out.push(text_event(text, self.original)),
            Records::Json { target } => {
                let original = self.original.then(|| self.charset.text(chunk));
                json::events(text, target.as_deref(), original.as_deref(), out);
            }
            Records::Csv(csv) => csv.record(text, self.original, out),
            Records::Multiline(multiline) => multiline.line(text, self.original, out),
        }
    }
}
