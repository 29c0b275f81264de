//! What was taken back of a run, and what relied on it.

use domain::run::{ProofVoid, Undo, UndoPreview};

use super::why;
use crate::output::table::{Column, Table};
use crate::output::{Tone, View, human};

/// What an undo would do.
pub fn preview(preview: &UndoPreview, view: &View) -> String {
    let documents = human::counted(preview.documents, "document");
    let mut lines = vec![format!("would remove {documents}; nothing was changed")];
    if !preview.relying.is_empty() {
        let columns = [
            Column::Left("proof void of"),
            Column::Left("job"),
            Column::Right("duplicates"),
        ];
        let mut table = Table::new(view, &columns);
        for relying in &preview.relying {
            table.row([
                relying.run.to_string(),
                relying.job.to_string(),
                human::count(relying.documents),
            ]);
        }
        lines.push(table.render());
    }
    lines.join("\n")
}

/// What was undone since the run ended, and why its proof does not hold any more.
pub(super) fn since(undos: &[Undo], void: &[ProofVoid], view: &View) -> Vec<String> {
    let mut lines: Vec<String> = undos.iter().flat_map(|undo| undone(undo, view)).collect();
    lines.extend(void.iter().map(|void| {
        let text = format!(
            "no longer proven: {} counted as duplicate were of run {}, which was undone",
            human::counted(void.documents, "document"),
            void.run
        );
        view.paint(Tone::Bad, text)
    }));
    lines
}

fn undone(undo: &Undo, view: &View) -> Vec<String> {
    let what = match &undo.file {
        Some(file) => format!("the file {}", file.name),
        None => "the run".into(),
    };
    if let Some(failure) = &undo.failure {
        let mut lines = vec![format!("{what} could not be undone")];
        lines.extend(why(failure, view));
        return lines;
    }
    let documents = undo.documents.map_or_else(
        || "documents".into(),
        |count| human::counted(count, "document"),
    );
    vec![match undo.finished_ms {
        Some(at_ms) => format!(
            "{what} was undone at {}: {documents} removed",
            human::time(at_ms, view)
        ),
        None => format!("{what} is being undone: {documents} to remove"),
    }]
}
