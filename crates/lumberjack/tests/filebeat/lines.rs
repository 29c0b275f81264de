//! The files that Filebeat reads: lines that say where they are from.

use std::{io::Write, path::Path};

use serde_json::Value;
use tempfile::TempDir;

/// One line of one file, both counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub file: usize,
    number: usize,
}

impl Line {
    /// The line that an event of Filebeat is about.
    pub fn of(event: &[u8]) -> Self {
        let event: Value = serde_json::from_slice(event).unwrap();
        let message = event["message"].as_str().unwrap();
        let mut words = message.split(' ').map(|word| word.parse().unwrap());
        Self {
            file: words.next().unwrap(),
            number: words.next().unwrap(),
        }
    }

    /// Every line is of the same length, so that positions are easy to tell.
    fn text(self) -> String {
        format!("{} {:0>80}\n", self.file, self.number)
    }

    /// Where in its file it begins, in bytes.
    pub fn position(self) -> u64 {
        (self.number * self.text().len()) as u64
    }
}

/// Some files of as many lines each, named `<file>.log`.
pub struct Lines {
    folder: TempDir,
    files: usize,
    each: usize,
}

impl Lines {
    pub fn new(files: usize, each: usize) -> Self {
        let lines = Self {
            folder: tempfile::tempdir().unwrap(),
            files,
            each,
        };
        for file in 0..files {
            let path = lines.folder().join(format!("{file}.log"));
            let text: String = lines.of(file).map(Line::text).collect();
            std::fs::File::create(path)
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
        }
        lines
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn len(&self) -> usize {
        self.files * self.each
    }

    /// All lines, in order.
    pub fn all(&self) -> impl Iterator<Item = Line> {
        (0..self.files).flat_map(|file| self.of(file))
    }

    /// The lines of a file, in order.
    pub fn of(&self, file: usize) -> impl Iterator<Item = Line> + use<> {
        (0..self.each).map(move |number| Line { file, number })
    }

    /// The end of every file.
    pub fn ends(&self) -> impl Iterator<Item = (usize, u64)> {
        (0..self.files).map(|file| {
            (
                file,
                Line {
                    file,
                    number: self.each,
                }
                .position(),
            )
        })
    }
}
