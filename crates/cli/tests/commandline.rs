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
        "ingest job import pipeline.conf --client demo --job access --to job.yaml --put",
        "ingest job import - --force",
        "ingest job export demo/flights --to pipeline.conf",
        "ingest job infer january.csv.gz --name flights --to job.yaml",
        "ingest job preview demo/flights -n 100 --check-core-dms",
        "ingest job preview --spec job.yaml --file january.csv.gz --full",
        "ingest job test job.yaml",
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
        "ingest coredms up --dir /tmp/real --port 9201 --kibana-port 5602 --wait 60",
        "ingest coredms status -o json",
        "ingest coredms down --volumes --yes",
        "ingest coredms serve --data /tmp/data --listen 127.0.0.1:0 --api-key-file key",
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
        "ingest job import",
        "ingest job import x --put",
        "ingest job import x --put --client demo",
        "ingest job export demo",
        "ingest job preview",
        "ingest job preview --spec job.yaml",
        "ingest job preview demo/flights -n 1001",
        "ingest job preview demo/flights --staged a --file b",
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

const PIPELINE: &str = r#"
    input { file { path => "/var/log/a.log" codec => json } }
    filter { mutate { add_tag => "t" } }
    output { elasticsearch { index => "a" } }
"#;

#[test]
fn a_logstash_configuration_becomes_a_spec() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = write("good.conf", PIPELINE);
    let output = ingest(&["job", "import", &good]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let spec = text(&output.stdout);
    assert!(spec.starts_with("mode: batch\nsource:\n"), "{spec}");
    assert!(spec.contains("- mutate:\n    add_tag: t\n"), "{spec}");
    let findings = text(&output.stderr);
    for part in ["WHERE", "2:13", "input file path", "changed"] {
        assert!(findings.contains(part), "{part} in {findings}");
    }

    let bad = write(
        "bad.conf",
        &format!("{PIPELINE} filter {{ ruby {{ code => 'x' }} }}"),
    );
    let to = home.path().join("job.yaml");
    let into = ["job", "import", &bad, "--to", to.to_str().unwrap()];
    let refused = ingest(&into);
    assert_eq!(refused.status.code(), Some(3));
    assert!(refused.stdout.is_empty() && !to.exists());
    for part in ["filter ruby", "--force"] {
        assert!(text(&refused.stderr).contains(part), "{part}");
    }
    let forced = ingest(&[&into[..], &["--force"]].concat());
    assert_eq!(forced.status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&to).unwrap(), spec);

    let output = ingest(&["job", "import", &bad, "--force", "-o", "json"]);
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(made["spec"]["destination"]["index"], "a");
    let findings = made["findings"].as_array().unwrap();
    assert!(
        findings.iter().any(|f| f["severity"] == "impossible"),
        "{made}"
    );

    let broken = write("broken.conf", "input {\n  stdin");
    let output = ingest(&["job", "import", &broken]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("2:8"),
        "{}",
        text(&output.stderr)
    );
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
