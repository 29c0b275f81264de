//! The preview: a few records through the very stages of a run (reader, wrangler, encoder), and what became of each.
//!
//! It works in a folder like a run's: [`lay_out`] makes it, [`preview`] reads it. The manager has a process of its own do
//! the latter ([`crate::Launcher`]), as pipelines and files may come from anybody: memory, CPU time and time are limited, and
//! a defect ends that process only.

mod collect;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::error::Failure;
use domain::file::{Compression, ManifestFile, Terms};
use domain::ids::FileKey;
use domain::preview::{SampledFile, Take};
use domain::spec::Identity;
use domain::worker::{RunFolder, WorkOrder};
use sha2::{Digest, Sha256};

use crate::files::{read_json, unusable, write_json};
use crate::pass::Pass;
use crate::worker::{compile, manifest, order};
use collect::Collector;

/// First bytes of what is packed.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Where the content of the file of this number belongs, before a folder is laid out.
pub fn sample_path(folder: &RunFolder, number: usize) -> PathBuf {
    folder.claimed().join(format!("{number:010}"))
}

/// Makes a folder for a preview of files of these names, whose contents are at their [`sample_path`].
pub fn lay_out(
    folder: &RunFolder,
    order: &WorkOrder,
    names: &[String],
    take: Take,
) -> Result<(), Failure> {
    let mut lines = String::new();
    for (number, name) in names.iter().enumerate() {
        let path = sample_path(folder, number);
        let file = entry(order, &path, number, name).map_err(|e| unusable(&path, &e))?;
        let line = serde_json::to_string(&file).map_err(|e| unusable(&path, &e.into()))?;
        lines.push_str(&line);
        lines.push('\n');
    }
    let path = folder.manifest();
    std::fs::write(&path, lines).map_err(|e| unusable(&path, &e))?;
    write_json(&folder.order(), order)?;
    write_json(&folder.preview(), &take)
}

/// The manifest's line of a file, as a claim would write it.
fn entry(order: &WorkOrder, path: &Path, number: usize, name: &str) -> io::Result<ManifestFile> {
    let mut file = File::open(path)?;
    let (mut hash, mut first, mut bytes) = (Sha256::new(), Vec::<u8>::new(), 0);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        let part = buffer.get(..read).unwrap_or_default();
        if part.is_empty() {
            break;
        }
        first.extend(part.iter().take(ZSTD.len().saturating_sub(first.len())));
        hash.update(part);
        bytes += read as u64;
    }
    let sha256 = hex::encode(hash.finalize());
    let identity = match order.spec.source.identity {
        Identity::Content => None,
        Identity::NameAndContent => Some(name),
    };
    Ok(ManifestFile {
        index: u32::try_from(number).map_err(io::Error::other)?,
        name: name.to_owned(),
        bytes,
        compression: match first {
            first if first.starts_with(&GZIP) => Compression::Gzip,
            first if first == ZSTD => Compression::Zstd,
            _ => Compression::None,
        },
        file_key: FileKey::derive(&order.client, &order.job, &sha256, identity),
        sha256,
        claimed_as: format!("{number:010}"),
        terms: Terms::default(),
    })
}

/// What becomes of the records of a folder's files, in the manifest's order.
pub fn preview(folder: &RunFolder) -> Result<Vec<SampledFile>, Failure> {
    let order = order(folder)?;
    let path = folder.preview();
    let take: Take = read_json(&path)?
        .ok_or_else(|| unusable(&path, &io::Error::from(io::ErrorKind::NotFound)))?;
    let files = manifest(folder)?;
    let unterminated = match take.cut {
        true => unterminated(folder, &files)?,
        false => BTreeSet::new(),
    };
    let mut collector = Collector::new(files.len(), take, unterminated);
    let program = Arc::new(compile(&order)?);
    let mut pass = Pass::over(files, folder, &order, program, Arc::default());
    pass.trace(take.records);
    while !collector.is_full()
        && let Some(wrangled) = pass.next()
    {
        collector.add(&wrangled)?;
        pass.done(wrangled);
    }
    pass.failure().map_or(Ok(()), Err)?;
    collector
        .finish()
        .ok_or_else(|| crate::worker_defect("reading stopped before the end; see its log"))
}

/// The files whose last line has no end: if they are cut, it is not whole.
fn unterminated(folder: &RunFolder, files: &[ManifestFile]) -> Result<BTreeSet<usize>, Failure> {
    let last = |file: &ManifestFile| -> io::Result<Option<u8>> {
        use std::os::unix::fs::FileExt;
        let mut byte = [0];
        let Some(at) = file.bytes.checked_sub(1) else {
            return Ok(None);
        };
        File::open(folder.claimed().join(&file.claimed_as))?.read_exact_at(&mut byte, at)?;
        Ok(byte.first().copied())
    };
    let mut found = BTreeSet::new();
    for file in files {
        let last = last(file).map_err(|e| unusable(&folder.claimed(), &e))?;
        if last != Some(b'\n') {
            found.insert(file.index as usize);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
