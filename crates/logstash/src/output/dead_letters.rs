//! Events that can never be stored, kept for people to look at.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde_json::value::RawValue;

use crate::event::now_ms;

/// A file of events with the reason why they were refused, a line each; made when the first one comes.
#[derive(Debug)]
pub struct DeadLetters {
    path: PathBuf,
    file: Mutex<Option<fs::File>>,
}

/// One refused event.
#[derive(Debug, serde::Serialize)]
pub struct DeadLetter<'a> {
    /// When it was refused.
    #[serde(rename = "@timestamp")]
    pub at: String,
    /// The output's id.
    pub plugin_id: &'a str,
    /// The output's name.
    pub plugin_type: &'a str,
    /// Why.
    pub reason: String,
    /// The event.
    pub event: Option<&'a RawValue>,
}

impl DeadLetters {
    /// A file in this folder.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            path: folder.join(format!("{}.jsonl", now_ms())),
            file: Mutex::new(None),
        }
    }

    /// Keeps an event.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, letter: &DeadLetter<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(letter)?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let opened = fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path)?;
            *file = Some(opened);
        }
        file.as_mut().map_or(Ok(()), |file| file.write_all(&line))
    }

    /// Makes what was kept outlive a crash.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sync(&self) -> io::Result<()> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.as_ref().map_or(Ok(()), fs::File::sync_data)
    }
}
