//! The proxy between a client and a server that says what reached it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
};

use super::{
    Fault, FaultProxy,
    faults::{every, first, none},
};
use crate::http::{Kind, Reader};

/// Answers every request with its own body, and reports each request that arrived whole.
fn echo() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (arrived, seen) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, arrived) = (stream.unwrap(), arrived.clone());
            thread::spawn(move || {
                let mut requests = Reader::new(&stream);
                while let Ok(Some(request)) = requests.next(Kind::Request, |_| Ok(())) {
                    let body = String::from_utf8(request.body().into_owned()).unwrap();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                    arrived.send(body.clone()).unwrap();
                    let _cut = (&stream).write_all((head + &body).as_bytes());
                }
            });
        }
    });
    (url, seen)
}

/// Status and body of the answer; `None` when the line was cut before its end.
fn post(line: &TcpStream, body: &str) -> Option<(u16, String)> {
    let request = format!(
        "POST /_bulk HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut writer = line;
    writer.write_all(request.as_bytes()).ok()?;
    let mut answers = Reader::new(line);
    let answer = answers
        .next(Kind::Answer { to_head: false }, |_| Ok(()))
        .ok()??;
    let status = answer.head().split(' ').nth(1)?.parse().ok()?;
    Some((status, String::from_utf8(answer.body().into_owned()).ok()?))
}

fn connect(proxy: &FaultProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).unwrap()
}

#[test]
fn requests_pass_on_one_connection_and_every_nth_is_refused() {
    let (url, seen) = echo();
    let proxy = FaultProxy::http(&url, every(3, Fault::Status(429))).unwrap();
    let line = connect(&proxy);
    let statuses = ["a", "b", "c", "d"].map(|body| post(&line, body).unwrap().0);
    assert_eq!(statuses, [200, 200, 429, 200]);
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["a", "b", "d"]);
    assert_eq!((proxy.exchanges(), proxy.faults()), (4, 1));
}

#[test]
fn a_lost_answer_s_request_was_carried_out_and_a_cut_request_s_was_not() {
    let (url, seen) = echo();
    let schedule = first([
        Fault::LOSE_ANSWER,
        Fault::CutRequest(20),
        Fault::CutAnswer(9),
    ]);
    let proxy = FaultProxy::http(&url, schedule).unwrap();
    for body in ["lost", "cut", "half"] {
        assert_eq!(post(&connect(&proxy), body), None, "{body}");
    }
    assert_eq!(post(&connect(&proxy), "fine"), Some((200, "fine".into())));
    assert_eq!(
        seen.try_iter().collect::<Vec<_>>(),
        ["lost", "half", "fine"]
    );
}

#[test]
fn a_server_that_is_down_cuts_what_was_open_and_comes_back() {
    let (url, _seen) = echo();
    let proxy = FaultProxy::http(&url, none()).unwrap();
    let line = connect(&proxy);
    assert!(post(&line, "before").is_some());
    proxy.set_down(true);
    assert_eq!(post(&line, "open"), None);
    assert_eq!(post(&connect(&proxy), "new"), None);
    proxy.set_down(false);
    assert!(post(&connect(&proxy), "after").is_some());
}

#[test]
fn other_protocols_are_cut_by_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    let (arrived, seen) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let _cut = stream.write_all(line.as_bytes());
            arrived.send(line).unwrap();
        }
    });
    let schedule = first([
        Fault::CutAnswer(3),
        Fault::Status(503),
        Fault::CutRequest(2),
    ]);
    let proxy = FaultProxy::tcp(&upstream, schedule).unwrap();
    let say = |text: &str| {
        let mut line = connect(&proxy);
        let mut answer = Vec::new();
        let _cut = line.write_all(text.as_bytes());
        let _reset = line.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    };
    let answers = ["hello\n", "hello\n", "hello\n", "hello\n"].map(say);
    assert_eq!(answers, ["hel", "", "", "hello\n"]);
    let lines = seen.iter().take(3).collect::<Vec<_>>();
    assert_eq!(lines, ["hello\n", "he", "hello\n"]);
}

#[test]
fn only_servers_on_this_machine_are_put_behind_a_proxy() {
    for upstream in ["10.0.0.1:9200", "http://example.org", "127.0.0.1"] {
        assert!(FaultProxy::http(upstream, none()).is_err(), "{upstream}");
    }
    assert!(FaultProxy::http("http://localhost:9200/", none()).is_ok());
}
