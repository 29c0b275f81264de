//! Staged files for people.

use domain::staging::{StagedFile, StagedState};

use super::table::{Column, Table};
use super::{Tone, View, human};

/// Staged files, one a line.
pub fn list(files: &[StagedFile], view: &View) -> String {
    let columns = [
        Column::Left("name"),
        Column::Right("size"),
        Column::Left("modified"),
        Column::Left("state"),
    ];
    let mut table = Table::new(view, &columns);
    for file in files {
        let (state, tone) = match &file.state {
            StagedState::Ready => ("ready".to_owned(), Tone::Good),
            StagedState::Unclaimed { code, reason } => {
                (format!("stays: {reason} ({code})"), Tone::Warning)
            }
        };
        let cells = [
            file.name.clone(),
            human::bytes(file.bytes),
            human::time(file.modified_ms, view),
            state,
        ];
        table.row_with_tone(cells, 3, tone);
    }
    table.render()
}

/// What an upload did.
pub fn staged(file: &StagedFile) -> String {
    match &file.state {
        StagedState::Ready => format!("staged {} ({})", file.name, human::bytes(file.bytes)),
        StagedState::Unclaimed { code, reason } => {
            format!(
                "staged {} ({}), but no run will take it: {reason} ({code})",
                file.name,
                human::bytes(file.bytes)
            )
        }
    }
}
