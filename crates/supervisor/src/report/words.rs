//! Numbers, times and verdicts as people read them.

use domain::EpochMs;
use domain::file::FileState;
use domain::ledger::Ledger;
use domain::report::{Report, ReportFile};
use domain::run::{Outcome, RunState};
use jiff::Timestamp;

/// `27004` as `27,004`.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with what it counts, in the singular or the plural.
pub(super) fn count(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// A size, in binary units.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return count(bytes, "byte", "bytes");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A duration.
pub(super) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{:.1} s", ms as f64 / 1000.0),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A moment, UTC.
pub(super) fn moment(at_ms: EpochMs) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(
        |_| format!("{at_ms} ms"),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// Text from outside, with control characters made visible.
pub(super) fn visible(text: &str, max_chars: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(max_chars)
        .map(|c| match u32::from(c) {
            0x09 | 0x0a => c,
            code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
            0x7f..0xa0 | 0x202a..=0x202e | 0x2066..=0x2069 => char::REPLACEMENT_CHARACTER,
            _ => c,
        })
        .collect();
    if text.chars().nth(max_chars).is_some() {
        shown.push('…');
    }
    shown
}

/// What a state is called.
pub(super) fn state(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "Queued",
        RunState::Claiming => "Claiming files",
        RunState::Starting => "Starting",
        RunState::Running => "Running",
        RunState::Paused => "Paused",
        RunState::Draining => "Draining",
        RunState::Verifying => "Verifying",
        RunState::TearingDown => "Tearing down",
        RunState::Completed => "Completed",
        RunState::CompletedWithRejects => "Completed with rejects",
        RunState::Failed => "Failed",
        RunState::Cancelled => "Cancelled",
        RunState::Suspect => "Suspect",
        RunState::Undoing => "Being undone",
        RunState::Undone => "Undone",
    }
}

/// What became of a file, unless it was read to its end and is what its client listed.
pub(super) fn file_state(file: &ReportFile) -> Option<String> {
    match &file.state {
        FileState::Read => file
            .listed_records
            .filter(|&listed| listed != file.ledger.read)
            .map(|listed| format!("its manifest lists {}", count(listed, "record", "records"))),
        FileState::Claimed => Some("not read to its end".into()),
        FileState::Quarantined { failure } => Some(format!("quarantined: {}", failure.message)),
        FileState::Skipped { failure } => Some(format!("left out: {}", failure.message)),
    }
}

/// What was undone since, and why the proof does not hold any more.
pub(super) fn since(report: &Report) -> Vec<String> {
    let undone = report.undos.iter().filter_map(|undo| {
        let at = moment(undo.finished_ms?);
        let what = match &undo.file {
            Some(file) => format!("The file {} was undone", visible(&file.name, 300)),
            None => "The run was undone".into(),
        };
        let removed = count(undo.documents.unwrap_or(0), "document", "documents");
        Some(format!("{what} at {at}: {removed} removed."))
    });
    let void = report.proof_void_by.iter().map(|void| {
        let documents = count(void.documents, "document", "documents");
        format!(
            "The proof does not hold any more: {documents} counted here as stored before were written by the run {}, which was undone at {}. Ingest the files again.",
            void.run,
            moment(void.at_ms)
        )
    });
    undone.chain(void).collect()
}

/// The verdict in one sentence.
pub(super) fn headline(report: &Report) -> String {
    let ledger = &report.ledger;
    let read = count(ledger.read, "record", "records");
    match &report.outcome {
        Outcome::Completed | Outcome::CompletedWithRejects if report.files.is_empty() => {
            "There was nothing to ingest.".into()
        }
        Outcome::Completed if ledger.read == 0 => "There was no record in your files.".into(),
        Outcome::Completed if ledger.created == ledger.incoming() => {
            format!("{} in.", everything(report))
        }
        Outcome::Completed | Outcome::CompletedWithRejects => format!(
            "{} accounted for: {}.",
            everything(report),
            whereabouts(ledger)
        ),
        Outcome::Failed { failure } => format!("The run failed: {}", failure.message),
        Outcome::Cancelled if ledger.read == 0 => {
            "The run was cancelled before anything was read.".into()
        }
        Outcome::Cancelled => format!(
            "The run was cancelled after {read}: {}.",
            whereabouts(ledger)
        ),
        Outcome::Suspect { failure } => format!(
            "The sums differ, so we do not call this complete: {}",
            failure.message
        ),
    }
}

/// `All 5 records of your 2 files are`.
fn everything(report: &Report) -> String {
    let files = match report.files.len() {
        1 => "file".into(),
        many => format!("{} files", number(many as u64)),
    };
    match report.ledger.read {
        1 => format!("The one record of your {files} is"),
        read => format!("All {} records of your {files} are", number(read)),
    }
}

/// Where the records went, as far as there were any.
fn whereabouts(ledger: &Ledger) -> String {
    let ways = [
        (ledger.created, "stored"),
        (ledger.duplicate, "stored before"),
        (ledger.filtered, "dropped by your pipeline"),
        (ledger.rejected, "rejected"),
    ];
    let gone: Vec<_> = ways
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, way)| format!("{} {way}", number(*count)))
        .collect();
    if gone.is_empty() {
        "nothing was stored".into()
    } else {
        gone.join(", ")
    }
}

