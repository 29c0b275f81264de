//! Whole pipelines, as a user runs them.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use support::{documents, free_port, get, run, start, wait_for};
use testkit::wait_until_blocking;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_file_is_read_to_its_end_and_put_away_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("a.log"), "one 1\ntwo 2\nthree 3").unwrap();
    std::fs::write(path("b.skip"), "no\n").unwrap();
    let config = format!(
        r#"input {{ file {{ path => "{}" exclude => "*.skip" mode => read exit_after_read => true
             file_completed_action => log file_completed_log_path => "{}" tags => ["f"] }} }}
           filter {{ grok {{ match => {{ "message" => "%{{WORD:w}} %{{INT:n:int}}" }} }} }}
           output {{ if [n] > 1 {{ file {{ path => "{}" codec => line {{ format => "%{{w}}=%{{n}} %{{[log][file][path]}}" }} }} }}
                     else {{ stdout {{ codec => json_lines }} }} }}"#,
        path("*"),
        path("done.txt"),
        path("out-%{w}.txt"),
    );
    std::fs::write(path("p.skip"), config).unwrap();
    let output = run(folder.path(), &["-f", &path("p.skip")], b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let found = documents(&output);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["w"], &found[0]["n"], &found[0]["tags"][0]),
        (&"one".into(), &1.into(), &"f".into())
    );
    let log = path("a.log");
    assert_eq!(
        std::fs::read_to_string(path("out-two.txt")).unwrap(),
        format!("two=2 {log}\n")
    );
    assert_eq!(
        std::fs::read_to_string(path("out-three.txt")).unwrap(),
        format!("three=3 {log}\n")
    );
    assert_eq!(
        std::fs::read_to_string(path("done.txt")).unwrap(),
        format!("{log}\n")
    );
}

