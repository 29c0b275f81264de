//! Reading a job spec: from a file or from standard input, YAML or JSON, its syntax checked before it is sent.

use std::io::{self, Read};
use std::path::Path;

use api::client::SpecText;
use serde::de::IgnoredAny;

use crate::error::CliError;

/// Standard input, as it is named on the command line.
pub const STDIN: &str = "-";

/// What a spec is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    Json,
    Yaml,
}

/// A spec's text, of good syntax.
#[derive(Debug)]
pub struct SpecFile {
    text: String,
    notation: Notation,
}

impl SpecFile {
    /// Reads a spec from a file, or from standard input if the path is `-`.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        Self::parse(path, read_text(path)?)
    }

    fn parse(path: &Path, text: String) -> Result<Self, CliError> {
        if text.trim().is_empty() {
            return Err(CliError::Invalid {
                message: format!("{} is empty: it must hold a job spec", path.display()),
            });
        }
        let notation = notation(path, &text);
        let wrong = match notation {
            Notation::Json => json_error(&text),
            Notation::Yaml => yaml_error(&text),
        };
        match wrong {
            None => Ok(Self { text, notation }),
            Some(wrong) => Err(CliError::Invalid {
                message: wrong.message(path, notation, &text),
            }),
        }
    }

    /// The spec as a value.
    pub fn value(&self) -> Result<serde_json::Value, CliError> {
        let value = match self.notation {
            Notation::Json => serde_json::from_str(&self.text).map_err(|e| e.to_string()),
            Notation::Yaml => serde_yaml_ng::from_str(&self.text).map_err(|e| e.to_string()),
        };
        value.map_err(|message| CliError::Invalid { message })
    }

    /// The spec as the API takes it.
    pub fn text(&self) -> SpecText<'_> {
        match self.notation {
            Notation::Json => SpecText::Json(&self.text),
            Notation::Yaml => SpecText::Yaml(&self.text),
        }
    }
}

/// Everything on standard input.
pub fn read_stdin() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}

/// A file's text, or that of standard input if the path is `-`.
pub fn read_text(path: &Path) -> Result<String, CliError> {
    let text = if path == Path::new(STDIN) {
        read_stdin()
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|source| CliError::File {
        path: path.to_owned(),
        source,
    })
}

/// A spec as YAML, as people write it.
pub fn write(spec: &serde_json::Value) -> Result<String, CliError> {
    serde_yaml_ng::to_string(spec).map_err(|e| CliError::Render(e.to_string()))
}

/// By the file's ending; where that says nothing, by how the text begins.
fn notation(path: &Path, text: &str) -> Notation {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => Notation::Json,
        Some("yaml" | "yml") => Notation::Yaml,
        _ if text.trim_start().starts_with('{') => Notation::Json,
        _ => Notation::Yaml,
    }
}

/// A syntax error.
struct Wrong {
    /// Line and column, from 1.
    place: Option<(usize, usize)>,
    what: String,
}

impl Wrong {
    fn message(&self, path: &Path, notation: Notation, text: &str) -> String {
        let language = match notation {
            Notation::Json => "JSON",
            Notation::Yaml => "YAML",
        };
        let name = if path == Path::new(STDIN) {
            "standard input".into()
        } else {
            path.display().to_string()
        };
        let Some((line, column)) = self.place else {
            return format!("{name} is not {language}: {}", self.what);
        };
        let message = format!(
            "{name} is not {language}: line {line}, column {column}: {}",
            self.what
        );
        match text.lines().nth(line.saturating_sub(1)).unwrap_or_default() {
            "" => message,
            quoted => {
                let caret = " ".repeat(column.saturating_sub(1));
                format!("{message}\n  {}\n  {caret}^", quoted.replace('\t', " "))
            }
        }
    }
}

impl Wrong {
    /// What a parser says of a place, without the place that it puts behind it itself.
    fn at(line: usize, column: usize, said: &str) -> Self {
        let what = said.replacen(&format!(" at line {line} column {column}"), "", 1);
        Self {
            place: Some((line, column)),
            what,
        }
    }
}

fn json_error(text: &str) -> Option<Wrong> {
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    Some(Wrong::at(error.line(), error.column(), &error.to_string()))
}

fn yaml_error(text: &str) -> Option<Wrong> {
    let error = serde_yaml_ng::from_str::<serde_yaml_ng::Value>(text).err()?;
    let said = error.to_string();
    Some(match error.location() {
        Some(place) => Wrong::at(place.line(), place.column(), &said),
        None => Wrong {
            place: None,
            what: said,
        },
    })
}

/// Parses JSON given on the command line; a syntax error names line and column.
pub fn parse_json(name: &str, text: &str) -> Result<serde_json::Value, CliError> {
    serde_json::from_str(text).map_err(|e| {
        let wrong = Wrong::at(e.line(), e.column(), &e.to_string());
        CliError::Invalid {
            message: wrong.message(Path::new(name), Notation::Json, text),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, text: &str) -> Result<SpecFile, String> {
        SpecFile::parse(Path::new(name), text.into()).map_err(|e| e.to_string())
    }

    #[test]
    fn the_ending_says_what_it_is_and_else_the_text() {
        for (name, text, json) in [
            ("a.json", "{}", true),
            ("a.yaml", "{}", false),
            ("-", " {\"mode\": \"batch\"}", true),
            ("-", "mode: batch", false),
            ("spec", "mode: batch", false),
        ] {
            let spec = parse(name, text).unwrap();
            assert_eq!(matches!(spec.text(), SpecText::Json(_)), json, "{name}");
        }
    }

    #[test]
    fn syntax_errors_name_line_and_column() {
        let wrong = [
            parse("job.json", "{\n  \"mode\": batch\n}").unwrap_err(),
            parse("-", "mode: batch\nformat: { type: csv\n").unwrap_err(),
            parse("job.yaml", "mode: batch\n\tformat: x\n").unwrap_err(),
        ];
        insta::assert_snapshot!(wrong.join("\n\n"));
    }
}
