//! The sink as a client sees it.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;

const BODY: &str = "{\"create\":{\"_id\":\"1\"}}\n{\"a\":1}\n{ \"index\": {}}\n{\"create\":2}\n{\"delete\":{\"_id\":\"1\"}}\n";

fn call(line: &TcpStream, target: &str, encoding: &str, body: &[u8]) -> String {
    let mut writer = line;
    let length = body.len();
    let head = format!("POST {target} HTTP/1.1\r\n{encoding}content-length: {length}\r\n\r\n");
    writer.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answers = Reader::new(line);
    let answer = answers
        .next(Kind::Answer { to_head: false }, |_| Ok(()))
        .unwrap()
        .unwrap();
    String::from_utf8(answer.body().into_owned()).unwrap()
}

#[test]
fn counts_and_acknowledges_every_operation_plain_and_packed() {
    let sink = NullSink::start("127.0.0.1:0", Options::default()).unwrap();
    let line = TcpStream::connect(sink.address).unwrap();
    let answer = call(
        &line,
        "/i/_bulk?filter_path=items.*.status",
        "",
        BODY.as_bytes(),
    );
    let items = r#"[{"create":{"status":201}},{"index":{"status":201}},{"delete":{"status":201}}]"#;
    assert_eq!(
        answer,
        format!(r#"{{"took":1,"errors":false,"items":{items}}}"#)
    );

    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(BODY.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    call(&line, "/_bulk", "content-encoding: gzip\r\n", &packed);
    assert_eq!((sink.counts.documents(), sink.counts.requests()), (6, 2));

    let stats = call(&line, "/_sink/stats", "", b"");
    assert!(
        stats.starts_with(r#"{"documents":6,"requests":2,"refused":0,"#),
        "{stats}"
    );
    assert!(
        stats.ends_with(&format!(r#""plain_bytes":{}}}"#, 2 * BODY.len())),
        "{stats}"
    );
    call(&line, "/_sink/reset", "", b"");
    assert_eq!(sink.counts.documents(), 0);
}

#[test]
fn every_nth_bulk_is_refused_and_not_counted() {
    let options = Options {
        status_429_every: 2,
        ..Options::default()
    };
    let sink = NullSink::start("127.0.0.1:0", options).unwrap();
    let line = TcpStream::connect(sink.address).unwrap();
    let refused = [1, 2, 3, 4].map(|_| {
        call(&line, "/_bulk", "", BODY.as_bytes()).contains("es_rejected_execution_exception")
    });
    assert_eq!(refused, [false, true, false, true]);
    assert_eq!((sink.counts.documents(), sink.counts.requests()), (6, 4));
}

#[test]
fn what_is_no_bulk_body_is_not_acknowledged() {
    for body in [
        "{\"a\":1}\n",
        "{\"create\":{}}\n",
        "{\"create\":{}}\n{\"a\":1}",
        "{\"create\":{}}\n{\"a\":1}\n{\"b\":1}\n",
    ] {
        assert!(
            acknowledge(body.as_bytes(), true, &mut Vec::new()).is_err(),
            "{body}"
        );
    }
}
