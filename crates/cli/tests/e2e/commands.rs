//! The command line as a stranger uses it, with nothing but the manager's address.

use std::{fs, process::Stdio};

use api::{Page, PutJob, Registered, RunInfo};
use domain::{reject::Reject, run::RunState};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testkit::{TempHome, binary};
use tokio::process::Command;

use crate::{
    harness::{Configuration, Options, Platform, unique},
    steering::lines,
};

/// What a command came to.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Somebody at another machine: a user folder of their own, and the manager's address.
struct Stranger<'p> {
    platform: &'p Platform,
    folder: TempHome,
}

impl Stranger<'_> {
    /// Runs `ingest` with these arguments.
    async fn says(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(binary("ingest"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", &*self.folder)
            .env("INGEST_SERVER", self.platform.url());
        command
            .args(arguments)
            .current_dir(&*self.folder)
            .stdin(Stdio::null());
        let output = command.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Runs `ingest` for people; what it wrote. It must exit with `code`.
    async fn text(&self, code: i32, arguments: &[&str]) -> String {
        let said = self.says(arguments).await;
        assert_eq!(said.code, code, "{arguments:?}: {said:#?}");
        said.out
    }

    /// Runs `ingest --output json`; what it wrote. It must exit with `code`.
    async fn json<T: DeserializeOwned>(&self, code: i32, arguments: &[&str]) -> T {
        let out = self
            .text(code, &[arguments, &["--output", "json"]].concat())
            .await;
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{arguments:?}: {e} in {out}"))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// From registering to searching, for people and for programs, with the documented exit codes.
pub async fn as_a_stranger(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let stranger = Stranger {
        platform: &platform,
        folder: TempHome::new(),
    };
    let client = format!("stranger-{}", unique());
    platform.will_have(&client);
    let job = format!("{client}/rows");
    let mut spec = lines();
    spec["format"] = json!({ "type": "csv" });
    spec["schema"] = json!({ "fields": { "kind": { "type": "keyword" } } });
    spec["error_budget"] = json!({ "max_records": 1, "max_percent": null });
    let spec = stranger.write("job.json", spec.to_string().as_bytes());

    let registered: Registered = stranger
        .json(0, &["client", "register", &client, "--name", "A stranger"])
        .await;
    assert_eq!(
        (
            registered.client.id.as_str(),
            registered.client.name.as_str()
        ),
        (client.as_str(), "A stranger")
    );
    stranger.text(3, &["client", "register", &client]).await;
    let put: PutJob = stranger.json(0, &["job", "put", &job, "-f", &spec]).await;
    let rendered = tempfile::tempdir().unwrap();
    let folder = rendered.path().to_str().unwrap();
    stranger
        .text(0, &["job", "render", &job, "--to", folder])
        .await;
    let pipeline = fs::read_to_string(rendered.path().join("pipeline.conf")).unwrap();
    assert!(pipeline.contains("[provenance][file]"), "{pipeline}");
    for name in ["filebeat.yml", "logstash.yml"] {
        assert!(rendered.path().join(name).is_file(), "{name}");
    }
    assert_eq!(put.job.summary.revision, 1);
    assert!(
        stranger
            .text(0, &["job", "list", &client])
            .await
            .contains("rows")
    );

    let header = "id,kind\n";
    let good = stranger.write("good.csv", format!("{header}1,a\n2,a\n3,b\n").as_bytes());
    let some = stranger.write("some.csv", format!("{header}4,a\n5\n").as_bytes());
    let bad = stranger.write("bad.csv", format!("{header}6\n7\n8\n9,b\n").as_bytes());

    stranger.text(0, &["stage", "put", &job, &good]).await;
    let run: RunInfo = stranger.json(0, &["run", "start", &job, "--wait"]).await;
    assert_eq!((run.state, run.ledger.created), (RunState::Completed, 3));
    let shown = stranger
        .text(0, &["run", "show", &format!("{job}/latest")])
        .await;
    for text in ["completed", "good.csv", run.id.as_str()] {
        assert!(shown.contains(text), "{text} in {shown}");
    }

    stranger.text(0, &["stage", "put", &job, &some]).await;
    let out = stranger.text(10, &["run", "start", &job, "--wait"]).await;
    assert!(
        !out.contains('\u{1b}'),
        "no colours where nobody looks: {out}"
    );
    let rejects: Page<Reject> = stranger
        .json(0, &["run", "rejects", &format!("{job}/latest")])
        .await;
    assert_eq!(
        (
            rejects.items.len(),
            rejects.items[0].code.as_str(),
            rejects.items[0].line
        ),
        (1, "csv_columns", 3)
    );
    assert!(
        stranger
            .text(0, &["run", "rejects", &format!("{job}/latest")])
            .await
            .contains("csv_columns")
    );

    stranger.text(0, &["stage", "put", &job, &bad]).await;
    let run: RunInfo = stranger.json(11, &["run", "start", &job, "--wait"]).await;
    assert_eq!(run.state, RunState::Failed);
    assert!(
        stranger
            .text(
                0,
                &["run", "report", &format!("{job}/{}", run.id), "--html"]
            )
            .await
            .starts_with("<!")
    );

    let found = stranger.text(0, &["search", &job, "--by", "kind"]).await;
    assert!(found.contains('a') && found.contains('3'), "{found}");
    let found: Value = stranger.json(0, &["search", &job, "--by", "kind"]).await;
    assert!(found.is_object(), "{found}");

    stranger
        .text(4, &["run", "show", &format!("{client}/nothing/latest")])
        .await;
    stranger.text(2, &["run", "show", "not a name"]).await;
    stranger.text(5, &["client", "list"]).await;
    let other = platform.tenant("other").await;
    stranger.text(5, &["job", "list", other.id.as_str()]).await;
    let problem = stranger
        .says(&[
            "run",
            "show",
            &format!("{client}/nothing/latest"),
            "--output",
            "json",
        ])
        .await;
    let problem: Value =
        serde_json::from_str(&problem.err).unwrap_or_else(|e| panic!("{e}: {problem:?}"));
    assert!(problem["code"].is_string(), "{problem}");
    platform.end().await;
}

/// Without a manager the command line says so, and what to do.
pub async fn without_a_manager(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let stranger = Stranger {
        platform: &platform,
        folder: TempHome::new(),
    };
    let said = stranger
        .says(&["job", "list", "acme", "--server", "http://127.0.0.1:1"])
        .await;
    assert_eq!(said.code, 6, "{said:?}");
    assert!(
        said.err.contains("http://127.0.0.1:1") && said.err.contains("ingest up"),
        "{said:?}"
    );
    platform.end().await;
}
