//! What a search found, for people: documents as a table of their fields, or counts by a field's values.

use serde_json::Value;

use super::human::{count, counted, excerpt};
use super::table::Table;
use super::{Tone, View};

/// Fields shown of documents, at most.
const MAX_FIELDS: usize = 10;
/// Characters shown of one value, at most.
const MAX_CHARS: usize = 40;

/// Name of the aggregation that counts by a field.
pub const BY: &str = "by";

/// The documents found.
pub fn hits(answer: &Value, view: &View) -> String {
    let none = Vec::new();
    let hits = answer
        .pointer("/hits/hits")
        .and_then(Value::as_array)
        .unwrap_or(&none);
    let total = total(answer);
    let heading = if hits.is_empty() {
        counted(total, "document")
    } else {
        format!(
            "{} of {}",
            count(hits.len() as u64),
            counted(total, "document")
        )
    };
    if hits.is_empty() {
        return heading;
    }
    let fields = fields(hits);
    let mut table = Table::with_titles(view, &fields);
    for hit in hits {
        table.row(fields.iter().map(|field| shown(hit["_source"].get(field))));
    }
    format!("{}\n{}", table.render(), view.paint(Tone::Faint, heading))
}

/// How many documents match.
fn total(answer: &Value) -> u64 {
    answer
        .pointer("/hits/total/value")
        .and_then(Value::as_u64)
        .unwrap_or(0)
}

/// The names of the documents' fields, the time first, without the platform's own.
fn fields(hits: &[Value]) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for source in hits.iter().filter_map(|hit| hit["_source"].as_object()) {
        for name in source.keys().filter(|name| *name != "provenance") {
            if !fields.contains(name) {
                fields.push(name.clone());
            }
        }
    }
    if let Some(time) = fields.iter().position(|name| name == "@timestamp") {
        fields[..=time].rotate_right(1);
    }
    fields.truncate(MAX_FIELDS);
    fields
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".into(),
        Some(Value::String(text)) => excerpt(text, MAX_CHARS),
        Some(other) => excerpt(&other.to_string(), MAX_CHARS),
    }
}

/// Counts by the values of a field.
pub fn counts(field: &str, answer: &Value, view: &View) -> String {
    let none = Vec::new();
    let at = |below: &str| answer.pointer(&format!("/aggregations/{BY}/{below}"));
    let buckets = at("buckets").and_then(Value::as_array).unwrap_or(&none);
    let others = at("sum_other_doc_count")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let mut table = Table::with_titles(view, &[field.to_owned(), "DOCUMENTS".into()]);
    table.align_right(1);
    for bucket in buckets {
        let value = bucket.get("key_as_string").or_else(|| bucket.get("key"));
        table.row([
            shown(value),
            count(bucket["doc_count"].as_u64().unwrap_or(0)),
        ]);
    }
    let rest = if others > 0 {
        format!(", {} of other values", count(others))
    } else {
        String::new()
    };
    let heading = format!("{}{rest}", counted(total(answer), "document"));
    if buckets.is_empty() {
        return heading;
    }
    format!("{}\n{}", table.render(), view.paint(Tone::Faint, heading))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_name_the_field_and_what_is_left_out() {
        let answer = json!({
            "hits": { "total": { "value": 27004, "relation": "eq" }, "hits": [] },
            "aggregations": { "by": { "sum_other_doc_count": 18_000, "buckets": [
                { "key": "UA", "doc_count": 4637 }, { "key": "B6", "doc_count": 4427 },
            ] } },
        });
        insta::assert_snapshot!(counts("carrier", &answer, &View::plain()));
    }

    #[test]
    fn documents_are_shown_by_their_fields_the_time_first() {
        let answer = json!({ "hits": { "total": { "value": 3 }, "hits": [
            { "_source": { "carrier": "UA", "@timestamp": "2013-01-01T05:00:00.000Z", "delay": 2, "provenance": { "run": "x" } } },
            { "_source": { "carrier": "B6", "@timestamp": "2013-01-01T06:00:00.000Z", "note": "a\nb", "nested": { "a": [1] } } },
        ] } });
        insta::assert_snapshot!(hits(&answer, &View::plain()));
        assert_eq!(
            hits(
                &json!({ "hits": { "total": { "value": 0 }, "hits": [] } }),
                &View::plain()
            ),
            "0 documents"
        );
    }
}
