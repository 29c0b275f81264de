//! The elasticsearch output against a server that answers as told.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

use logstash::dead_letters::{self, Entry};
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
           filter {{ mutate {{ remove_field => ["host", "@timestamp", "@version"] copy => {{ "k" => "[@metadata][from][k]" }} }} }}
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
    let letters = letters(&folder.path().join("data/dead_letter_queue/main"));
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(
        Value::Object(letter.fields.clone()),
        json!({"k": "c", "id": 3})
    );
    assert_eq!(
        Value::Object(letter.metadata.clone()),
        json!({"from": {"k": "c"}})
    );
    assert_eq!(
        (letter.plugin_type.as_str(), letter.plugin_id.as_str()),
        ("elasticsearch", "es")
    );
    assert_eq!(
        letter.reason,
        "Could not index event to Elasticsearch. status: 400, action: [\"index\", {:_id=>\"3\", :_index=>\"i-c\", \
         :routing=>nil}, {\"k\"=>\"c\", \"id\"=>3}], response: {\"index\"=>{\"status\"=>400, \
         \"error\"=>{\"type\"=>\"document_parsing_exception\", \"reason\"=>\"no number\"}}}"
    );
}

/// The letters of a queue that nobody writes any more.
fn letters(folder: &Path) -> Vec<Entry> {
    assert!(folder.join("1.log").exists());
    let letters = dead_letters::read(folder).unwrap();
    letters.map(|letter| letter.unwrap().entry).collect()
}

#[test]
fn documents_and_requests_are_counted_and_only_what_is_refused_for_good_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let failed = |status: u16, kind: &str| json!({"create": {"status": status, "error": {"type": kind, "reason": "r"}}});
    let first = json!([
        {"create": {"status": 201}},
        failed(409, "version_conflict_engine_exception"),
        failed(400, "document_parsing_exception"),
        failed(404, "index_not_found_exception"),
        failed(403, "cluster_block_exception"),
        {"create": {"status": 201, "failure_store": "used"}},
    ]);
    let refusal = |kind: &str| json!({"error": {"type": kind, "reason": "no"}});
    let ok = |items: Value| json!({"took": 1, "errors": items != json!([{"create": {"status": 201}}]), "items": items});
    let (port, served) = server(vec![
        (401, refusal("security_exception")),
        (403, refusal("security_exception")),
        (429, refusal("es_rejected_execution_exception")),
        (503, refusal("unavailable")),
        // answers for one document only are no answer
        (200, ok(json!([{"create": {"status": 201}}]))),
        (200, ok(first)),
        (200, ok(json!([{"create": {"status": 201}}]))),
    ]);
    let api_port = support::free_port();
    let config = format!(
        r#"input {{ stdin {{ codec => json_lines {{ ecs_compatibility => disabled }} }} }}
           output {{ elasticsearch {{ hosts => ["127.0.0.1:{port}"] action => "create" index => "i"
             retry_initial_interval => 0.01 id => "es" }} }}"#
    );
    let queue = folder.path().join("letters");
    let mut child = support::start(
        folder.path(),
        &[
            "-e",
            &config,
            "--api.http.port",
            &api_port.to_string(),
            "--path.dead_letter_queue",
            queue.to_str().unwrap(),
            "--dead_letter_queue.max_bytes",
            "2mb",
        ],
    );
    let mut stdin = child.stdin.take().unwrap();
    // one batch: what comes at once is decoded at once
    let input: String = (1..=6)
        .map(|number| format!("{{\"n\":{number}}}\n"))
        .collect();
    stdin.write_all(input.as_bytes()).unwrap();
    let pipeline = support::wait_for(api_port, "/_node/stats", |stats| {
        stats["pipelines"]["main"]["events"]["out"] == 6
    })["pipelines"]["main"]
        .take();
    let output = &pipeline["plugins"]["outputs"][0];
    assert_eq!(output["id"], "es");
    assert_eq!(
        (&output["events"]["in"], &output["events"]["out"]),
        (&json!(6), &json!(6))
    );
    assert_eq!(
        output["documents"],
        json!({"successes": 3, "non_retryable_failures": 1, "dlq_routed": 2, "retryable_failures": 1})
    );
    assert_eq!(
        output["bulk_requests"],
        json!({"successes": 1, "with_errors": 1, "failures": 5,
               "responses": {"200": 3, "401": 1, "403": 1, "429": 1, "503": 1}})
    );
    let status = &pipeline["dead_letter_queue"];
    assert_eq!(status["max_queue_size_in_bytes"], 2 << 20);
    assert!(status["queue_size_in_bytes"].as_u64() > Some(100));
    assert!(queue.join("main/1.log.tmp").exists());
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let refused: Vec<Value> = letters(&queue.join("main"))
        .into_iter()
        .map(|letter| letter.fields["n"].clone())
        .collect();
    assert_eq!(refused, [3, 4]);
    let bodies = served.join().unwrap();
    assert_eq!(lines(&bodies[6])[1]["n"], 5);
}

#[test]
fn without_a_dead_letter_queue_refused_events_are_logged_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let items = json!([{"index": {"status": 400, "error": {"type": "document_parsing_exception", "reason": "no number"}}}]);
    let (port, served) = server(vec![(
        200,
        json!({"took": 1, "errors": true, "items": items}),
    )]);
    let config = format!(
        r#"input {{ stdin {{ codec => json_lines {{ ecs_compatibility => disabled }} }} }}
           output {{ elasticsearch {{ hosts => ["127.0.0.1:{port}"] index => "i" }} }}"#
    );
    let api_port = support::free_port();
    let mut child = support::start(
        folder.path(),
        &[
            "-e",
            &config,
            "--api.http.port",
            &api_port.to_string(),
            "--dead_letter_queue.enable",
            "false",
        ],
    );
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{\"n\":1}\n").unwrap();
    let stats = support::wait_for(api_port, "/_node/stats/pipelines/main", |stats| {
        stats["pipelines"]["main"]["events"]["out"] == 1
    });
    let pipeline = &stats["pipelines"]["main"];
    assert_eq!(
        pipeline["plugins"]["outputs"][0]["documents"]["dlq_routed"],
        1
    );
    assert!(pipeline.get("dead_letter_queue").is_none());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(
        log.contains("Could not index event to Elasticsearch. status: 400"),
        "{log}"
    );
    assert!(!folder.path().join("data/dead_letter_queue").exists());
    served.join().unwrap();
}

#[test]
fn a_request_that_is_refused_as_a_whole_is_divided_until_the_event_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = || json!({"error": {"type": "illegal_argument_exception", "reason": "malformed"}});
    let stored = || json!({"took": 1, "errors": false, "items": [{"index": {"status": 201}}]});
    let (port, served) = server(vec![(400, wrong()), (200, stored()), (400, wrong())]);
    let config = format!(
        r#"input {{ stdin {{ codec => json_lines {{ ecs_compatibility => disabled }} }} }}
           output {{ elasticsearch {{ hosts => ["127.0.0.1:{port}"] index => "i" }} }}"#
    );
    let output = support::run(folder.path(), &["-e", &config], b"{\"n\":1}\n{\"n\":2}\n");
    assert!(output.status.success());
    served.join().unwrap();
    let letters = letters(&folder.path().join("data/dead_letter_queue/main"));
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].fields["n"], 2);
    assert_eq!(letters[0].plugin_id, "elasticsearch_output_0");
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
