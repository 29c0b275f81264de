//! A Filebeat that reads a folder and sends to a listener.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use testkit::TempHome;
use tokio::process::{Child, Command};

/// Filebeat with a home of its own; ends with the test.
pub struct Filebeat {
    program: PathBuf,
    home: TempHome,
    process: Option<Child>,
}

impl Filebeat {
    /// One that is not started yet; `ssl` is the settings below `output.logstash`, if any.
    pub fn new(program: &Path, folder: &Path, address: SocketAddr, ssl: &str) -> Self {
        let home = TempHome::new();
        let config = format!(
            r#"
filebeat.inputs:
  - type: filestream
    id: lines
    paths: ["{}/*.log"]
    file_identity.native: ~
    prospector.scanner: {{check_interval: 1s, fingerprint.enabled: false}}
queue.mem: {{events: 4096, flush.min_events: 512, flush.timeout: 0.2s}}
output.logstash:
  hosts: ["{address}"]
  compression_level: 3
  bulk_max_size: 512
  timeout: 2s
  backoff: {{init: 0.1s, max: 0.5s}}
{ssl}
logging: {{level: info, to_stderr: true, metrics.enabled: false}}
"#,
            folder.display()
        );
        fs::write(home.join("filebeat.yml"), config).unwrap();
        Self {
            program: program.to_owned(),
            home,
            process: None,
        }
    }

    /// Starts it, where it left off.
    pub fn start(&mut self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.home.join("log"))
            .unwrap();
        let process = Command::new(&self.program)
            .args([
                "--strict.perms=false",
                "-c",
                "filebeat.yml",
                "--path.home",
                ".",
            ])
            .current_dir(&*self.home)
            .stdin(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.process = Some(process);
    }

    /// Ends it without a warning.
    pub async fn kill(&mut self) {
        self.process.take().unwrap().kill().await.unwrap();
    }

    /// From where on it would read each file, in bytes, if it was started now: its registry.
    pub fn positions(&self) -> BTreeMap<usize, u64> {
        let log = self.home.join("data/registry/filebeat/log.json");
        let log = fs::read_to_string(log).unwrap_or_default();
        let mut positions = BTreeMap::new();
        // the last line may be half written; operations and their keys take turns, the last of a key counts
        for entry in log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        {
            let source = entry.pointer("/v/meta/source").and_then(Value::as_str);
            let offset = entry.pointer("/v/cursor/offset").and_then(Value::as_u64);
            if let (Some(source), Some(offset)) = (source, offset) {
                let file = Path::new(source).file_stem().unwrap().to_str().unwrap();
                positions.insert(file.parse().unwrap(), offset);
            }
        }
        positions
    }
}
