//! Running the program.

#![allow(dead_code, reason = "not every test uses every helper")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Starts the program with its data in `folder`.
pub fn start(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_logstash"))
        .args(["-w", "1", "--path.data"])
        .arg(folder.join("data"))
        .args(arguments)
        .env("CASE_WORD", "from the environment")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs the program without the API on some input to its end.
pub fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = start(folder, &[arguments, &["--api.enabled", "false"]].concat());
    let mut stdin = child.stdin.take().unwrap();
    // a program that refuses its configuration does not read
    let _written = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The documents that were written, a line each.
pub fn documents(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A port that nobody listens at.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A connection to a port as soon as somebody listens there.
pub fn connect(port: u16) -> TcpStream {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks the API.
pub fn get(port: u16, path: &str) -> Option<serde_json::Value> {
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

/// The API's answer as soon as it is as wanted.
pub fn wait_for(
    port: u16,
    path: &str,
    is_wanted: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match get(port, path) {
            Some(answer) if is_wanted(&answer) => return answer,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
