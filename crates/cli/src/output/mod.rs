//! Writing to people and to programs. Rendering is pure: a value and a [`View`] in, text out.

pub mod admin;
pub mod finding;
pub mod human;
pub mod job;
pub mod ledger;
pub mod preview;
pub mod problem;
pub mod run;
pub mod search;
pub mod staging;
pub mod table;
pub mod test;

use std::io::{self, IsTerminal, Write};

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::args::Format;
use crate::error::CliError;

/// Columns below which no table makes sense.
const MIN_WIDTH: u16 = 40;
/// Columns of a terminal that does not tell.
const ORDINARY_WIDTH: u16 = 100;

/// How text for people looks.
#[derive(Debug, Clone)]
pub struct View {
    /// Whether to colour.
    pub colour: bool,
    /// Columns of the terminal; none if it is none.
    pub width: Option<u16>,
    /// The zone of the times shown.
    pub zone: TimeZone,
}

/// A colour with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Wrong.
    Bad,
    /// Beside the point.
    Faint,
    /// The point.
    Strong,
}

impl View {
    /// Text without colours for no terminal, times in UTC.
    pub fn plain() -> Self {
        Self {
            colour: false,
            width: None,
            zone: TimeZone::UTC,
        }
    }

    /// The text in a tone.
    pub fn paint(&self, tone: Tone, text: impl std::fmt::Display) -> String {
        let code = match tone {
            Tone::Good => 32,
            Tone::Warning => 33,
            Tone::Bad => 31,
            Tone::Faint => 2,
            Tone::Strong => 1,
        };
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

/// Where a command writes to.
#[derive(Debug, Clone)]
pub struct Output {
    /// For whom.
    pub format: Format,
    /// How standard output looks.
    pub view: View,
    /// How standard error looks.
    pub error_view: View,
}

impl Output {
    /// That of this process.
    pub fn of_process(format: Format) -> Self {
        // https://no-color.org: present and not empty
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let view = |terminal: bool| View {
            colour: terminal && !no_colour,
            width: terminal.then(terminal_width),
            zone: TimeZone::system(),
        };
        Self {
            format,
            view: view(io::stdout().is_terminal()),
            error_view: view(io::stderr().is_terminal()),
        }
    }

    /// Whether a program reads.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a person looks at standard error.
    pub fn on_terminal(&self) -> bool {
        self.error_view.width.is_some()
    }

    /// Writes a value: as JSON for programs, as what `text` makes of it for people.
    pub fn show<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce(&View) -> String,
    ) -> Result<(), CliError> {
        if self.is_json() {
            self.json(value)
        } else {
            self.text(&text(&self.view))
        }
    }

    /// Writes JSON, whoever reads.
    pub fn json<T: Serialize>(&self, value: &T) -> Result<(), CliError> {
        let text =
            serde_json::to_string_pretty(value).map_err(|e| CliError::Render(e.to_string()))?;
        self.text(&text)
    }

    /// Writes text as it is, with an end of line.
    pub fn text(&self, text: &str) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        let end = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        Ok(write!(out, "{text}{end}").and_then(|()| out.flush())?)
    }

    /// Tells people that something was done; programs get nothing, as the API answers nothing.
    pub fn done(&self, text: impl AsRef<str>) -> Result<(), CliError> {
        if self.is_json() {
            Ok(())
        } else {
            self.text(text.as_ref())
        }
    }

    /// A remark beside the result, on standard error.
    pub fn note(&self, text: impl AsRef<str>) {
        // there is nobody to tell that standard error is gone
        let _ = writeln!(
            io::stderr(),
            "{}",
            self.error_view.paint(Tone::Faint, text.as_ref())
        );
    }

    /// Shows people what goes with the result, on standard error; programs get it in the result.
    pub fn beside(&self, text: impl FnOnce(&View) -> String) {
        if !self.is_json() {
            // there is nobody to tell that standard error is gone
            let _ = writeln!(io::stderr(), "{}", text(&self.error_view));
        }
    }

    /// Says why the command failed, on standard error.
    pub fn error(&self, error: &CliError) {
        let text = if self.is_json() {
            serde_json::to_string_pretty(&error.to_json()).unwrap_or_else(|e| e.to_string())
        } else {
            problem::error(error, &self.error_view)
        };
        // there is nobody to tell that standard error is gone
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// Columns of the terminal, as it says itself; of one that does not know, or knows nonsense, an ordinary width.
fn terminal_width() -> u16 {
    let told = comfy_table::Table::new().width();
    told.filter(|&columns| columns >= MIN_WIDTH)
        .unwrap_or(ORDINARY_WIDTH)
}
