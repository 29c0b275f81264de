//! The beats input with a client by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use support::{connect, free_port, start};

/// A window of events, as a beat sends it.
fn window(events: &[Value]) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let mut frames = [b"2W", &number(events.len())[..]].concat();
    for (index, event) in events.iter().enumerate() {
        let text = event.to_string();
        frames.extend(
            [
                b"2J",
                &number(index + 1)[..],
                &number(text.len()),
                text.as_bytes(),
            ]
            .concat(),
        );
    }
    frames
}

/// The next acknowledgement that is no keep-alive; `None` when the connection was closed.
fn acknowledged(stream: &mut TcpStream) -> Option<u32> {
    loop {
        let mut ack = [0; 6];
        stream.read_exact(&mut ack).ok()?;
        assert_eq!(ack[..2], *b"2A");
        match u32::from_be_bytes(ack[2..].try_into().unwrap()) {
            0 => {}
            sequence => return Some(sequence),
        }
    }
}

fn stop(mut child: Child) {
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn events_are_made_as_by_logstash_and_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = format!(
        r#"input {{ beats {{ host => "127.0.0.1" port => {port} tags => ["mine"] }} }}
           filter {{ mutate {{ rename => {{ "@metadata" => "meta" }} }} if [message] == "drop" {{ drop {{}} }} }}
           output {{ stdout {{ codec => json_lines }} }}"#
    );
    let mut child = start(folder.path(), &["-e", &config, "--api.enabled", "false"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut stream = connect(port);
    let meta = json!({"beat": "filebeat", "version": "9.3.0", "type": "_doc"});
    let sent = [
        json!({"@timestamp": "2026-01-02T03:04:05.678Z", "@metadata": meta, "message": "hello",
               "event": {"dataset": "d"}, "tags": ["theirs"], "log": {"offset": 7}}),
        json!({"@timestamp": "2026-01-02T03:04:05.678Z", "@metadata": meta, "message": "drop"}),
        json!({"@timestamp": "2026-01-02T03:04:05.678Z", "load": 1.5}),
    ];
    stream.write_all(&window(&sent)).unwrap();
    assert_eq!(acknowledged(&mut stream), Some(3));
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let with_peer = json!({"beat": "filebeat", "version": "9.3.0", "type": "_doc",
                           "input": {"beats": {"host": {"ip": "127.0.0.1"}}}});
    let expected = json!({"@timestamp": "2026-01-02T03:04:05.678Z", "@version": "1", "message": "hello",
        "event": {"original": "hello", "dataset": "d"}, "log": {"offset": 7}, "meta": with_peer,
        "tags": ["theirs", "mine", "beats_input_codec_plain_applied"]});
    assert_eq!(next(), expected);
    let expected = json!({"@timestamp": "2026-01-02T03:04:05.678Z", "@version": "1", "load": 1.5,
        "meta": {}, "tags": ["mine", "beats_input_raw_event"]});
    assert_eq!(next(), expected);
    stop(child);
    assert_eq!(acknowledged(&mut stream), None);
}

#[test]
fn the_codec_reads_the_message_and_the_beat_has_the_last_word() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = format!(
        r#"input {{ beats {{ host => "127.0.0.1" port => {port} codec => json enrich => ["none"] ecs_compatibility => disabled }} }}
           filter {{ mutate {{ remove_field => ["@timestamp", "@version", "event"] }} }}
           output {{ stdout {{ codec => json_lines }} }}"#
    );
    let mut child = start(folder.path(), &["-e", &config, "--api.enabled", "false"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut stream = connect(port);
    let message = r#"{"a":1,"log":{"level":"x"},"message":"inner"}"#;
    let sent = [json!({"message": message, "log": {"offset": 7}, "a": 2})];
    stream.write_all(&window(&sent)).unwrap();
    assert_eq!(acknowledged(&mut stream), Some(1));
    let found: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(
        found,
        json!({"a": 2, "log": {"level": "x", "offset": 7}, "message": "inner"})
    );
    stop(child);
}

#[test]
fn what_is_not_written_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let file = folder.path().join("file");
    let config = format!(
        r#"input {{ beats {{ host => "127.0.0.1" port => {port} }} }} output {{ file {{ path => "{}/out" }} }}"#,
        file.display()
    );
    std::fs::write(&file, "no folder").unwrap();
    let child = start(folder.path(), &["-e", &config, "--api.enabled", "false"]);
    let mut stream = connect(port);
    let sent = window(&[json!({"message": "a"}), json!({"message": "b"})]);
    stream.write_all(&sent).unwrap();
    assert_eq!(acknowledged(&mut stream), None);
    std::fs::remove_file(&file).unwrap();
    let mut stream = connect(port);
    stream.write_all(&sent).unwrap();
    assert_eq!(acknowledged(&mut stream), Some(2));
    let written = std::fs::read_to_string(file.join("out")).unwrap();
    assert_eq!(written.lines().count(), 2);
    stop(child);
}

#[test]
fn a_line_that_was_cut_off_does_not_spoil_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    std::fs::write(&file, "{\"whole\":1}\n{\"ha").unwrap();
    let config = format!(
        r#"input {{ generator {{ message => "a" count => 2 }} }}
           output {{ file {{ path => "{}" codec => line {{ format => "%{{message}}" }} }} }}"#,
        file.display()
    );
    support::run(folder.path(), &["-e", &config], b"");
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, "{\"whole\":1}\n{\"ha\na\na\n");
}

#[test]
fn wrong_options_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (options, message) in [
        ("", "needs `port`"),
        ("port => 70000", "65535"),
        ("port => 1 ssl_enabled => true", "needs `ssl_certificate`"),
        (
            "port => 1 ssl_enabled => true ssl_client_authentication => required",
            "need each other",
        ),
        (
            "port => 1 ssl_supported_protocols => [\"TLSv1.1\"]",
            "TLSv1.2",
        ),
        (
            "port => 1 codec => multiline { pattern => \"x\" what => previous }",
            "parsers: multiline",
        ),
        ("port => 1 enrich => [\"ssl_peer_metadata\"]", "not offered"),
        (
            "port => 1 enrich => [] include_codec_tag => true",
            "leave `include_codec_tag` out",
        ),
    ] {
        let config = format!("input {{ beats {{ {options} }} }} output {{ null {{ }} }}");
        let output = support::run(folder.path(), &["-t", "-e", &config], b"");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{options}");
        assert!(errors.contains(message), "{options}: {errors}");
    }
    let config = "input { kafka { topics => [\"t\"] } }";
    let output = support::run(folder.path(), &["-t", "-e", config], b"");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("not offered yet"), "{errors}");
}
