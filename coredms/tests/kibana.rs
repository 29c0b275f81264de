//! What is asked of Kibana, against a server that writes down the request and gives a documented answer.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;

use coredms::client::Credentials;
use coredms::kibana::{
    Imported, JobView, Kibana, KibanaError, KibanaOptions, SavedObject, objects,
};
use serde_json::{Value, json};

/// One request: its head in lower case, its body.
type Request = (String, String);

/// Serves one request; gives the address, and the request when it is over.
fn serve(status: &'static str, answer: Value) -> (String, JoinHandle<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let request = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        let head = head.to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let answer = answer.to_string();
        let length = answer.len();
        write!(stream, "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}").unwrap();
        (head, String::from_utf8(body).unwrap())
    });
    (url, request)
}

fn kibana(url: &str, space: Option<&str>) -> Kibana {
    Kibana::new(&KibanaOptions {
        url: format!("{url}/"),
        space: space.map(str::to_owned),
        credentials: Some(Credentials::Basic {
            user: "elastic".into(),
            password: "secret".into(),
        }),
        ca_certificate: None,
        timeout: Duration::from_secs(10),
    })
    .unwrap()
}

fn view() -> JobView {
    JobView {
        client: "acme".into(),
        job: "flights".into(),
        indices: "acme.flights".into(),
        fields: vec!["carrier".into()],
    }
}

#[tokio::test]
async fn objects_go_to_the_documented_import_as_a_file_of_lines() {
    let answer = json!({ "success": true, "successCount": 3, "successResults": [] });
    let (url, request) = serve("200 OK", answer);
    let imported = kibana(&url, Some("acme")).import(&objects(&view())).await;
    let all_new = Imported {
        created: 3,
        kept: 0,
    };
    assert_eq!(imported.unwrap(), all_new);
    let (head, body) = request.join().unwrap();
    assert!(head.starts_with("post /s/acme/api/saved_objects/_import http/1.1\r\n"));
    for header in [
        "kbn-xsrf: ",
        "authorization: basic zwxhc3rpyzpzzwnyzxq=",
        "content-type: multipart/form-data; boundary=",
    ] {
        assert!(head.contains(&format!("\r\n{header}")), "{head}");
    }
    let boundary = head.split("boundary=").nth(1).unwrap();
    let boundary = boundary.lines().next().unwrap();
    let part = body.strip_prefix(&format!("--{boundary}\r\n")).unwrap();
    let (part_head, file) = part.split_once("\r\n\r\n").unwrap();
    assert!(part_head.contains("name=\"file\"; filename=\"ingest.ndjson\""));
    let file = file
        .strip_suffix(&format!("\r\n--{boundary}--\r\n"))
        .unwrap();
    let kinds: Vec<Value> = file
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].clone())
        .collect();
    assert_eq!(kinds, ["index-pattern", "search", "dashboard"]);
}

#[tokio::test]
async fn what_is_there_is_left_and_what_is_not_taken_is_named() {
    let error = |kind| json!({ "id": "ingest.acme.flights.dashboard", "type": "dashboard", "error": { "type": kind } });
    let answer = |kind| json!({ "success": false, "successCount": 2, "errors": [error(kind)] });
    let (url, _request) = serve("200 OK", answer("conflict"));
    let kept = Imported {
        created: 2,
        kept: 1,
    };
    let imported = kibana(&url, None).import(&objects(&view())).await;
    assert_eq!(imported.unwrap(), kept);

    let (url, request) = serve("200 OK", answer("missing_references"));
    let refused = kibana(&url, None).import(&objects(&view())).await;
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("dashboard ingest.acme.flights.dashboard (missing_references)"));
    let (head, _) = request.join().unwrap();
    assert!(head.starts_with("post /api/saved_objects/_import http/1.1\r\n"));
}

#[tokio::test]
async fn a_kibana_that_refuses_or_is_away_is_told_apart() {
    let answer = json!({ "statusCode": 403, "error": "Forbidden", "message": "Unable to import" });
    let (url, _request) = serve("403 Forbidden", answer);
    let refused = kibana(&url, None).import(&objects(&view())).await;
    assert!(matches!(
        &refused,
        Err(KibanaError::Refused { status: 403, reason, .. }) if reason == "Unable to import"
    ));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let away = kibana(&format!("http://{}", closed.unwrap()), None);
    let away = away.import(&objects(&view())).await;
    assert!(matches!(away, Err(KibanaError::Unreachable { .. })));
}

#[test]
fn the_objects_of_a_job() {
    let objects: Vec<Value> = objects(&view()).iter().map(SavedObject::json).collect();
    insta::assert_json_snapshot!(objects);
}

#[test]
fn every_reference_leads_to_an_object_and_every_panel_has_its_own() {
    let objects: Vec<Value> = objects(&view()).iter().map(SavedObject::json).collect();
    let there: BTreeSet<(&str, &str)> = objects.iter().map(key).collect();
    for object in &objects {
        for reference in object["references"].as_array().unwrap() {
            assert!(there.contains(&key(reference)), "{reference}");
        }
    }
    let dashboard = objects.last().unwrap();
    let panels = dashboard["attributes"]["panelsJSON"].as_str().unwrap();
    let panels: Vec<Value> = serde_json::from_str(panels).unwrap();
    assert_eq!(panels.len(), 3);
    for panel in panels {
        let own = format!("{}:", panel["panelIndex"].as_str().unwrap());
        let references = dashboard["references"].as_array().unwrap().iter();
        let names = references.map(|reference| reference["name"].as_str().unwrap());
        assert_eq!(names.filter(|name| name.starts_with(&own)).count(), 1);
    }
}

fn key(object: &Value) -> (&str, &str) {
    let text = |name: &str| object[name].as_str().unwrap();
    (text("type"), text("id"))
}
