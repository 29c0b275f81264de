//! What is shown of a platform when its test has failed.

use std::{fs, path::Path};

/// Last lines of each log.
const LINES: usize = 40;

/// Prints the ends of all logs in a home.
pub fn show(home: &Path) {
    let Ok(entries) = fs::read_dir(home) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        if path.is_dir() && !path.ends_with("staging") {
            show(&path);
        } else if is_log && let Ok(text) = fs::read(&path) {
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<&str> = text.lines().collect();
            let end = &lines[lines.len().saturating_sub(LINES)..];
            eprintln!("--- {}\n{}", path.display(), end.join("\n"));
        }
    }
}
