//! The manifest of a run, `manifest.ndjson`: one line a file. It appears whole, as the last act of a claim, or not at
//! all.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use domain::file::ManifestFile;
use serde::{Deserialize, Serialize};

use crate::folder::Stamp;

/// A line of the manifest: what everybody reads ([`ManifestFile`]), and what the intake needs to know the original again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Claimed {
    /// The file.
    #[serde(flatten)]
    pub file: ManifestFile,
    /// What it was copied from.
    pub origin: Origin,
    /// The client's manifest that lists it, or that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
}

/// A file in the staging directory, as it was when it was copied.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Origin {
    device: u64,
    inode: u64,
    bytes: u64,
    modified_ns: i64,
}

impl Origin {
    /// Of a stamp.
    pub fn new(stamp: &Stamp) -> Self {
        Self {
            device: stamp.device,
            inode: stamp.inode,
            bytes: stamp.bytes,
            modified_ns: stamp.modified_ns,
        }
    }

    /// Whether a file is still the one that was copied, unchanged.
    pub fn is(&self, stamp: &Stamp) -> bool {
        let Self {
            device,
            inode,
            bytes,
            modified_ns,
        } = *self;
        let now = (stamp.device, stamp.inode, stamp.bytes, stamp.modified_ns);
        stamp.is_file() && (device, inode, bytes, modified_ns) == now
    }
}

/// A manifest on its way.
pub struct Writer {
    lines: BufWriter<File>,
    temporary: PathBuf,
    path: PathBuf,
}

impl Writer {
    /// Begins the manifest that is to be at `path`, over what an earlier attempt has left.
    pub fn new(path: PathBuf) -> io::Result<Self> {
        let temporary = path.with_extension("incomplete");
        Ok(Self {
            lines: BufWriter::new(File::create(&temporary)?),
            temporary,
            path,
        })
    }

    /// One more file.
    pub fn add(&mut self, claimed: &Claimed) -> io::Result<()> {
        serde_json::to_writer(&mut self.lines, claimed)?;
        self.lines.write_all(b"\n")
    }

    /// The manifest is complete: makes it durable, and gives it its name.
    pub fn finish(self) -> io::Result<()> {
        self.lines
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()?;
        std::fs::rename(&self.temporary, &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// The lines of a manifest; none if there is no manifest.
pub fn read(path: &Path) -> io::Result<Option<impl Iterator<Item = io::Result<Claimed>> + use<>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let lines = BufReader::new(file).lines();
    Ok(Some(lines.map(|line| {
        serde_json::from_str(&line?).map_err(io::Error::from)
    })))
}
