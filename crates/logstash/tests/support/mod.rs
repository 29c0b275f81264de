//! Running the program.

#![allow(dead_code, reason = "not every test uses every helper")]

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

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
