//! What several test files need: the real Elasticsearch's address, the embedded server as a process,
//! a server that answers once.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The address of a real Elasticsearch, from `ELASTICSEARCH_URL`; `None` when the suite is switched
/// off by `SKIP_SUITES=elasticsearch`. Fails the test when neither is set: a suite that did not run
/// must not look as if it had passed.
pub fn elasticsearch_url() -> Option<String> {
    service("ELASTICSEARCH_URL")
}

/// The same with security on (`ELASTICSEARCH_SECURED_URL`, which holds the name and password of a superuser): its address
/// without them, the name, the password.
pub fn secured_elasticsearch() -> Option<(String, String, String)> {
    let url = service("ELASTICSEARCH_SECURED_URL")?;
    let (scheme, rest) = url.split_once("://").unwrap();
    let (login, host) = rest.rsplit_once('@').expect("name and password");
    let (user, password) = login.split_once(':').expect("a password");
    Some((format!("{scheme}://{host}"), user.into(), password.into()))
}

fn service(variable: &str) -> Option<String> {
    let skipped = std::env::var("SKIP_SUITES").unwrap_or_default();
    if skipped
        .split(',')
        .any(|suite| suite.trim() == "elasticsearch")
    {
        eprintln!("skipped: SKIP_SUITES contains elasticsearch");
        return None;
    }
    Some(std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: start a real Elasticsearch and name its address there, \
             or switch this suite off with SKIP_SUITES=elasticsearch"
        )
    }))
}

/// The embedded server as a child process; killed when dropped.
pub struct Embedded {
    child: Child,
    pub data: PathBuf,
    pub url: String,
}

impl Embedded {
    /// Starts it on `data` and waits until it listens.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut child = command(data).args(arguments).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let address = loop {
            if let Ok(address) = std::fs::read_to_string(data.join("http.address")) {
                break address;
            }
            assert!(
                child.try_wait().unwrap().is_none(),
                "the server ended before it listened"
            );
            assert!(
                Instant::now() < deadline,
                "the server does not listen after 60 s"
            );
            std::thread::sleep(Duration::from_millis(2));
        };
        Self {
            child,
            data: data.into(),
            url: format!("http://{address}"),
        }
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        // Left by a crash, it would be taken for the next start's.
        std::fs::remove_file(self.data.join("http.address")).unwrap();
    }

    /// Ends it by SIGTERM; returns the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's command line, quiet.
pub fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coredms"));
    command
        .arg("--data")
        .arg(data)
        .env("RUST_LOG", "warn,tantivy=error")
        .stdout(Stdio::null());
    command
}

/// A server that reads one request and writes `answer`; returns its address.
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