/// What the client is to do now; none if nothing.
pub(super) fn next_step(report: &Report) -> Option<String> {
    match &report.outcome {
        Outcome::Completed => None,
        Outcome::CompletedWithRejects => {
            Some("Look at the causes below, mend the spec or the files, and run again: what has arrived is not stored twice.".into())
        }
        Outcome::Failed { failure } | Outcome::Suspect { failure } => Some(sentence(&failure.next_step)),
        Outcome::Cancelled => Some("Start the job again to ingest the rest: what has arrived is not stored twice.".into()),
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let begin: String = chars
        .next()
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{begin}{}{end}", chars.as_str())
}

/// A step of a run's way, from the name of its event.
pub(super) fn event(name: &str) -> String {
    match name {
        "requested" => "the run was asked for",
        "admitted" => "it got its slot",
        "called_off" => "it was called off",
        "claimed" => "its files were taken and fingerprinted",
        "launching" => "a worker was started",
        "worker_reads" => "the worker reads",
        "worker_holds" => "the worker holds",
        "worker_drains" => "everything is read; the last answers are awaited",
        "worker_exited" => "the worker ended in order",
        "worker_lost" => "the worker was lost",
        "impossible" => "it could not go on",
        "proven" => "the sums were compared with the core DMS's count",
        "torn_down" => "the report was written",
        other => return other.replace('_', " "),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sizes_and_times_read_well() {
        let numbers = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (27_004, "27,004"),
            (1_234_567, "1,234,567"),
        ];
        for (value, text) in numbers {
            assert_eq!(number(value), text);
        }
        assert_eq!(
            (size(1), size(1023), size(1536), size(3 << 30)),
            (
                "1 byte".into(),
                "1,023 bytes".into(),
                "1.5 KiB".into(),
                "3.0 GiB".into()
            )
        );
        assert_eq!(
            (
                duration(7),
                duration(1500),
                duration(61_000),
                duration(3_660_000)
            ),
            (
                "7 ms".into(),
                "1.5 s".into(),
                "1 min 1 s".into(),
                "1 h 1 min".into()
            )
        );
        assert_eq!(moment(0), "1970-01-01 00:00:00 UTC");
    }

    #[test]
    fn text_from_outside_shows_what_it_holds_and_cannot_turn_the_page_around() {
        assert_eq!(visible("a\0b\u{202e}c\td", 100), "a␀b\u{fffd}c\td");
        assert_eq!(visible("ääää", 3), "äää…");
        assert_eq!(visible("äää", 3), "äää");
    }
}
