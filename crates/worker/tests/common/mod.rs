//! Run folders as a claim leaves them, and worker processes on them.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
};

use domain::{
    file::{Compression, ManifestFile},
    ids::FileKey,
    provisions::{Containers, Provisions},
    spec::{self, JobSpec},
    units::{Bytes, Span},
    worker::{DmsEndpoint, RunFolder, WorkOrder, WorkerExit},
};
use sha2::{Digest, Sha256};

/// A run of `demo/flights` with this spec, into the core DMS at `url`; two cores, and the default memory.
pub fn order(url: String, spec: JobSpec) -> WorkOrder {
    WorkOrder {
        client: "demo".parse().unwrap(),
        job: "flights".parse().unwrap(),
        run: format!("01{:024}", 1).parse().unwrap(),
        revision: 1,
        spec_digest: "00".into(),
        spec,
        clock_ms: 1_700_000_000_000,
        dms: DmsEndpoint {
            url,
            api_key_file: None,
            username: None,
            password_file: None,
            ca_file: None,
        },
        memory: Bytes::mib(512),
        cpu_millis: 2000,
        orphan_after: Span::secs(3600),
        hold: false,
        provisions: Provisions::default(),
        containers: Containers::default(),
    }
}

pub fn parse(spec: &serde_json::Value) -> JobSpec {
    spec::parse(spec).unwrap()
}

/// Writes what a worker needs into `folder`; the files are linked, their names say how they are packed.
pub fn claim(folder: &RunFolder, order: &WorkOrder, files: &[&Path]) -> Vec<ManifestFile> {
    fs::create_dir(folder.claimed()).unwrap();
    let mut manifest = File::create(folder.manifest()).unwrap();
    let mut claimed = Vec::new();
    for (index, path) in files.iter().enumerate() {
        let mut hasher = Sha256::new();
        let bytes = io::copy(&mut File::open(path).unwrap(), &mut Hash(&mut hasher)).unwrap();
        let sha256 = hex::encode(hasher.finalize());
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let file = ManifestFile {
            index: index as u32,
            name: path.file_name().unwrap().to_str().unwrap().into(),
            bytes,
            file_key: FileKey::derive(&order.client, &order.job, &sha256, None),
            sha256,
            compression: if packed {
                Compression::Gzip
            } else {
                Compression::None
            },
            claimed_as: index.to_string(),
            terms: Default::default(),
        };
        fs::hard_link(path, folder.claimed().join(&file.claimed_as)).unwrap();
        writeln!(manifest, "{}", serde_json::to_string(&file).unwrap()).unwrap();
        claimed.push(file);
    }
    fs::write(folder.token(), "a token").unwrap();
    fs::write(folder.order(), serde_json::to_vec(order).unwrap()).unwrap();
    claimed
}

struct Hash<'a>(&'a mut Sha256);

impl Write for Hash<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A worker on the folder, ready to be spawned; what it says goes to the run's log.
pub fn worker(folder: &RunFolder, attempt: u32) -> Command {
    let log = File::options()
        .append(true)
        .create(true)
        .open(folder.log())
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingestworker"));
    command
        .arg("--folder")
        .arg(folder.path())
        .args(["--attempt", &attempt.to_string()])
        .stdin(Stdio::null())
        .stderr(log);
    command
}

/// The last words of the folder's newest worker.
pub fn exit(folder: &RunFolder) -> WorkerExit {
    serde_json::from_slice(&fs::read(folder.exit()).unwrap()).unwrap()
}
