//! Dead letters: documents that the core DMS has refused for good, with its reasons.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use domain::error::{Culprit, Failure};
use engine_native::records::Refused;
use logstash::dead_letters::{self, Entry, ReadError};
use regex::Regex;

/// The pipeline's id, and the name of its folder in the queue.
const PIPELINE: &str = "main";

/// The end of a reason: the core DMS's answer as Ruby shows it, with or without spaces around its arrows.
static ERROR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let text = r#""((?:[^"\\]|\\.)*)""#;
    let pattern = format!(r#""error"\s*=>\s*\{{"type"\s*=>\s*{text},\s*"reason"\s*=>\s*{text}"#);
    Regex::new(&pattern).ok()
});

/// Reasons by file key and position.
#[derive(Debug, Default)]
pub struct DeadLetters(HashMap<(String, u64), Refused>);

impl DeadLetters {
    /// Why a document of this record was refused.
    pub fn of(&self, file_key: &str, position: u64) -> Option<Refused> {
        self.0.get(&(file_key.to_owned(), position)).cloned()
    }
}

/// Reads Logstash's dead letter queue.
pub fn letters(folder: &Path) -> Result<DeadLetters, Failure> {
    let mut letters = DeadLetters::default();
    for letter in dead_letters::read(&folder.join(PIPELINE)).map_err(unreadable)? {
        let entry = letter.map_err(unreadable)?.entry;
        if let Some(place) = place(&entry) {
            letters.0.insert(place, refused(&entry.reason));
        }
    }
    Ok(letters)
}

/// The record that a letter's document is of.
fn place(entry: &Entry) -> Option<(String, u64)> {
    let provenance = entry.fields.get("provenance")?;
    let file = provenance.get("file")?.as_str()?;
    Some((file.to_owned(), provenance.get("position")?.as_u64()?))
}

/// `Could not index event to Elasticsearch. status: 400, action: […], response: {…}`. Only the answer is looked at: the
/// action holds the document, which may say anything.
fn refused(reason: &str) -> Refused {
    let (_, answer) = reason.rsplit_once(", response: ").unwrap_or_default();
    let found = ERROR.as_ref().and_then(|error| error.captures(answer));
    let part = |number| {
        let found = found.as_ref().and_then(|it| it.get(number));
        found.map(|it| unescaped(it.as_str())).unwrap_or_default()
    };
    match (part(1), part(2)) {
        (kind, why) if !kind.is_empty() => Refused::by_core_dms(&kind, &why),
        _ => Refused::by_core_dms("", reason),
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => out.extend(rest.next().map(|it| match it {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            })),
            _ => out.push(character),
        }
    }
    out
}

fn unreadable(error: ReadError) -> Failure {
    let message = format!("Logstash's dead letters cannot be read: {error}");
    let next_step = "all records are sent again, which doubles nothing";
    Failure::transient(
        "dead_letters_unreadable",
        Culprit::Platform,
        message,
        next_step,
    )
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn the_core_dms_s_words_are_found_and_not_the_document_s() {
        let reason = r#"Could not index event to Elasticsearch. status: 400, action: ["create", {:_id=>"x"}, {"note"=>"\"error\"=>{\"type\"=>\"forged\", \"reason\"=>\"forged\"}"}], response: {"create"=>{"status"=>400, "error"=>{"type"=>"document_parsing_exception", "reason"=>"[1:9] failed to parse field [n] of type [long] in document with id 'x'. Preview of field's value: 'a\"b'"}}}"#;
        for reason in [reason.to_owned(), reason.replace("=>", " => ")] {
            let refused = refused(&reason);
            assert_eq!(refused.code, "mapping_conflict");
            assert_eq!(refused.field.as_deref(), Some("n"));
            assert!(refused.message.ends_with(r#"'a"b'"#), "{}", refused.message);
            assert_eq!(refused.step, "core_dms");
        }
    }

    #[test]
    fn other_words_are_kept_whole() {
        let refused = refused("index name interpolation failed");
        assert_eq!(refused.code, "dms_refused");
        assert!(refused.message.contains("interpolation"));
    }
}
