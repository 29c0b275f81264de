//! The tests of a job spec: inputs, and what has to become of them. They are run before the spec is taken.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wrangling::Violation;
use wrangling::field_ref::FieldRef;
use wrangling::violation::pointer;

use crate::preview::{SampledDocument, SampledFile, SampledRecord, SampledReject};

/// Tests of a spec, at most.
pub const MAX_TESTS: usize = 100;
/// Bytes of the inputs of all tests, at most.
pub const MAX_INPUT_BYTES: usize = 256 << 10;
/// The clock of tests: a record without a time of its own gets 2000-01-01T00:00:00Z.
pub const TEST_CLOCK_MS: crate::EpochMs = 946_684_800_000;

/// An input, and what has to become of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpecTest {
    /// What it is about.
    pub name: String,
    /// A file's text, with its header if the format has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The same line by line; instead of `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<String>>,
    /// What has to become of it.
    pub expect: Expect,
}

/// What has to become of a test's input. What is not named is not looked at, except for rejects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The documents, in order. Each names the fields that matter, `null` for one that must be absent; `_index` (without
    /// the client's prefix) and `_id` may be named too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<Vec<Map<String, Value>>>,
    /// Whether documents must have no other fields than those named, but for `provenance`. Default: they may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exact: bool,
    /// The rejects, in order. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<ExpectedReject>,
    /// How many records the pipeline drops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filtered: Option<u64>,
}

/// A reject as a test expects it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedReject {
    /// Its code.
    pub code: String,
    /// The field concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

impl ExpectedReject {
    /// Whether a reject about this field is meant; `a` and `[a]` are one field.
    fn is_about(&self, field: Option<&str>) -> bool {
        let path = |field: &str| FieldRef::parse(field).map(|known| known.path().to_vec());
        match (&self.field, field) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(expected), Some(actual)) => {
                expected == actual || path(expected).ok() == path(actual).ok()
            }
        }
    }
}

/// How a test went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestOutcome {
    /// Its name.
    pub name: String,
    /// Whether everything is as expected.
    pub passed: bool,
    /// What is not.
    pub differences: Vec<Difference>,
}

/// Something that is not as a test expects it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// JSON pointer to the expectation in the spec, for example `/tests/0/expect/documents/0/field`.
    pub pointer: String,
    /// What is expected; none for nothing.
    pub expected: Option<Value>,
    /// What came instead; none for nothing.
    pub actual: Option<Value>,
}

impl Difference {
    /// As a violation of the spec.
    pub fn violation(&self) -> Violation {
        let said = |value: &Option<Value>| match value {
            Some(value) => value.to_string(),
            None => "nothing".to_owned(),
        };
        let message = format!(
            "the test expects {}, and got {}",
            said(&self.expected),
            said(&self.actual)
        );
        Violation::new(self.pointer.clone(), "test_failed", message)
    }
}

impl SpecTest {
    /// The file's text.
    pub fn text(&self) -> String {
        match (&self.input, &self.records) {
            (Some(input), _) => input.clone(),
            (None, records) => {
                let lines = records.iter().flatten();
                lines.flat_map(|line| [line.as_str(), "\n"]).collect()
            }
        }
    }

    /// Compares what became of the text with what is expected; `number` is the test's place in the spec, `client` the owner
    /// of the indices.
    pub fn judge(&self, number: usize, client: &str, file: &SampledFile) -> TestOutcome {
        let mut found = Comparison {
            differences: Vec::new(),
            exact: self.expect.exact,
            prefix: format!("{client}."),
        };
        found.all(&self.expect, &format!("/tests/{number}/expect"), file);
        TestOutcome {
            name: self.name.clone(),
            passed: found.differences.is_empty(),
            differences: found.differences,
        }
    }
}

/// What is wrong with tests, before they are run.
pub(super) fn violations(tests: &[SpecTest]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut wrong = |pointer: String, message: String| {
        found.push(Violation::new(pointer, "invalid_value", message));
    };
    if tests.len() > MAX_TESTS {
        wrong(
            "/tests".into(),
            format!("there may be {MAX_TESTS} tests at most"),
        );
    }
    if tests.iter().map(|test| test.text().len()).sum::<usize>() > MAX_INPUT_BYTES {
        let message = format!("the inputs may have {MAX_INPUT_BYTES} bytes together at most");
        wrong("/tests".into(), message);
    }
    for (number, test) in tests.iter().enumerate() {
        if test.input.is_some() == test.records.is_some() {
            let message = "give a test either input or records";
            wrong(format!("/tests/{number}"), message.into());
        }
        if tests
            .iter()
            .take(number)
            .any(|other| other.name == test.name)
        {
            let message = format!("there is another test of the name {:?}", test.name);
            wrong(format!("/tests/{number}/name"), message);
        }
    }
    found
}

