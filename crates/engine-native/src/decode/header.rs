//! The names of a csv file's columns.

use bumpalo::Bump;
use domain::spec::Format;

use super::{Dialect, Rows};

/// Why a header line is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HeaderError {
    /// Its bytes are no text.
    #[error("the header line is not text in the file's encoding: byte {0} of its text is wrong")]
    Encoding(usize),
    /// Its quoting is wrong.
    #[error("the header line cannot be read: {0}")]
    Quoting(&'static str),
    /// The spec names other columns.
    #[error("the header line names the columns {found:?}, the spec names {expected:?}")]
    Differs {
        /// What the file says.
        found: Vec<String>,
        /// What the spec says.
        expected: Vec<String>,
    },
}

/// The columns that a header line names; none if it is blank. They must be the spec's, if that names columns.
pub fn column_names(
    line: &[u8],
    dialect: Dialect,
    format: &Format,
) -> Result<Option<Vec<String>>, HeaderError> {
    let text = std::str::from_utf8(line).map_err(|e| HeaderError::Encoding(e.valid_up_to()))?;
    let arena = Bump::new();
    let mut values = Vec::new();
    let Some(row) = Rows::new(text, dialect, &arena).next(&mut values) else {
        return Ok(None);
    };
    if let Some(flaw) = row.flaw {
        return Err(HeaderError::Quoting(flaw.message()));
    }
    let found: Vec<String> = values.into_iter().map(str::to_owned).collect();
    match &format.columns {
        Some(expected) if *expected != found => Err(HeaderError::Differs {
            found,
            expected: expected.clone(),
        }),
        _ => Ok(Some(found)),
    }
}