#[test]
fn a_followed_file_goes_on_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.log");
    std::fs::write(&file, "one\ntwo\n").unwrap();
    let config = format!(
        r#"input {{ file {{ path => "{}" start_position => beginning stat_interval => 0.05 }} }}
           output {{ stdout {{ codec => line {{ format => "%{{message}}" }} }} }}"#,
        file.display()
    );
    let follow = |expected: &[&str]| {
        let mut child = start(folder.path(), &["-e", &config, "--api.enabled", "false"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in expected {
            assert_eq!(lines.next().unwrap().unwrap(), *line);
        }
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(lines.next().is_none());
    };
    follow(&["one", "two"]);
    let mut more = std::fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .unwrap();
    more.write_all(b"three\nfour\nhalf").unwrap();
    follow(&["three", "four"]);
    more.write_all(b" and half\n").unwrap();
    follow(&["half and half"]);
}

#[test]
fn the_default_output_shows_events_as_ruby_does() {
    let folder = tempfile::tempdir().unwrap();
    let config = r#"input { generator { lines => ["a"] count => 2 } }
        filter { mutate { remove_field => ["@timestamp", "@version", "host"] } if [event][sequence] == 0 { drop {} } }"#;
    let output = run(folder.path(), &["-e", config], b"");
    let shown = "\"message\" => \"a\"";
    assert!(
        text(&output.stdout).contains(shown),
        "{}",
        text(&output.stdout)
    );
    assert_eq!(text(&output.stdout).matches(shown).count(), 1);
}

#[test]
fn problems_are_told_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("1.conf"), "input { stdin { } }\n").unwrap();
    std::fs::write(
        path("2.conf"),
        "# filters\nfilter { mutate { uppercaze => [\"a\"] } }\n",
    )
    .unwrap();
    let check = |arguments: &[&str]| run(folder.path(), &[arguments, &["-t"]].concat(), b"");
    let output = check(&["-f", &path("*.conf")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("2.conf:2:10:"),
        "{}",
        text(&output.stderr)
    );
    let output = check(&["-f", &path("1.conf")]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "Configuration OK\n");
    let own = "input { stdin { } } filter { script { source => 'event.x = 1;' id => \"mine\" } }";
    let output = check(&["-e", own]);
    assert!(output.status.success());
    let log = text(&output.stderr);
    assert!(
        log.contains("does not have the filter script") && log.contains("mine"),
        "{log}"
    );
    assert_eq!(check(&["-e", "input { stdin {"]).status.code(), Some(1));
    assert_eq!(
        check(&["-e", "input { stdin { codec => multiline { } } }"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn a_silence_ends_an_event_that_is_being_joined() {
    let folder = tempfile::tempdir().unwrap();
    let config = r#"input { stdin { codec => multiline { pattern => "^ " what => previous auto_flush_interval => 0.2 } } }
        output { stdout { codec => json_lines } }"#;
    let mut child = start(folder.path(), &["-e", config, "--api.enabled", "false"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a\n b\n").unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["message"], "a\n b");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn files_named_by_events_have_them_soon_and_all_of_them_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join("out").join(name);
    let config = format!(
        r#"input {{ stdin {{ codec => json_lines {{ ecs_compatibility => disabled }} }} }}
           filter {{ mutate {{ rename => {{ "part" => "[@metadata][a][part]" "text" => "[@metadata][text]" }} }} }}
           output {{ file {{ path => "{}/%{{[@metadata][a][part]}}.ndjson"
             codec => line {{ format => "%{{[@metadata][text]}}" }} }} }}"#,
        folder.path().join("out").display()
    );
    let port = free_port();
    let mut child = start(
        folder.path(),
        &["-e", &config, "--api.http.port", &port.to_string()],
    );
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"{\"part\":\"x\",\"text\":\"one\"}\n{\"part\":\"y\",\"text\":\"two\"}\n")
        .unwrap();
    // no other event follows that could make the output look at its files
    let holds =
        |path: &Path, text: &str| std::fs::read_to_string(path).is_ok_and(|found| found == text);
    let within = Duration::from_secs(20);
    wait_until_blocking("the files are flushed", within, || {
        holds(&path("x.ndjson"), "one\n") && holds(&path("y.ndjson"), "two\n")
    });
    stdin
        .write_all(b"{\"part\":\"x\",\"text\":\"three\"}\n")
        .unwrap();
    wait_until_blocking("the file is flushed again", within, || {
        holds(&path("x.ndjson"), "one\nthree\n")
    });
    // what is not flushed yet when the end comes is written then
    stdin
        .write_all(b"{\"part\":\"x\",\"text\":\"four\"}\n")
        .unwrap();
    wait_for(port, "/_node/stats", |stats| stats["events"]["out"] == 4);
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(holds(&path("x.ndjson"), "one\nthree\nfour\n"));
}

#[test]
fn the_api_counts_events() {
    // programs with filters that make more events of one are carried out in another way
    for (more, out) in [("", 2), ("clone { clones => [\"d\"] }", 4)] {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let config = format!(
            r#"input {{ stdin {{ id => "in" tags => ["t"] }} }}
               filter {{ if [message] == "b" {{ drop {{ }} }} mutate {{ id => "m" }} {more} }}
               output {{ null {{ id => "out" }} }}"#
        );
        let mut child = start(
            folder.path(),
            &[
                "-e",
                &config,
                "--api.http.port",
                &port.to_string(),
                "--pipeline.id",
                "p",
            ],
        );
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"a\nb\nc\n").unwrap();
        let stats = wait_for(port, "/_node/stats/pipelines/p", |stats| {
            stats["pipelines"]["p"]["events"]["out"] == out
        })["pipelines"]["p"]
            .take();
        assert_eq!(stats["events"]["in"], 3);
        assert_eq!(stats["events"]["filtered"], 3);
        assert_eq!(stats["events"]["out"], out);
        assert_eq!(stats["queue"]["events_count"], 0);
        assert_eq!(stats["plugins"]["outputs"][0]["events"]["out"], out);
        assert_eq!(stats["plugins"]["inputs"][0]["id"], "in");
        assert_eq!(stats["plugins"]["inputs"][0]["events"]["out"], 3);
        assert_eq!(stats["plugins"]["filters"][1]["id"], "m");
        let filters = stats["plugins"]["filters"].as_array().unwrap().iter();
        let counts: Vec<_> = filters
            .map(|filter| {
                let events = &filter["events"];
                assert!(events["duration_in_millis"].is_u64());
                [&events["in"], &events["out"]].map(|count| count.as_u64().unwrap())
            })
            .collect();
        assert_eq!(counts[..2], [[1, 0], [2, 2]]);
        assert!(counts.get(2).is_none_or(|cloned| *cloned == [2, out]));
        assert!(stats["flow"]["input_throughput"]["lifetime"].as_f64() > Some(0.0));
        assert_eq!(get(port, "/").unwrap()["status"], "green");
        let info = get(port, "/_node/pipelines").unwrap();
        assert_eq!(info["pipelines"]["p"]["workers"], 1);
        assert_eq!(get(port, "/nothing").unwrap()["status"], 404);
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }
}
