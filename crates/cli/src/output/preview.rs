//! Previews for people.

use api::{Conflict, ConflictEffect, Preview};
use domain::preview::{CauseCount, SampledRecord, SampledReject};

use super::table::{Column, Table};
use super::{Tone, View, human};

/// Characters of a document or of a reason in a table.
const CHARS: usize = 160;

/// What the pipeline makes of the records: one outcome a line, or with `full` each document as it would be stored.
pub fn preview(preview: &Preview, full: bool, view: &View) -> String {
    let mut parts = vec![match full {
        true => documents(&preview.records, view),
        false => table(&preview.records, view),
    }];
    if !preview.causes.is_empty() {
        parts.push(causes(&preview.causes, view));
    }
    if let Some(failure) = &preview.failure {
        let text = format!("the file cannot be read on: {}", failure.message);
        parts.push(view.paint(Tone::Bad, text));
    }
    match preview.conflicts.as_deref() {
        None => {}
        Some([]) => parts.push("no conflicts with the indices that are there".into()),
        Some(found) => parts.push(conflicts(found, view)),
    }
    parts.push(summary(preview));
    parts.join("\n\n")
}

fn table(records: &[SampledRecord], view: &View) -> String {
    let columns = [
        Column::Right("line"),
        Column::Left("becomes"),
        Column::Left("what"),
    ];
    let mut table = Table::new(view, &columns);
    for record in records {
        let line = human::count(record.line);
        if record.is_filtered() {
            let raw = human::excerpt(&record.raw, CHARS);
            table.row_with_tone([line.clone(), "(filtered)".into(), raw], 1, Tone::Faint);
        }
        for document in &record.documents {
            let content = without_provenance(&document.document).to_string();
            let cells = [
                line.clone(),
                document.index.clone(),
                human::excerpt(&content, CHARS),
            ];
            table.row_with_tone(cells, 1, Tone::Good);
        }
        for reject in &record.rejects {
            let cells = [
                line.clone(),
                format!("(rejected) {}", reject.code),
                reason(reject),
            ];
            table.row_with_tone(cells, 1, Tone::Bad);
        }
    }
    table.render()
}

/// What every document has is not what people look for.
fn without_provenance(document: &serde_json::Value) -> serde_json::Value {
    let mut document = document.clone();
    if let Some(members) = document.as_object_mut() {
        members.shift_remove("provenance");
    }
    document
}

fn documents(records: &[SampledRecord], view: &View) -> String {
    let mut parts = Vec::new();
    for record in records {
        let place = format!("line {}, byte {}", record.line, record.position);
        for document in &record.documents {
            let title = format!("{place}: {} in {}", document.id, document.index);
            let content = serde_json::to_string_pretty(&document.document);
            parts.push(view.paint(Tone::Strong, title));
            parts.push(content.unwrap_or_else(|e| e.to_string()));
        }
        for reject in &record.rejects {
            let text = format!("{place}: rejected, {}: {}", reject.code, reason(reject));
            parts.push(view.paint(Tone::Bad, text));
        }
        if record.is_filtered() {
            parts.push(view.paint(Tone::Faint, format!("{place}: filtered")));
        }
    }
    parts.join("\n")
}

fn reason(reject: &SampledReject) -> String {
    let by = match reject.step.as_str() {
        step if step.starts_with('/') => format!(" (by {step})"),
        _ => String::new(),
    };
    match &reject.field {
        Some(field) => format!("{field}: {}{by}", reject.message),
        None => format!("{}{by}", reject.message),
    }
}

fn causes(causes: &[CauseCount], view: &View) -> String {
    let columns = [
        Column::Right("rejects"),
        Column::Left("cause"),
        Column::Left("step"),
        Column::Left("for example"),
    ];
    let mut table = Table::new(view, &columns);
    for cause in causes {
        let example = format!(
            "line {}: {}",
            human::count(cause.line),
            reason(&cause.first)
        );
        table.row([
            human::count(cause.count),
            cause.first.code.clone(),
            cause.first.step.clone(),
            human::excerpt(&example, CHARS),
        ]);
    }
    table.render()
}

fn conflicts(conflicts: &[Conflict], view: &View) -> String {
    let columns = [
        Column::Left("field"),
        Column::Left("index"),
        Column::Left("there"),
        Column::Left("here"),
        Column::Left("effect"),
        Column::Right("documents"),
        Column::Left("why"),
    ];
    let mut table = Table::new(view, &columns);
    for conflict in conflicts {
        let (effect, tone) = match conflict.effect {
            ConflictEffect::Refused => ("refused", Tone::Bad),
            ConflictEffect::KeepsType => ("keeps its type", Tone::Warning),
            ConflictEffect::Unknown => ("not known", Tone::Warning),
        };
        let cells = [
            conflict.field.clone(),
            conflict.index.clone(),
            conflict.there.clone(),
            conflict.here.clone(),
            effect.to_owned(),
            human::count(conflict.documents),
            human::excerpt(&conflict.message, CHARS),
        ];
        table.row_with_tone(cells, 4, tone);
    }
    table.render()
}

fn summary(preview: &Preview) -> String {
    let counts = &preview.counts;
    let part = if preview.complete { "all" } else { "first" };
    let mut text = format!(
        "{}: {part} {}: {}, {} rejected, {} filtered",
        preview.file,
        human::counted(counts.records, "record"),
        human::counted(counts.documents, "document"),
        human::count(counts.rejected),
        human::count(counts.filtered),
    );
    if !preview.ids_are_final {
        text.push_str(
            "\na run gives other ids: the file was not seen as a whole, or not for a job",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::preview::{Counts, SampledDocument, causes as by_cause};
    use domain::reject::RawEncoding;
    use serde_json::json;

    #[test]
    fn each_outcome_has_a_line_and_causes_are_summed_up() {
        let record = |line, documents, rejects| SampledRecord {
            position: line * 10,
            line,
            raw: "a,b".into(),
            raw_encoding: RawEncoding::Utf8,
            raw_bytes: 3,
            documents,
            rejects,
        };
        let document = SampledDocument {
            index: "acme.rows".into(),
            id: "k-1".into(),
            document: json!({ "a": 1, "provenance": { "run": "r" } }),
        };
        let reject = SampledReject {
            ordinal: 0,
            code: "schema_mismatch".into(),
            step: "schema".into(),
            field: Some("n".into()),
            message: "\"x\" is no integer".into(),
        };
        let records = vec![
            record(2, vec![document], vec![]),
            record(3, vec![], vec![reject]),
            record(4, vec![], vec![]),
        ];
        let shown = Preview {
            file: "a.csv".into(),
            ids_are_final: false,
            complete: false,
            failure: None,
            counts: Counts::of(&records),
            causes: by_cause(&records),
            records,
            index_template: None,
            conflicts: Some(Vec::new()),
        };
        insta::assert_snapshot!(preview(&shown, false, &View::plain()));
    }
}
