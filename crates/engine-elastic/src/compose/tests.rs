//! A compose file read back as Compose reads it gives the plan's values, whatever is in them.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_yaml_ng::Value;

use super::{ComposeFiles, render};
use crate::plan::tests::{plan, settings};
use crate::plan::{Mount, Plan};

fn rendered(plan: &Plan) -> (ComposeFiles, Value) {
    let files = render(plan).unwrap();
    let value = serde_yaml_ng::from_str(&files.compose).unwrap();
    (files, value)
}

/// What Compose makes of a value: `$$` is a dollar, and no other dollar is left.
fn interpolated(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '$' {
            assert_eq!(chars.next(), Some('$'), "a variable in {text:?}");
        }
        out.push(c);
    }
    out
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_sequence()
        .unwrap()
        .iter()
        .map(|it| interpolated(it.as_str().unwrap()))
        .collect()
}

fn text(value: &Value) -> String {
    interpolated(value.as_str().unwrap())
}

/// Texts that mean something to YAML, to Compose, or to a shell.
const HOSTILE: &[&str] = &[
    "$",
    "$$",
    "${HOME}",
    "${X:?y}",
    "'",
    "\"",
    "\n",
    "\n\n  x",
    " #",
    ": ",
    "- ",
    "!!str",
    "~",
    "null",
    "yes",
    "0x1F",
    "12:30",
    "2020-01-01",
    "<<",
    "=",
    "*a",
    "&a",
    "|",
    ">",
    "%",
    "@",
    "`",
    "\\",
    "\t",
    "\r",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "{",
    "}",
    "[",
    "]",
    ",",
    "..",
    "---",
    "\0",
    "ä",
    "🦀",
];

/// Those, and any others.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn hostile_values_come_back_as_they_were(value in hostile(), other in hostile(), image in hostile()) {
        let mut plan = plan(&settings());
        let elsewhere = PathBuf::from(format!("/{other}"));
        let container = &mut plan.containers[0];
        container.environment.insert("NAME".into(), value.clone());
        container.command = vec![value.clone(), other.clone()];
        container.entrypoint = vec![other.clone()];
        container.image = image.clone();
        container.name = value.clone();
        container.mounts = vec![
            Mount::Bind { source: elsewhere.clone(), target: value.clone() },
            Mount::Bind { source: plan.folder.join(&other), target: "/x".into() },
        ];
        plan.labels.insert("hostile".into(), other.clone());
        plan.networks[0].name = value.clone();
        plan.volumes[0] = other.clone();
        let (_, document) = rendered(&plan);

        let service = &document["services"][plan.containers[0].role.as_str()];
        prop_assert!(texts(&service["environment"]).contains(&["NAME=", &value].concat()));
        prop_assert!(texts(&service["labels"]).contains(&["hostile=", &other].concat()));
        prop_assert_eq!(texts(&service["command"]), [value.clone(), other.clone()]);
        prop_assert_eq!(texts(&service["entrypoint"]), [other.clone()]);
        prop_assert_eq!(text(&service["image"]), image);
        prop_assert_eq!(text(&service["container_name"]), value.clone());
        prop_assert_eq!(text(&service["volumes"][0]["source"]), elsewhere.display().to_string());
        prop_assert_eq!(text(&service["volumes"][0]["target"]), value.clone());
        if let Ok(inside) = plan.folder.join(&other).strip_prefix(&plan.folder) {
            prop_assert_eq!(text(&service["volumes"][1]["source"]), format!("./{}", inside.display()));
        }
        prop_assert_eq!(text(&document["networks"][&value]["name"]), value);
        prop_assert_eq!(text(&document["volumes"][&other]["name"]), other);
    }
}

#[test]
fn every_container_is_hardened_and_limited() {
    let (_, document) = rendered(&plan(&settings()));
    for (_, service) in document["services"].as_mapping().unwrap() {
        assert_eq!(service["read_only"], Value::from(true));
        assert_eq!(texts(&service["cap_drop"]), ["ALL"]);
        assert_eq!(texts(&service["security_opt"]), ["no-new-privileges:true"]);
        assert_eq!(service["user"], Value::from("1000:0"));
        assert_eq!(service["memswap_limit"], service["mem_limit"]);
        assert!(service["pids_limit"].as_u64().unwrap() > 0);
        assert!(service["cpus"].as_f64().unwrap() > 0.0);
        assert_eq!(service["logging"]["options"]["max-file"], Value::from("3"));
        assert_eq!(service["restart"], Value::from("no"));
    }
}

#[test]
fn secrets_are_named_but_not_told() {
    let (files, document) = rendered(&plan(&settings()));
    assert!(
        !files.compose.contains("/secret/place"),
        "{}",
        files.compose
    );
    assert!(!files.env.contains("/secret/place"), "{}", files.env);
    let secret = document["services"]["logstash"]["volumes"]
        .as_sequence()
        .unwrap()
        .iter()
        .find(|it| it["target"] == "/run/secrets/ELASTICSEARCH_API_KEY")
        .unwrap();
    assert_eq!(
        secret["source"],
        Value::from(
            "${INGEST_SECRET_ELASTICSEARCH_API_KEY:?path of the file that holds ELASTICSEARCH_API_KEY}"
        )
    );
    assert!(
        files
            .env
            .contains("\nINGEST_SECRET_ELASTICSEARCH_API_KEY=\n")
    );
}

#[test]
fn no_text_can_be_taken_for_anything_else() {
    let (files, _) = rendered(&plan(&settings()));
    for line in files.compose.lines() {
        let value = line
            .trim_start_matches([' ', '-'])
            .split_once(": ")
            .map_or("", |it| it.1);
        let text = value.starts_with('"') && value.ends_with('"');
        let other = value
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        assert!(
            text || other || ["true", "false", "[]"].contains(&value),
            "{line}"
        );
    }
    assert!(files.compose.contains("user: \"1000:0\"\n"));
    assert!(files.compose.contains("restart: \"no\"\n"));
}
