//! A real Filebeat in front of a pipeline that is killed: every line arrives.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests may panic, too"
)]
#![allow(
    dead_code,
    reason = "what is shared with another test is not all used here"
)]

#[path = "../../lumberjack/tests/filebeat/beat.rs"]
mod beat;
#[path = "../../lumberjack/tests/filebeat/lines.rs"]
mod lines;
mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use beat::Filebeat;
use lines::{Line, Lines};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::wait_until;

const SOON: Duration = Duration::from_secs(60);

/// The lines that were written; what a kill cut off is none.
fn written(file: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    let lines = text.lines().filter(whole);
    lines.map(|line| Line::of(line.as_bytes())).collect()
}

fn end(mut child: Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.success(), signal == Signal::SIGTERM, "{status}");
}

#[tokio::test]
async fn every_line_is_written_though_the_pipeline_is_killed() {
    let Some(program) = testkit::services::filebeat() else {
        return;
    };
    let lines = Lines::new(3, 20_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.jsonl");
    let port = support::free_port();
    let config = format!(
        r#"input {{ beats {{ host => "127.0.0.1" port => {port} }} }}
           filter {{ mutate {{ remove_field => ["agent", "event", "host"] }} }}
           output {{ file {{ path => "{}" }} }}"#,
        file.display()
    );
    let pipeline = || {
        support::start(
            folder.path(),
            &["-e", &config, "--api.enabled", "false", "-w", "2"],
        )
    };
    let mut beat = Filebeat::new(
        &program,
        lines.folder(),
        SocketAddr::from(([127, 0, 0, 1], port)),
        "",
    );
    let mut child = pipeline();
    beat.start();
    for part in [8, 3] {
        let enough = lines.len() / part;
        wait_until("some lines are written", SOON, async || {
            written(&file).len() > enough
        })
        .await;
        end(child, Signal::SIGKILL);
        let before: BTreeSet<Line> = written(&file).into_iter().collect();
        for (number, position) in beat.positions() {
            let mut unwritten = lines.of(number).filter(|line| !before.contains(line));
            let most = unwritten.next().map_or(u64::MAX, Line::position);
            assert!(
                position <= most,
                "{position} bytes of file {number} are forgotten, {most} written"
            );
        }
        child = pipeline();
    }
    wait_until("Filebeat has sent everything", SOON, async || {
        beat.positions().into_iter().eq(lines.ends())
    })
    .await;
    end(child, Signal::SIGTERM);
    let found = written(&file);
    let unique: BTreeSet<Line> = found.iter().copied().collect();
    assert!(
        unique.iter().copied().eq(lines.all()),
        "{} lines",
        unique.len()
    );
    eprintln!("{} lines were written {} times", lines.len(), found.len());
}
