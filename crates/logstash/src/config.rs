//! The configuration: files put together, environment variables put in, and parsed.

use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use wrangling::ast::{Pipeline, Statement};
use wrangling::{Violation, logstash};

/// Used when a configuration has no input or no output, as in Logstash.
const DEFAULT_INPUT: &str = "input { stdin { type => stdin } }";
const DEFAULT_OUTPUT: &str = "output { stdout { codec => rubydebug } }";

/// The text of a configuration, with where its lines are from.
#[derive(Debug, Default)]
pub struct Source {
    /// The whole text.
    pub text: String,
    /// Files with the number of the line, from 1, that each begins at.
    files: Vec<(usize, String)>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Neither a path nor a text was given.
    #[error("there is no configuration: give a file with `-f` or a text with `-e`")]
    Nothing,
    /// Nothing is at the path.
    #[error("no configuration is found at `{0}`")]
    NotFound(String),
    /// The path's wildcards are wrong.
    #[error("`{path}`: {reason}")]
    Pattern {
        /// The path.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A file cannot be read.
    #[error("{path} cannot be read: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The configuration is wrong: a line for each problem.
    #[error("{0}")]
    Invalid(String),
}

impl Source {
    /// Reads the files that a path, folder or pattern names, in the order of their names, and the text given besides.
    ///
    /// # Errors
    /// When there is nothing, or a file cannot be read.
    pub fn read(path: Option<&str>, text: Option<&str>) -> Result<Self, ConfigError> {
        let mut source = Self::default();
        if let Some(path) = path {
            for file in files(path)? {
                let text = std::fs::read_to_string(&file).map_err(|error| {
                    let path = file.clone();
                    ConfigError::Unreadable { path, error }
                })?;
                source.push(&file.to_string_lossy(), &text);
            }
        }
        if let Some(text) = text {
            source.push("config.string", text);
        }
        match source.files.is_empty() {
            true => Err(ConfigError::Nothing),
            false => Ok(source),
        }
    }

    fn push(&mut self, name: &str, text: &str) {
        let line = self.text.matches('\n').count() + 1;
        self.files.push((line, name.to_owned()));
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Parses the text; a missing input or output is that of Logstash.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(&self) -> Result<Pipeline, ConfigError> {
        let parse =
            |text: &str| logstash::parse_pipeline(text).map_err(|found| self.invalid(&found));
        let mut pipeline = parse(&self.text)?;
        if pipeline.inputs.is_empty() {
            pipeline.inputs = parse(DEFAULT_INPUT)?.inputs;
        }
        if pipeline.outputs.is_empty() {
            pipeline.outputs = parse(DEFAULT_OUTPUT)?.outputs;
        }
        Ok(pipeline)
    }

    /// Problems, each with its file, line and column.
    pub fn invalid(&self, violations: &[Violation]) -> ConfigError {
        let lines: Vec<String> = violations
            .iter()
            .map(|violation| self.line(violation))
            .collect();
        ConfigError::Invalid(lines.join("\n"))
    }

    fn line(&self, violation: &Violation) -> String {
        let Violation {
            pointer, message, ..
        } = violation;
        let (place, option) = pointer.split_once('/').unwrap_or((pointer, ""));
        let Some((line, column)) = place.split_once(':') else {
            return violation.to_string();
        };
        let line: usize = line.parse().unwrap_or(1);
        let known = self.files.iter().rev().find(|(first, _)| *first <= line);
        let (first, file) = known.map_or((1, ""), |(first, file)| (*first, file.as_str()));
        let separator = if option.is_empty() { "" } else { ": " };
        format!(
            "{file}:{}:{column}: {option}{separator}{message}",
            line + 1 - first
        )
    }
}

/// The files of a path: itself, those in it, or those that it matches.
fn files(path: &str) -> Result<Vec<PathBuf>, ConfigError> {
    let given = Path::new(path);
    let not_found = || ConfigError::NotFound(path.to_owned());
    if given.is_file() {
        return Ok(vec![given.to_owned()]);
    }
    let (folder, pattern) = match given.is_dir() {
        true => (given, "*"),
        false => {
            let parent = given.parent().filter(|parent| *parent != Path::new(""));
            let name = given.file_name().and_then(|name| name.to_str());
            (
                parent.unwrap_or(Path::new(".")),
                name.ok_or_else(not_found)?,
            )
        }
    };
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    let matcher =
        glob.map(|glob| glob.compile_matcher())
            .map_err(|error| ConfigError::Pattern {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
    let unreadable = |error| ConfigError::Unreadable {
        path: folder.to_owned(),
        error,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?;
        let name = file.file_name();
        let hidden =
            name.to_string_lossy().ends_with('~') || name.to_string_lossy().starts_with('.');
        if file.path().is_file() && !hidden && matcher.is_match(Path::new(&name)) {
            found.push(file.path());
        }
    }
    found.sort();
    match found.is_empty() {
        true => Err(not_found()),
        false => Ok(found),
    }
}

/// All plugins of these statements, whatever conditionals they stand in.
pub fn plugins(statements: &[Statement]) -> Vec<&wrangling::ast::Plugin> {
    let mut found = Vec::new();
    for statement in statements {
        match statement {
            Statement::Plugin(plugin) => found.push(plugin),
            Statement::If(conditional) => {
                for branch in &conditional.branches {
                    found.extend(plugins(&branch.body));
                }
                found.extend(plugins(&conditional.otherwise));
            }
            _ => {}
        }
    }
    found
}
