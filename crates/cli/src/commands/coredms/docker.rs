//! Docker and its compose, as programs: whether they are there, and calling them.

use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde::Serialize;
use tokio::process::Command;
use tokio::time::timeout;

use super::files::{self, Place};
use crate::error::CliError;

/// How long a question may take.
const QUESTION: Duration = Duration::from_secs(30);

/// Compose, as a plugin of Docker or as a program of its own.
pub(super) struct Compose(&'static [&'static str]);

const PLUGIN: Compose = Compose(&["docker", "compose"]);
const PROGRAM: Compose = Compose(&["docker-compose"]);

impl Compose {
    /// What is there of it; says what is missing otherwise.
    pub(super) async fn find() -> Result<Self, CliError> {
        let format = "{{.Server.Version}}";
        let answer = ask(&["docker", "version", "--format", format]).await;
        let answer = answer.map_err(|error| missing("Docker", &error.to_string()))?;
        if !answer.status.success() {
            return Err(CliError::Usage {
                message: format!("Docker does not answer: {}", said(&answer)),
                next_step: "start its daemon (`systemctl start docker`), and let this user speak to it (the group \
                            docker, or DOCKER_HOST)"
                    .into(),
            });
        }
        for compose in [PLUGIN, PROGRAM] {
            let words = [compose.0, &["version"]].concat();
            if ask(&words)
                .await
                .is_ok_and(|answer| answer.status.success())
            {
                return Ok(compose);
            }
        }
        Err(missing(
            "Docker's compose",
            "neither `docker compose` nor `docker-compose` is there",
        ))
    }

    /// Has it done something in a folder; what it says goes to standard error.
    pub(super) async fn run(&self, place: &Place, arguments: &[&str]) -> Result<(), CliError> {
        let words = [self.0, arguments].concat();
        let called = words.join(" ");
        let mut command = command(&words);
        // the settings are those of .env there; compose would put this environment's before them
        for name in files::VARIABLES {
            command.env_remove(name);
        }
        command
            .current_dir(place.dir())
            .stdin(Stdio::null())
            .stdout(io::stderr());
        let status = command.status().await;
        let status = status.map_err(|error| missing("Docker's compose", &error.to_string()))?;
        if status.success() {
            return Ok(());
        }
        Err(CliError::Serve {
            code: "compose".into(),
            message: format!("`{called}` in {} failed, {status}", place.dir().display()),
        })
    }
}

/// A container of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Container {
    pub service: String,
    /// In Docker's words, for example `Up 3 minutes (healthy)`.
    pub status: String,
    pub image: String,
    pub ports: String,
}

impl Container {
    /// Whether it runs and its health check agrees.
    pub(super) fn is_healthy(&self) -> bool {
        self.status.starts_with("Up") && self.status.contains("(healthy)")
    }
}

/// The containers of a folder, also those that have ended, by service.
pub(super) async fn containers(place: &Place) -> Result<Vec<Container>, CliError> {
    let filter = format!("label=com.docker.compose.project={}", place.project());
    let format = "{{.Label \"com.docker.compose.service\"}}\t{{.Status}}\t{{.Image}}\t{{.Ports}}";
    let words = [
        "docker", "ps", "--all", "--filter", &filter, "--format", format,
    ];
    let answer = ask(&words).await;
    let answer = answer.map_err(|error| missing("Docker", &error.to_string()))?;
    if !answer.status.success() {
        return Err(CliError::Serve {
            code: "docker".into(),
            message: format!("`docker ps` failed: {}", said(&answer)),
        });
    }
    let text = String::from_utf8_lossy(&answer.stdout);
    let mut containers: Vec<Container> = text.lines().filter_map(container).collect();
    containers.sort_by(|a, b| a.service.cmp(&b.service));
    Ok(containers)
}

fn container(line: &str) -> Option<Container> {
    let mut parts = line.split('\t').map(str::to_owned);
    Some(Container {
        service: parts.next()?,
        status: parts.next()?,
        image: parts.next()?,
        ports: parts.next().unwrap_or_default(),
    })
}

async fn ask(words: &[&str]) -> io::Result<Output> {
    let mut command = command(words);
    command.stdin(Stdio::null()).kill_on_drop(true);
    timeout(QUESTION, command.output())
        .await
        .unwrap_or_else(|_| {
            let message = format!("no answer within {} s", QUESTION.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        })
}

fn command(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().unwrap_or((&"docker", &[]));
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// The last thing that a program said on standard error.
fn said(answer: &Output) -> String {
    let text = String::from_utf8_lossy(&answer.stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or("it did not say why").trim().to_owned()
}

fn missing(what: &str, why: &str) -> CliError {
    CliError::Usage {
        message: format!("{what} is needed and not usable: {why}"),
        next_step: "install Docker Engine with its compose plugin (https://docs.docker.com/engine/install/), or run \
                    Elasticsearch otherwise and name it by core_dms.url"
            .into(),
    }
}
