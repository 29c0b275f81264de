//! The one decoder that says what a record is (rule 1).
//!
//! The work is shared between two threads: the reading stage only finds out where whole records end ([`Boundary`]), so that
//! it can cut a file into batches; the wrangling stage takes the batches apart, record by record ([`Rows`], [`Lines`]).
//! Both follow one definition:
//!
//! * A record ends with `\n` or `\r\n`, or at the end of the file. Records without any content (blank lines) are none.
//! * csv: a quote at the beginning of a value opens a quoted value, in which delimiters and line ends are content and two
//!   quotes are one; a quote anywhere else in an unquoted value is content. Nothing but a delimiter or a line end
//!   may follow a closing quote.
//! * lines with `multiline`: a record ends where the pattern says. json: a record is a value, without what stands around it.
//! * A byte order mark at the beginning of the file is no content, but counts in positions.
//!
//! Where line ends cannot be seen in a file's bytes, or do not tell records apart, the reading stage makes text of the bytes
//! ([`Transcoder`]) and finds each record itself ([`Finder`]).

mod boundary;
mod charset;
mod elements;
mod finder;
mod fixed;
mod header;
mod lines;
mod marks;
mod rows;

use domain::spec::{Format, FormatType};

pub use boundary::Boundary;
pub use charset::{Charset, Transcoder, restored};
pub use finder::{Edge, Finder};
pub use fixed::{Fit, Widths};
pub use header::{HeaderError, column_names};
pub use lines::Lines;
pub use rows::Rows;

/// How values are delimited and quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Stands between two values.
    pub delimiter: u8,
    /// Stands around a quoted value.
    pub quote: u8,
}

/// How records are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// By line ends.
    Lines,
    /// By line ends outside of quotes.
    Csv(Dialect),
    /// By a pattern of lines.
    Multiline,
    /// By the brackets, strings and commas of JSON.
    Json,
}

impl Framing {
    /// The framing of a format.
    pub fn of(format: &Format) -> Self {
        match format.kind {
            FormatType::Csv => Self::Csv(Dialect {
                delimiter: format.delimiter_byte(),
                quote: format.quote_byte(),
            }),
            FormatType::Lines if format.multiline.is_some() => Self::Multiline,
            FormatType::Ndjson | FormatType::Lines | FormatType::Fixed => Self::Lines,
            FormatType::Json => Self::Json,
        }
    }

    /// Whether [`Boundary`] tells records apart in UTF-8, so that they need not be found one by one.
    pub fn is_by_line_ends(self) -> bool {
        matches!(self, Self::Lines | Self::Csv(_))
    }
}

/// A record as it was found in a text: byte offsets, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first byte.
    pub start: usize,
    /// After its last byte.
    pub end: usize,
    /// What is wrong with it, if something is.
    pub flaw: Option<Flaw>,
}

/// Why the bytes of a csv record are no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Something other than a delimiter or a line end follows a closing quote.
    TextAfterQuote,
    /// The file ends inside of a quoted value.
    UnterminatedQuote,
}

impl Flaw {
    /// Stable code of the reject.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TextAfterQuote => "csv_quoting",
            Self::UnterminatedQuote => "csv_unterminated_quote",
        }
    }

    /// In words.
    pub const fn message(self) -> &'static str {
        match self {
            Self::TextAfterQuote => {
                "a quoted value is followed by something other than a delimiter or a line end"
            }
            Self::UnterminatedQuote => "the file ends inside of a quoted value",
        }
    }
}

/// Why no further record can be told in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// Stable code of the file's failure.
    pub code: &'static str,
    /// In the piece: the byte at which this was seen; none for the end of the file.
    pub at: Option<usize>,
    /// What is wrong there.
    pub reason: &'static str,
}

impl Broken {
    fn at(at: usize, reason: &'static str) -> Self {
        Self {
            code: "json_structure",
            at: Some(at),
            reason,
        }
    }

    fn truncated() -> Self {
        Self {
            code: "json_truncated",
            at: None,
            reason: "a value or an array is not closed",
        }
    }
}

/// The end of a line's content: without the `\r` before its `\n`.
fn trim_cr(bytes: &[u8], start: usize, line_feed: usize) -> usize {
    if line_feed > start && bytes.get(line_feed - 1) == Some(&b'\r') {
        line_feed - 1
    } else {
        line_feed
    }
}

#[cfg(test)]
mod tests;
