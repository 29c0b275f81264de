//! `ingest coredms`, with programs in Docker's place that write down how they are called.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// Answers as Docker does; writes its folder and arguments to `calls` beside it. What runs is in `containers`.
const DOCKER: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$(pwd)> $*" >> "$here/calls"
case "$1" in
  version) echo 27.0.0 ;;
  ps) cat "$here/containers" ;;
esac
"#;

struct Machine(tempfile::TempDir);

impl Machine {
    /// With these programs, by name and text.
    fn with(programs: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for (name, text) in programs {
            fs::write(bin.join(name), text).unwrap();
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(bin.join("containers"), "").unwrap();
        Self(dir)
    }

    fn path(&self, of: &str) -> std::path::PathBuf {
        self.0.path().join(of)
    }

    fn ingest(&self, arguments: &[&str]) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        // without programs in Docker's place there is to be no Docker at all
        let path = match fs::read_dir(self.path("bin")).unwrap().count() {
            1 => self.path("bin").display().to_string(),
            _ => path,
        };
        Command::new(env!("CARGO_BIN_EXE_ingest"))
            .args(arguments)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.0.path())
            .env("INGEST_HOME", self.path("home"))
            .output()
            .unwrap()
    }

    /// How the programs were called, without the folder where it is not the compose file's.
    fn calls(&self) -> Vec<String> {
        let here = format!("{}> ", self.path("home/coredms-real").display());
        let calls = fs::read_to_string(self.path("bin/calls")).unwrap_or_default();
        calls
            .lines()
            .map(|call| match call.strip_prefix(&here) {
                Some(call) => format!("there: {call}"),
                None => call.split_once("> ").unwrap().1.to_owned(),
            })
            .collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn variables(file: &Path) -> std::collections::BTreeMap<String, String> {
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn without_docker_it_says_what_to_install() {
    let machine = Machine::with(&[]);
    for command in ["up", "status", "down"] {
        let done = machine.ingest(&["coredms", command]);
        assert_eq!(done.status.code(), Some(2), "{command}");
        let told = text(&done.stderr);
        assert!(told.contains("Docker is needed"), "{told}");
        assert!(told.contains("https://docs.docker.com"), "{told}");
    }
    assert!(!machine.path("home").exists());
}

#[test]
fn a_docker_that_does_not_answer_is_passed_on() {
    let docker = "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n";
    let machine = Machine::with(&[("docker", docker)]);
    let done = machine.ingest(&["coredms", "status"]);
    assert_eq!(done.status.code(), Some(2));
    let told = text(&done.stderr);
    assert!(
        told.contains("Cannot connect to the Docker daemon"),
        "{told}"
    );
}

#[test]
fn up_writes_private_files_and_starts_elasticsearch_first() {
    let machine = Machine::with(&[("docker", DOCKER)]);
    // nobody listens on port 1, and no time is given: what was done until then counts
    let port = ["--port", "1", "--wait", "0"];
    let done = machine.ingest(&[&["coredms", "up"], &port[..]].concat());
    let told = text(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("Elasticsearch is not ready"), "{told}");
    assert_eq!(
        machine.calls(),
        [
            "version --format {{.Server.Version}}",
            "compose version",
            "there: compose up --detach elasticsearch"
        ]
    );
    let folder = machine.path("home/coredms-real");
    for file in ["docker-compose.yml", ".env", "elastic.password"] {
        let mode = fs::metadata(folder.join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let before = variables(&folder.join(".env"));
    let password = fs::read_to_string(folder.join("elastic.password")).unwrap();
    assert_eq!(before["ELASTIC_PASSWORD"], password);
    assert_eq!(password.len(), 32);
    assert_eq!(before["KIBANA_ENCRYPTION_KEY"].len(), 32);
    assert_ne!(before["KIBANA_PASSWORD"], password);
    let ports = ["ELASTICSEARCH_PORT", "KIBANA_PORT"].map(|name| before[name].as_str());
    assert_eq!(ports, ["1", "5601"]);
    assert!(!told.contains(&password));

    // the data was made with these passwords
    let again = ["coredms", "up", "--kibana-port", "5602", "--wait", "0"];
    machine.ingest(&again);
    let mut expected = before.clone();
    expected.insert("KIBANA_PORT".into(), "5602".into());
    assert_eq!(variables(&folder.join(".env")), expected);
}

#[test]
fn the_old_compose_program_does_as_well() {
    let docker = DOCKER.replace("  ps)", "  compose) exit 1 ;;\n  ps)");
    let machine = Machine::with(&[("docker", &docker), ("docker-compose", DOCKER)]);
    machine.ingest(&["coredms", "up", "--port", "1", "--wait", "0"]);
    let last = machine.calls().pop().unwrap();
    assert_eq!(last, "there: up --detach elasticsearch");
}

#[test]
fn status_shows_the_containers_and_whether_all_is_well() {
    let machine = Machine::with(&[("docker", DOCKER)]);
    let nothing = machine.ingest(&["coredms", "status"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing.stdout).contains("ingest coredms up"));

    let line = |service: &str, status: &str| {
        format!("{service}\t{status}\timage:8.19.8\t127.0.0.1:1->1/tcp\n")
    };
    let well = "Up 2 minutes (healthy)";
    let both = line("kibana", well) + &line("elasticsearch", well);
    fs::write(machine.path("bin/containers"), both).unwrap();
    let done = machine.ingest(&["coredms", "status"]);
    assert_eq!(done.status.code(), Some(0));
    let shown = text(&done.stdout);
    let rows: Vec<_> = shown
        .lines()
        .map(|row| row.split("  ").next().unwrap())
        .collect();
    assert_eq!(rows, ["SERVICE", "elasticsearch", "kibana"]);

    let ill = line("kibana", "Up 2 minutes (unhealthy)") + &line("elasticsearch", well);
    fs::write(machine.path("bin/containers"), ill).unwrap();
    let done = machine.ingest(&["coredms", "status", "-o", "json"]);
    assert_eq!(done.status.code(), Some(1));
    let shown: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(shown[1]["status"], "Up 2 minutes (unhealthy)");
}

#[test]
fn down_keeps_the_data_unless_told_twice() {
    let machine = Machine::with(&[("docker", DOCKER)]);
    let nothing = machine.ingest(&["coredms", "down"]);
    assert!(text(&nothing.stderr).contains("nothing was started from"));
    machine.ingest(&["coredms", "up", "--port", "1", "--wait", "0"]);

    assert!(machine.ingest(&["coredms", "down"]).status.success());
    assert_eq!(machine.calls().pop().unwrap(), "there: compose down");
    let before = machine.calls().len();
    let unsure = machine.ingest(&["coredms", "down", "--volumes"]);
    assert_eq!(unsure.status.code(), Some(2));
    assert!(text(&unsure.stderr).contains("--yes"));
    assert!(
        machine.calls()[before..]
            .iter()
            .all(|call| !call.contains("down"))
    );
    let sure = machine.ingest(&["coredms", "down", "--volumes", "--yes"]);
    assert!(sure.status.success());
    assert_eq!(
        machine.calls().pop().unwrap(),
        "there: compose down --volumes"
    );
}
