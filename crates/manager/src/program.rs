//! Programs that the manager starts.

use std::io;
use std::path::PathBuf;

/// A program with its first arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Arguments that go before all others, for example the subcommand.
    pub args: Vec<String>,
}

impl Program {
    /// This very executable, by a subcommand of one or more words.
    pub fn this(subcommand: &[&str]) -> io::Result<Self> {
        Ok(Self {
            path: std::env::current_exe()?,
            args: subcommand.iter().map(|&word| word.into()).collect(),
        })
    }

    /// Another executable in this one's folder.
    pub fn beside(name: &str) -> io::Result<Self> {
        Ok(Self {
            path: std::env::current_exe()?.with_file_name(name),
            args: Vec::new(),
        })
    }
}
