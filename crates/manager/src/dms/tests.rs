//! The embedded core DMS as a real process: started, found again, revived, ended.

use std::path::Path;
use std::time::Duration;

use domain::monitor::DmsHealth;
use domain::ports::CoreDms;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::{binary, wait_until};
use tokio_util::sync::CancellationToken;

use super::Embedded;
use super::process::Process;
use crate::home::{Home, HomePaths};
use crate::{Program, StartError};

const GRACE: Duration = Duration::from_secs(30);

async fn embedded(home: &Home) -> Result<Embedded, StartError> {
    Embedded::start(
        Program {
            path: binary("coredms"),
            args: Vec::new(),
        },
        &home.paths,
    )
    .await
}

fn home(dir: &Path) -> Home {
    Home::open(HomePaths::new(dir.join("home"))).unwrap()
}

fn pid(home: &Home) -> Option<i32> {
    match Process::find(&home.paths.coredms())? {
        Process::Adopted { pid, .. } => Some(pid),
        Process::Child(_) => None,
    }
}

#[tokio::test]
async fn a_manager_adopts_the_server_of_the_one_before_and_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let home = home(dir.path());
    let first = embedded(&home).await.unwrap();
    let (served_by, endpoint) = (pid(&home).unwrap(), first.dms().endpoint());
    // as if the manager had been killed: nobody ends the server
    drop(first);
    let second = embedded(&home).await.unwrap();
    assert_eq!(
        (pid(&home), second.dms().endpoint()),
        (Some(served_by), endpoint)
    );
    assert_eq!(second.dms().health().await, DmsHealth::Green);
    let stop = CancellationToken::new();
    stop.cancel();
    assert!(second.keep(stop, GRACE).await, "it did not end in time");
    assert_eq!(pid(&home), None);
}

#[tokio::test]
async fn a_server_that_was_killed_comes_back_at_the_same_address() {
    let dir = tempfile::tempdir().unwrap();
    let home = home(dir.path());
    let embedded = embedded(&home).await.unwrap();
    let (dms, killed) = (embedded.dms(), pid(&home).unwrap());
    let before = dms.endpoint();
    let stop = CancellationToken::new();
    let kept = tokio::spawn(embedded.keep(stop.clone(), GRACE));
    kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap();
    wait_until("another process answers", GRACE, async || {
        pid(&home).is_some_and(|now| now != killed) && dms.health().await == DmsHealth::Green
    })
    .await;
    assert_eq!(dms.endpoint(), before);
    stop.cancel();
    assert!(kept.await.unwrap());
    assert_eq!(pid(&home), None);
}

#[tokio::test]
async fn the_servers_last_words_are_passed_on_if_it_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let home = home(dir.path());
    std::fs::write(home.paths.coredms(), "a file where the directory should be").unwrap();
    let Err(error) = embedded(&home).await else {
        panic!("it has started")
    };
    assert_eq!(error.code(), "core_dms_start");
    assert!(error.to_string().contains("data directory"), "{error}");
}
