//! `multiline`: joins lines that belong together.

use std::path::Path;
use std::time::Duration;

use wrangling::codec::LinePattern;
use wrangling::{EcsCompatibility, Field, Violation};

use super::{Fields, text_event};
use crate::options::Options;

/// Joins lines into events.
#[derive(Debug)]
pub struct Multiline {
    pattern: LinePattern,
    negate: bool,
    /// Lines belong to the one after them instead of the one before.
    next: bool,
    tag: String,
    max_lines: usize,
    max_bytes: usize,
    /// Silence after which what is held back becomes an event.
    pub auto_flush: Option<Duration>,
    held: Vec<String>,
    held_bytes: usize,
}

impl Multiline {
    pub fn compile(options: Options<'_>, ecs: EcsCompatibility) -> Result<Self, Violation> {
        let mut definitions = Vec::new();
        for folder in options.list("patterns_dir")? {
            read_patterns(Path::new(folder), &mut definitions).map_err(|error| {
                let message = format!("{folder} cannot be read: {error}");
                options.wrong("patterns_dir", "unreadable_file", message)
            })?;
        }
        let pattern = LinePattern::compile(options.required("pattern")?, &definitions, ecs)
            .map_err(|reason| options.wrong("pattern", "invalid_pattern", reason))?;
        options.required("what")?;
        Ok(Self {
            pattern,
            negate: options.flag("negate", false)?,
            next: options.one_of("what", &["previous", "next"])? == "next",
            tag: options
                .text("multiline_tag")?
                .unwrap_or("multiline")
                .to_owned(),
            max_lines: options.count("max_lines", 500)?,
            max_bytes: options.bytes("max_bytes", 10 << 20)?,
            auto_flush: options
                .number("auto_flush_interval")?
                .map(Duration::from_secs_f64),
            held: Vec::new(),
            held_bytes: 0,
        })
    }

    /// Takes a line.
    pub fn line(&mut self, line: String, original: bool, out: &mut Vec<Fields>) {
        let belongs = self.pattern.is_match(&line) != self.negate;
        if !self.next && (!belongs || self.is_full()) {
            self.flush(original, out);
        }
        self.held_bytes += line.len();
        self.held.push(line);
        if self.next && (!belongs || self.is_full()) {
            self.flush(original, out);
        }
    }

    /// Makes an event of what is held back.
    pub fn flush(&mut self, original: bool, out: &mut Vec<Fields>) {
        if self.held.is_empty() {
            return;
        }
        let mut tags = Vec::new();
        if self.held.len() > 1 && !self.tag.is_empty() {
            tags.push(self.tag.clone());
        }
        if self.held_bytes >= self.max_bytes {
            tags.push("multiline_codec_max_bytes_reached".to_owned());
        }
        if self.held.len() > self.max_lines {
            tags.push("multiline_codec_max_lines_reached".to_owned());
        }
        let mut fields = text_event(self.held.join("\n"), original);
        if !tags.is_empty() {
            fields.push(("tags".to_owned(), Field::Texts(tags)));
        }
        self.held.clear();
        self.held_bytes = 0;
        out.push(fields);
    }

    /// Whether lines are held back.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    fn is_full(&self) -> bool {
        self.held.len() > self.max_lines || self.held_bytes >= self.max_bytes
    }
}

/// Reads grok patterns from a file, or from all files of a folder: a name and a pattern a line.
fn read_patterns(path: &Path, definitions: &mut Vec<(String, String)>) -> std::io::Result<()> {
    if path.is_dir() {
        let mut files: Vec<_> = std::fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            read_patterns(file, definitions)?;
        }
        return Ok(());
    }
    let text = std::fs::read_to_string(path)?;
    let definition = |line: &str| {
        let (name, pattern) = line.split_once(char::is_whitespace)?;
        (!name.starts_with('#')).then(|| (name.to_owned(), pattern.trim_start().to_owned()))
    };
    definitions.extend(text.lines().filter_map(definition));
    Ok(())
}
