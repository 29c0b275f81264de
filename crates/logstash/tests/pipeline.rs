//! Whole pipelines, as a user runs them.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use support::{documents, free_port, run, start};

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

/// Asks the API.
fn get(port: u16, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
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
        let deadline = Instant::now() + Duration::from_secs(20);
        let stats = loop {
            let stats =
                get(port, "/_node/stats/pipelines/p").map(|all| all["pipelines"]["p"].clone());
            match stats {
                Some(stats) if stats["plugins"]["outputs"][0]["events"]["in"] == out => {
                    break stats;
                }
                other => assert!(Instant::now() < deadline, "{other:?}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(stats["events"]["in"], 3);
        assert_eq!(stats["events"]["out"], out);
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