struct Comparison {
    differences: Vec<Difference>,
    exact: bool,
    /// The client's part of index names.
    prefix: String,
}

impl Comparison {
    fn differ(&mut self, pointer: String, expected: Option<Value>, actual: Option<Value>) {
        self.differences.push(Difference {
            pointer,
            expected,
            actual,
        });
    }

    fn all(&mut self, expect: &Expect, at: &str, file: &SampledFile) {
        if let Some(failure) = &file.failure {
            self.differ(at.to_owned(), None, Some(failure.message.clone().into()));
        }
        if let Some(expected) = &expect.documents {
            let actual = file.records.iter().flat_map(|record| &record.documents);
            self.documents(
                expected,
                &format!("{at}/documents"),
                &actual.collect::<Vec<_>>(),
            );
        }
        let rejects = file.records.iter().flat_map(|record| &record.rejects);
        let rejects: Vec<_> = rejects.collect();
        self.rejects(&expect.rejects, &format!("{at}/rejects"), &rejects);
        let filtered = file
            .records
            .iter()
            .filter(|r| SampledRecord::is_filtered(r))
            .count() as u64;
        if let Some(expected) = expect.filtered.filter(|&expected| expected != filtered) {
            let pointer = format!("{at}/filtered");
            self.differ(pointer, Some(expected.into()), Some(filtered.into()));
        }
    }

    fn documents(
        &mut self,
        expected: &[Map<String, Value>],
        at: &str,
        actual: &[&SampledDocument],
    ) {
        for i in 0..expected.len().max(actual.len()) {
            let pointer = format!("{at}/{i}");
            match (expected.get(i), actual.get(i)) {
                (Some(expected), Some(actual)) => self.document(expected, &pointer, actual),
                (expected, actual) => self.differ(
                    pointer,
                    expected.cloned().map(Value::Object),
                    actual.map(|actual| plain(&actual.document)),
                ),
            }
        }
    }

    fn document(&mut self, expected: &Map<String, Value>, at: &str, actual: &SampledDocument) {
        let index = actual.index.strip_prefix(&self.prefix);
        for (name, found) in [
            ("_index", index.unwrap_or(&actual.index)),
            ("_id", &actual.id),
        ] {
            if let Some(wanted) = expected.get(name).filter(|&wanted| wanted != found) {
                let pointer = format!("{at}/{name}");
                self.differ(pointer, Some(wanted.clone()), Some(found.into()));
            }
        }
        let fields = expected
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "_index" | "_id"));
        let fields = fields.map(|(name, value)| (name.clone(), value.clone()));
        self.value(
            &Value::Object(fields.collect()),
            at,
            Some(&plain(&actual.document)),
        );
    }

    fn value(&mut self, expected: &Value, at: &str, actual: Option<&Value>) {
        match (expected, actual) {
            (Value::Null, None | Some(Value::Null)) => {}
            (Value::Object(wanted), Some(Value::Object(found))) => {
                for (name, value) in wanted {
                    self.value(value, &pointer(at, name), found.get(name));
                }
                let others = found.iter().filter(|(name, _)| !wanted.contains_key(*name));
                for (name, value) in others.filter(|_| self.exact).collect::<Vec<_>>() {
                    self.differ(pointer(at, name), None, Some(value.clone()));
                }
            }
            (Value::Array(wanted), Some(Value::Array(found))) if wanted.len() == found.len() => {
                for (i, (value, found)) in wanted.iter().zip(found).enumerate() {
                    self.value(value, &format!("{at}/{i}"), Some(found));
                }
            }
            (expected, Some(found)) if same(expected, found) => {}
            (expected, found) => self.differ(at.to_owned(), Some(expected.clone()), found.cloned()),
        }
    }

    fn rejects(&mut self, expected: &[ExpectedReject], at: &str, actual: &[&SampledReject]) {
        for i in 0..expected.len().max(actual.len()) {
            let (expected, actual) = (expected.get(i), actual.get(i));
            let fits = match (expected, actual) {
                (Some(expected), Some(actual)) => {
                    expected.code == actual.code
                        && expected.is_about(actual.field.as_deref())
                        && expected
                            .step
                            .as_ref()
                            .is_none_or(|step| *step == actual.step)
                }
                _ => false,
            };
            if !fits {
                let expected = expected.and_then(|expected| serde_json::to_value(expected).ok());
                let actual = actual.and_then(|actual| serde_json::to_value(actual).ok());
                self.differ(format!("{at}/{i}"), expected, actual);
            }
        }
    }
}

