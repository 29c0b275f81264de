//! What describes the API: OpenAPI, the pages for people, codes, readiness, metrics.

use serde_json::Value;

use crate::support::{Server, job_ref};

#[tokio::test]
async fn the_description_names_every_route_and_refers_to_nothing_that_is_not_there() {
    let server = Server::start().await;
    let document = server.anonymous().openapi().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut listed: Vec<String> = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            listed.push(format!(
                "{} {path} ({})",
                method.to_uppercase(),
                operation["operationId"].as_str().unwrap()
            ));
        }
    }
    listed.sort_unstable();
    assert_eq!(listed.len(), manager::route_infos().len());
    insta::assert_json_snapshot!(listed);
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    server.stop().await;
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            references.extend(
                object
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            object.values().for_each(|inner| collect(inner, references));
        }
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, references)),
        _ => {}
    }
}

#[tokio::test]
async fn there_are_pages_for_people() {
    let server = Server::start().await;
    for (path, holds) in [
        ("/", "console.js"),
        ("/console.js", "EventSource"),
        ("/console.css", "color-scheme"),
        ("/docs/", "swagger-ui"),
        ("/docs", "swagger-ui"),
        ("/docs/swagger-initializer.js", "/v1/openapi.json"),
        ("/v1/errors", "id=\"job_not_found\""),
    ] {
        let response = server
            .request("GET", path, None)
            .header("accept", "text/html,*/*")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let text = response.text().await.unwrap();
        assert!(
            text.contains(holds) || (holds == "EventSource" && text.contains("text/event-stream")),
            "{path}"
        );
        assert!(
            !text.contains("https://cdn") && !text.contains("//unpkg"),
            "{path} loads from elsewhere"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn readiness_names_what_is_not_ready() {
    let server = Server::start().await;
    let ready = server.anonymous().ready().await.unwrap();
    assert!(ready.ready, "{ready:?}");
    let names: Vec<_> = ready.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["metadata_store", "core_dms", "disk"]);
    *server.dms.down.lock().unwrap() = true;
    let ready = server.anonymous().ready().await.unwrap();
    let not_ready: Vec<_> = ready
        .parts
        .iter()
        .filter(|part| !part.ready)
        .map(|part| part.name.as_str())
        .collect();
    assert_eq!((ready.ready, not_ready), (false, vec!["core_dms"]));
    server.stop().await;
}

#[tokio::test]
async fn metrics_count_requests_and_runs_and_name_no_client() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    own.start(&job_ref("acme/flights")).await.unwrap();
    let text = server
        .request("GET", "/metrics", None)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("ingest_http_requests_total{operation=\"start_run\",status=\"201\"} 1"),
        "{text}"
    );
    assert!(text.contains("ingest_runs_under_way{state="), "{text}");
    assert!(text.contains("ingest_manager_resident_bytes"), "{text}");
    assert!(!text.contains("acme"), "{text}");
    server.stop().await;
}
