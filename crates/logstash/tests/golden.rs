//! Recorded outputs of real Logstash are the judge of codecs and inputs.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use std::path::Path;

use base64::Engine;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    config: String,
    input: Option<Vec<String>>,
    input_text: Option<String>,
    input_base64: Option<String>,
    output: Vec<Value>,
    output_ecs_disabled: Vec<Value>,
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        if let Some(encoded) = &self.input_base64 {
            return base64::engine::general_purpose::STANDARD
                .decode(encoded)
                .unwrap();
        }
        let lines = self.input.iter().flatten();
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        self.input_text.clone().unwrap_or(text).into_bytes()
    }

    /// The configuration without what is of the machine, as it was recorded.
    fn config(&self) -> String {
        let cleaned = "filter { mutate { remove_field => [\"host\",\"path\",\"log\"] } ";
        self.config.replacen("filter {", cleaned, 1)
    }
}

/// The document without its own time.
fn timeless(mut document: Value) -> Value {
    document["@timestamp"] = "<now>".into();
    document
}

#[test]
fn documents_are_those_of_logstash() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let kept = std::fs::read_to_string(folder.join("DIFFERENCES.md")).unwrap();
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    assert!(!paths.is_empty());
    let data = tempfile::tempdir().unwrap();
    for path in paths {
        let case: Case = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let more = usize::from(kept.contains(&format!("| `{name}`")));
        for (ecs, expected) in [
            ("v8", &case.output),
            ("disabled", &case.output_ecs_disabled),
        ] {
            let arguments = ["-e", &case.config(), "--pipeline.ecs_compatibility", ecs];
            let output = support::run(data.path(), &arguments, &case.bytes());
            let errors = String::from_utf8_lossy(&output.stderr);
            let documents: Vec<Value> = support::documents(&output)
                .into_iter()
                .map(timeless)
                .collect();
            let (same, rest) = documents.split_at(expected.len().min(documents.len()));
            assert_eq!(same, expected, "{name} ({ecs}): {errors}");
            assert_eq!(rest.len(), more, "{name} ({ecs}): {rest:?} {errors}");
        }
    }
}