/// A document without its provenance, which no test can know.
fn plain(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(members) = document.as_object_mut() {
        members.shift_remove("provenance");
    }
    document
}

/// Equal, where 5 and 5.0 are one number.
fn same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => expected == actual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reject::RawEncoding;
    use serde_json::json;

    fn file(documents: &[Value], codes: &[&str], filtered: usize) -> SampledFile {
        let record = |documents: &[Value], rejects: &[&str]| SampledRecord {
            position: 0,
            line: 1,
            raw: String::new(),
            raw_encoding: RawEncoding::Utf8,
            raw_bytes: 0,
            documents: documents
                .iter()
                .map(|document| SampledDocument {
                    index: "acme.rows".into(),
                    id: "1".into(),
                    document: document.clone(),
                })
                .collect(),
            rejects: rejects
                .iter()
                .map(|code| SampledReject {
                    ordinal: 0,
                    code: (*code).into(),
                    step: "schema".into(),
                    field: Some("[n]".into()),
                    message: String::new(),
                })
                .collect(),
        };
        let mut records = vec![record(documents, codes)];
        records.extend((0..filtered).map(|_| record(&[], &[])));
        SampledFile {
            records,
            ended: true,
            failure: None,
        }
    }

    fn differences(expect: Value, file: &SampledFile) -> Vec<String> {
        let test: SpecTest =
            serde_json::from_value(json!({ "name": "t", "input": "", "expect": expect })).unwrap();
        let outcome = test.judge(0, "acme", file);
        assert_eq!(outcome.passed, outcome.differences.is_empty());
        outcome.differences.into_iter().map(|d| d.pointer).collect()
    }

    #[test]
    fn what_is_named_is_compared_and_nothing_else() {
        let file = file(
            &[json!({ "a": 5.0, "b": { "c": [1, 2] }, "provenance": {} })],
            &[],
            1,
        );
        for fits in [
            json!({}),
            json!({ "documents": [{ "a": 5 }], "filtered": 1 }),
            json!({ "documents": [{ "a": 5, "b": { "c": [1, 2] }, "x": null, "_index": "rows" }] }),
            json!({ "exact": true, "documents": [{ "a": 5, "b": { "c": [1, 2] } }] }),
        ] {
            assert_eq!(
                differences(fits.clone(), &file),
                Vec::<String>::new(),
                "{fits}"
            );
        }
        for (expect, pointer) in [
            (json!({ "documents": [{ "a": 6 }] }), "/documents/0/a"),
            (json!({ "documents": [{ "a": null }] }), "/documents/0/a"),
            (
                json!({ "documents": [{ "b": { "c": [1, 3] } }] }),
                "/documents/0/b/c/1",
            ),
            (
                json!({ "documents": [{ "b": { "c": [1] } }] }),
                "/documents/0/b/c",
            ),
            (json!({ "documents": [] }), "/documents/0"),
            (json!({ "documents": [{}, {}] }), "/documents/1"),
            (
                json!({ "documents": [{ "_index": "other" }] }),
                "/documents/0/_index",
            ),
            (
                json!({ "exact": true, "documents": [{ "a": 5 }] }),
                "/documents/0/b",
            ),
            (json!({ "filtered": 0 }), "/filtered"),
            (json!({ "rejects": [{ "code": "x" }] }), "/rejects/0"),
        ] {
            assert_eq!(
                differences(expect, &file),
                [format!("/tests/0/expect{pointer}")]
            );
        }
    }

    #[test]
    fn a_reject_that_is_not_expected_fails_a_test() {
        let file = file(&[], &["schema_mismatch"], 0);
        assert_eq!(differences(json!({}), &file), ["/tests/0/expect/rejects/0"]);
        let expected = json!({ "rejects": [{ "code": "schema_mismatch", "field": "n" }] });
        assert_eq!(differences(expected, &file), Vec::<String>::new());
        let other = json!({ "rejects": [{ "code": "schema_mismatch", "field": "m" }] });
        assert_eq!(differences(other, &file), ["/tests/0/expect/rejects/0"]);
        let violation = Difference {
            pointer: "/tests/0/expect/documents/0/a".into(),
            expected: Some(json!(1)),
            actual: None,
        };
        assert_eq!(
            violation.violation().message,
            "the test expects 1, and got nothing"
        );
    }
}
