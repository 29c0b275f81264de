//! The elasticsearch output against a server that answers as told.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use serde_json::{Value, json};

/// A server that gives these answers, one a request, and returns the bodies of the requests.
fn server(answers: Vec<(u16, Value)>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let mut bodies = Vec::new();
        for (status, answer) in answers {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let mut length = 0;
            for line in stream.by_ref().lines() {
                let line = line.unwrap().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            bodies.push(String::from_utf8(body).unwrap());
            let answer = answer.to_string();
            write!(
                stream.get_mut(),
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nX-Elastic-Product: Elasticsearch\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
                answer.len()
            )
            .unwrap();
        }
        bodies
    };
    (port, std::thread::spawn(serve))
}

fn lines(body: &str) -> Vec<Value> {
    let lines = body.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn events_are_sent_until_they_are_stored_or_refused_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let items = json!([
        {"index": {"status": 201}},
        {"index": {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "busy"}}},
        {"index": {"status": 400, "error": {"type": "document_parsing_exception", "reason": "no number"}}},
    ]);
    let (port, served) = server(vec![
        (
            503,
            json!({"error": {"type": "unavailable", "reason": "starting"}}),
        ),
        (200, json!({"took": 1, "errors": true, "items": items})),
        (
            200,
            json!({"took": 1, "errors": false, "items": [{"index": {"status": 201}}]}),
        ),
    ]);
    let config = format!(
        r#"input {{ stdin {{ codec => json_lines {{ ecs_compatibility => disabled }} }} }}
           filter {{ mutate {{ remove_field => ["host", "@timestamp", "@version"] }} }}
           output {{ elasticsearch {{ hosts => ["127.0.0.1:{port}"] index => "i-%{{k}}" document_id => "%{{id}}"
             retry_initial_interval => 0.01 id => "es" }} }}"#
    );
    let input = b"{\"k\":\"a\",\"id\":1}\n{\"k\":\"b\",\"id\":2}\n{\"k\":\"c\",\"id\":3}\n";
    let output = support::run(folder.path(), &["-e", &config], input);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let bodies = served.join().unwrap();
    assert_eq!(bodies[0], bodies[1]);
    let action = json!({"index": {"_index": "i-b", "_id": "2"}});
    assert_eq!(
        lines(&bodies[2]),
        [action, json!({"k": "b", "id": 2})],
        "{errors}"
    );
    assert_eq!(
        lines(&bodies[1])[4],
        json!({"index": {"_index": "i-c", "_id": "3"}})
    );
    let letters = folder.path().join("data/dead_letter_queue/main");
    let letter = std::fs::read_dir(letters).unwrap().next().unwrap().unwrap();
    let letter = lines(&std::fs::read_to_string(letter.path()).unwrap()).remove(0);
    assert_eq!(letter["event"], json!({"k": "c", "id": 3}));
    assert_eq!(letter["plugin_id"], "es");
    assert!(letter["reason"].as_str().unwrap().contains("no number"));
}

#[test]
fn without_an_index_events_go_to_a_data_stream() {
    let folder = tempfile::tempdir().unwrap();
    let stored = json!([{"create": {"status": 201}}, {"create": {"status": 201}}]);
    let (port, served) = server(vec![(
        200,
        json!({"took": 1, "errors": false, "items": stored}),
    )]);
    let config = format!(
        r#"input {{ stdin {{ codec => json_lines {{ ecs_compatibility => disabled }} }} }}
           filter {{ mutate {{ remove_field => ["host", "@timestamp", "@version"] }} }}
           output {{ elasticsearch {{ hosts => "http://127.0.0.1:{port}" data_stream_dataset => "shop" }} }}"#
    );
    let input = b"{\"a\":1}\n{\"data_stream\":{\"type\":\"metrics\"}}\n";
    let output = support::run(folder.path(), &["-e", &config], input);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let bodies = served.join().unwrap();
    let stream = json!({"type": "logs", "dataset": "shop", "namespace": "default"});
    let expected = [
        json!({"create": {"_index": "logs-shop-default"}}),
        json!({"data_stream": stream, "a": 1}),
        json!({"create": {"_index": "metrics-shop-default"}}),
        json!({"data_stream": {"type": "metrics"}}),
    ];
    assert_eq!(lines(&bodies[0]), expected);
}
