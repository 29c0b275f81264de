//! What several test files need: the real Elasticsearch's address, a server that answers once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};

/// The address of a real Elasticsearch, from `ELASTICSEARCH_URL`; `None` when the suite is switched
/// off by `SKIP_SUITES=elasticsearch`. Fails the test when neither is set: a suite that did not run
/// must not look as if it had passed.
#[allow(dead_code)]
pub fn elasticsearch_url() -> Option<String> {
    let skipped = std::env::var("SKIP_SUITES").unwrap_or_default();
    if skipped
        .split(',')
        .any(|suite| suite.trim() == "elasticsearch")
    {
        eprintln!("skipped: SKIP_SUITES contains elasticsearch");
        return None;
    }
    Some(std::env::var("ELASTICSEARCH_URL").expect(
        "ELASTICSEARCH_URL is not set: start a real Elasticsearch and name its address there, \
         or switch this suite off with SKIP_SUITES=elasticsearch",
    ))
}

/// A server that reads one request and writes `answer`; returns its address.
#[allow(dead_code)]
pub fn answer_once(answer: String) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    url
}
