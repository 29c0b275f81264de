//! What belongs to a run: files, rejects, samples.

use domain::file::{FileRecord, FileState};
use domain::monitor::{DmsHealth, Sample};
use domain::reject::{RawEncoding, Reject, RejectCause};

use super::stage;
use crate::output::table::{Column, Table};
use crate::output::{Tone, View, human};

/// Characters of a raw record shown in a table.
const RAW_CHARS: usize = 60;

/// A run's files with their ledgers, one a line.
pub fn files(files: &[FileRecord], view: &View) -> String {
    let columns = [
        Column::Left("file"),
        Column::Right("size"),
        Column::Right("read"),
        Column::Right("added"),
        Column::Right("filtered"),
        Column::Right("rejected"),
        Column::Right("created"),
        Column::Right("duplicate"),
        Column::Right("counted"),
        Column::Left("state"),
    ];
    let mut table = Table::new(view, &columns);
    for record in files {
        let ledger = &record.ledger;
        let (state, tone) = standing(record);
        let cells = [
            record.file.name.clone(),
            human::bytes(record.file.bytes),
            human::count(ledger.read),
            human::count(ledger.added),
            human::count(ledger.filtered),
            human::count(ledger.rejected),
            human::count(ledger.created),
            human::count(ledger.duplicate),
            record.counted.map_or("-".into(), human::count),
            state,
        ];
        table.row_with_tone(cells, 9, tone);
    }
    table.render()
}

/// How a file stands.
fn standing(record: &FileRecord) -> (String, Tone) {
    match &record.state {
        FileState::Quarantined { failure } => {
            (format!("quarantined: {}", failure.message), Tone::Bad)
        }
        FileState::Skipped { failure } => (format!("left out: {}", failure.message), Tone::Strong),
        FileState::Claimed => ("claimed".into(), Tone::Strong),
        FileState::Read if record.proven() => ("confirmed".into(), Tone::Good),
        FileState::Read if record.counted.is_some() => ("differs".into(), Tone::Bad),
        FileState::Read => ("read".into(), Tone::Strong),
    }
}

/// Rejected records, one a line.
pub fn rejects(rejects: &[Reject], view: &View) -> String {
    let columns = [
        Column::Left("file"),
        Column::Right("line"),
        Column::Right("byte"),
        Column::Left("cause"),
        Column::Left("step"),
        Column::Left("reason"),
        Column::Left("record"),
    ];
    let mut table = Table::new(view, &columns);
    for reject in rejects {
        table.row([
            reject.file.clone(),
            human::count(reject.line),
            human::count(reject.position),
            reject.code.clone(),
            reject.step.clone(),
            reason(reject),
            raw(reject),
        ]);
    }
    table.render()
}

fn reason(reject: &Reject) -> String {
    match &reject.field {
        Some(field) => format!("{field}: {}", reject.message),
        None => reject.message.clone(),
    }
}

/// The beginning of the record as it was read.
fn raw(reject: &Reject) -> String {
    match reject.raw_encoding {
        RawEncoding::Utf8 => human::excerpt(&reject.raw, RAW_CHARS),
        RawEncoding::Base64 => format!("(base64) {}", human::excerpt(&reject.raw, RAW_CHARS)),
    }
}

/// Rejects by cause, one cause a line with an example.
pub fn causes(causes: &[RejectCause], view: &View) -> String {
    let columns = [
        Column::Right("count"),
        Column::Left("cause"),
        Column::Left("step"),
        Column::Left("for example"),
    ];
    let mut table = Table::new(view, &columns);
    for cause in causes {
        table.row([
            human::count(cause.count),
            cause.code.clone(),
            cause.step.clone(),
            example(&cause.sample),
        ]);
        for sample in &cause.more {
            table.row([String::new(), String::new(), String::new(), example(sample)]);
        }
    }
    table.render()
}

fn example(sample: &Reject) -> String {
    format!(
        "{} line {}: {}",
        sample.file,
        human::count(sample.line),
        reason(sample)
    )
}

/// Samples over time, one a line.
pub fn series(samples: &[Sample], view: &View) -> String {
    let columns = [
        Column::Left("time"),
        Column::Right("read"),
        Column::Right("rate"),
        Column::Right("bytes"),
        Column::Right("done"),
        Column::Right("in flight"),
        Column::Right("p99"),
        Column::Right("memory"),
        Column::Right("cpu"),
        Column::Left("core dms"),
        Column::Left("held up by"),
    ];
    let mut table = Table::new(view, &columns);
    for sample in samples {
        table.row([
            human::time(sample.at_ms, view),
            human::count(sample.ledger.read),
            human::rate(sample.records_per_s),
            human::byte_rate(sample.bytes_per_s),
            format!("{:.0} %", sample.percent),
            sample.sink.in_flight.to_string(),
            format!("{:.0} ms", sample.sink.latency_p99_ms),
            human::bytes(sample.rss_bytes),
            human::duration(sample.cpu_ms),
            health(sample.dms).into(),
            sample.bottleneck.map_or("-", stage).into(),
        ]);
    }
    table.render()
}

fn health(health: DmsHealth) -> &'static str {
    match health {
        DmsHealth::Green => "green",
        DmsHealth::Yellow => "yellow",
        DmsHealth::Red => "red",
        DmsHealth::Unreachable => "unreachable",
    }
}
