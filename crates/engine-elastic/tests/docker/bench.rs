//! A run's plan on the real Docker, with an image whose Filebeat and Logstash are shell scripts of the test's.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bollard::query_parameters::CreateImageOptions;
use domain::ids::RunId;
use domain::worker::{RunFolder, WorkOrder};
use engine_elastic::docker::{Docker, Patience};
use engine_elastic::plan::{Egress, Files, Plan, Settings};
use futures::TryStreamExt;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// How long to wait for what will come.
pub const LONG: Duration = Duration::from_secs(60);
/// A program that runs until it is told to end.
pub const FOREVER: &str = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done";
/// A variable whose value means something to everything that it goes through.
pub const NASTY: &str = "$a ${b} $$ \"c\" 'd' # e: \\f\n  g: [h]\n";

const IMAGE: &str = "ingest-test/shell";
const TAG: &str = "1";

/// One run.
pub struct Bench {
    pub docker: Docker,
    pub host: String,
    pub platform: String,
    pub run: RunId,
    pub plan: Plan,
    home: Arc<TempDir>,
}

impl Bench {
    /// A run of an installation of its own; none if the suite is switched off.
    pub async fn new(run: &str) -> Option<Self> {
        let host = testkit::services::docker_host()?;
        static IMAGE_MADE: OnceCell<()> = OnceCell::const_new();
        IMAGE_MADE.get_or_init(|| make_image(&host)).await;
        let docker = Docker::connect(Some(&host), Patience::default())
            .await
            .unwrap();
        docker
            .ensure_image(&format!("{IMAGE}:{TAG}"), |_| {})
            .await
            .unwrap();
        let home = Arc::new(tempfile::tempdir().unwrap());
        // the containers' user is not ours
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let platform = format!("test-{run}");
        let bench = Self::build(docker, host, home, run, &platform);
        bench.docker.remove(&bench.run).await.unwrap();
        Some(bench)
    }

    /// Another run on the same Docker.
    pub fn another(&self, run: &str, platform: &str) -> Self {
        Self::build(
            self.docker.clone(),
            self.host.clone(),
            self.home.clone(),
            run,
            platform,
        )
    }

    fn build(docker: Docker, host: String, home: Arc<TempDir>, run: &str, platform: &str) -> Self {
        let folder = home.path().join(run);
        for name in ["frames", "outcomes", "dead_letters"] {
            fs::create_dir_all(folder.join(name)).unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o777)).unwrap();
        }
        let secret = home.path().join("secret");
        fs::write(&secret, "s3cret\n").unwrap();
        let settings = Settings {
            platform: platform.into(),
            filebeat_image: format!("{IMAGE}:{TAG}"),
            logstash_image: format!("{IMAGE}:{TAG}"),
            uid: 1000.try_into().unwrap(),
            egress: Egress::Host,
        };
        Self {
            docker,
            host,
            platform: platform.into(),
            run: run.parse().unwrap(),
            plan: Plan::of(&order(run, &secret), &RunFolder::new(folder), &settings),
            home,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.plan.folder
    }

    /// Writes what the two run: the scripts stand where the configurations would be.
    pub fn programs(&self, filebeat: &str, logstash: &str) {
        let files = Files::of(&RunFolder::new(self.folder()));
        fs::write(files.filebeat, filebeat).unwrap();
        fs::write(files.pipeline, logstash).unwrap();
        fs::write(files.logstash, "").unwrap();
    }
}

fn order(run: &str, secret: &Path) -> WorkOrder {
    serde_json::from_value(json!({
        "client": "acme", "job": "flights", "run": run, "revision": 1, "spec_digest": "d1", "clock_ms": 0,
        "spec": { "mode": "batch", "format": { "type": "csv" }, "destination": { "index": "flights" } },
        "dms": { "url": "http://dms:9200", "api_key_file": secret },
        "memory": "256MiB", "cpu_millis": 1000, "orphan_after": "1m",
        "provisions": { "resources": null, "variables": { "NASTY": NASTY } },
    }))
    .unwrap()
}

/// Builds the image out of busybox: a root file system that is imported as it is.
async fn make_image(host: &str) {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    for folder in [
        "bin",
        "etc",
        "tmp",
        "usr/share/filebeat/data",
        "usr/share/logstash/bin",
        "usr/share/logstash/data",
    ] {
        fs::create_dir_all(path(folder)).unwrap();
    }
    fs::set_permissions(path("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::copy("/bin/busybox", path("bin/busybox"))
        .expect("busybox is missing: tests/deps.sh docker installs it");
    for applet in [
        "sh", "cat", "sleep", "touch", "id", "grep", "tail", "base64", "ls", "nslookup",
    ] {
        symlink("busybox", path("bin").join(applet)).unwrap();
    }
    script(
        &path("usr/share/filebeat/filebeat"),
        "exec sh /ingest/filebeat.yml",
    );
    script(
        &path("usr/share/logstash/bin/logstash"),
        "exec sh /ingest/pipeline.conf",
    );
    let tar = Command::new("tar")
        .args([
            "--owner=1000",
            "--group=0",
            "--numeric-owner",
            "-cf",
            "-",
            "-C",
        ])
        .arg(root.path())
        .arg(".")
        .output()
        .unwrap();
    assert!(tar.status.success(), "{tar:?}");
    let options = CreateImageOptions {
        from_src: Some("-".into()),
        repo: Some(IMAGE.into()),
        tag: Some(TAG.into()),
        ..Default::default()
    };
    raw(host)
        .create_image(
            Some(options),
            Some(bollard::body_full(tar.stdout.into())),
            None,
        )
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
}

/// Docker's own answers, for what the crate has no need of.
pub fn raw(host: &str) -> bollard::Docker {
    let oldest = bollard::ClientVersion {
        major_version: 1,
        minor_version: 41,
    };
    match host.starts_with("unix://") {
        true => bollard::Docker::connect_with_unix(host, 60, &oldest),
        false => bollard::Docker::connect_with_http(host, 60, &oldest),
    }
    .unwrap()
}

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
