//! The command line as users meet it: its grammar, its help, its exit codes.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

use clap::{CommandFactory, Parser};
use cli::args::Cli;

/// Runs `ingest` where there is nothing: no home, no manager, no token.
fn ingest(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_ingest"))
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        // nobody listens on port 1
        .env("INGEST_SERVER", "http://127.0.0.1:1")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_grammar_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help_lists_commands_and_exit_codes() {
    let mut command = Cli::command().term_width(100);
    insta::assert_snapshot!(command.render_long_help());
}

#[test]
fn every_command_of_the_readme_parses() {
    for line in [
        "ingest up",
        "ingest up --home /tmp/x --listen 127.0.0.1:0 --metadata mongodb://m/ingest --core-dms http://es:9200 --set max_runs=4",
        "ingest client register demo --name Demo",
        "ingest job put demo/flights -f job.yaml",
        "ingest job validate demo/flights -f - -o json",
        "ingest stage put demo/flights a.csv b.csv",
        "ingest run start demo/flights --wait",
        "ingest run show demo/flights/latest",
        "ingest run watch demo/flights/01jd0000000000000000000000",
        "ingest run rejects demo/flights/latest --causes",
        "ingest search demo/flights --by carrier",
        "ingest search demo/flights --query {\"term\":{\"carrier\":\"UA\"}} -n 3",
        "ingest token create demo --expires-in 90days",
        "ingest --output json audit --limit 10",
        "ingest worker --folder /tmp/run --attempt 2",
        "ingest coredms --data /tmp/data --listen 127.0.0.1:0 --api-key-file key",
    ] {
        Cli::try_parse_from(line.split(' ')).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
}

#[test]
fn what_cannot_be_used_is_refused_by_the_parser() {
    for line in [
        "ingest",
        "ingest run show demo/flights",
        "ingest job put demo -f x",
        "ingest client register Demo",
        "ingest client update demo",
        "ingest client list --limit 0",
        "ingest client list --all --limit 3",
        "ingest up --set nonsense",
        "ingest token create demo --expires-in soon",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn the_exit_code_says_what_happened() {
    for (arguments, code) in [
        (&["--version"][..], 0),
        (&["config"], 0),
        (&["job", "schema"], 0),
        (&["completions", "bash"], 0),
        (&["nonesuch"], 2),
        (&["run", "show", "demo/flights"], 2),
        (&["job", "put", "demo/flights", "-f", "/nonesuch.yaml"], 2),
        (&["client", "delete", "demo"], 2),
        (&["search", "demo/flights", "--query", "{"], 3),
        (&["run", "show", "demo/flights/latest"], 6),
    ] {
        let output = ingest(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        let (out, err) = (output.stdout.is_empty(), output.stderr.is_empty());
        assert_eq!((out, err), (code != 0, code == 0), "{arguments:?}");
    }
}

#[test]
fn programs_get_failures_as_json() {
    let output = ingest(&["plans", "--output", "json"]);
    let problem: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(problem["code"], "unreachable");
    assert!(
        problem["next_step"].as_str().unwrap().contains("ingest up"),
        "{problem}"
    );
}

#[test]
fn the_printed_configuration_is_the_managers() {
    let printed = text(&ingest(&["config"]).stdout);
    let layers = manager::config::Layers::default();
    let config = manager::config::Config::parse(&printed, &layers).unwrap();
    assert_eq!(config, manager::config::Config::default());
}
