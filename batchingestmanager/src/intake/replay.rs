//! The claim of a replay: the files that were put away after an earlier run, and the list of those of their records that it
//! rejected.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use domain::error::{Culprit, Failure};
use domain::file::{ManifestFile, Terms};
use domain::ids::RunId;
use domain::ports::RunContext;
use domain::replay::Slice;
use domain::worker::RunFolder;
use serde::Deserialize;

use super::claim::{empty_folder, make_durable};
use super::copy::{Copier, Outcome};
use super::manifest::{self, Claimed, Origin, Writer};
use crate::failure::disk;
use crate::folder::Folder;
use crate::staging::{DONE, QUARANTINE, job_folder};

/// A worker logs rejects in the order of reading but for those of one batch; no batch holds more records.
const OUT_OF_ORDER: usize = 2 << 20;

/// As much of a reject as its place needs.
#[derive(Deserialize)]
struct Place {
    file_index: u32,
    position: u64,
    line: u64,
    raw_bytes: u64,
}

/// Takes the manifest of a replay: the one that is there, or a new one. `put_away_after` are the runs among whose files
/// the originals may be; the first one is that whose rejects are replayed.
pub fn claim(
    root: &Folder,
    context: &RunContext,
    put_away_after: &[RunId],
) -> Result<Vec<ManifestFile>, Failure> {
    let failed = |e: io::Error| disk("claiming files for a replay", &e);
    if let Some(lines) = manifest::read(&context.folder.manifest()).map_err(failed)? {
        let known = lines.map(|line| line.map(|claimed| claimed.file));
        return known.collect::<Result<_, _>>().map_err(failed);
    }
    let original = original_folder(context, put_away_after);
    let list = |folder: &RunFolder| list_slices(folder, &context.folder);
    let indices = match original.as_ref().map(list).transpose().map_err(failed)? {
        Some(indices) if !indices.is_empty() => indices,
        Some(_) | None => return Err(nothing()),
    };
    let originals = original
        .map_or(Ok(Vec::new()), |folder| files_of(&folder, &indices))
        .map_err(failed)?;
    take(root, context, put_away_after, originals)
}

/// Run folders stand side by side.
fn original_folder(context: &RunContext, put_away_after: &[RunId]) -> Option<RunFolder> {
    let runs = context.folder.path().parent()?;
    Some(RunFolder::new(runs.join(put_away_after.first()?.as_str())))
}

/// The files of a manifest with these places in it, which are in its order.
fn files_of(folder: &RunFolder, indices: &[u32]) -> io::Result<Vec<ManifestFile>> {
    let Some(lines) = manifest::read(&folder.manifest())? else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for claimed in lines {
        let file = claimed?.file;
        if indices.binary_search(&file.index).is_ok() {
            files.push(file);
        }
    }
    Ok(files)
}

/// Writes the list of the rejected records, each once, under the new places of their files; gives the old ones, in order.
fn list_slices(original: &RunFolder, replay: &RunFolder) -> io::Result<Vec<u32>> {
    let log = match File::open(original.rejects()) {
        Ok(log) => log,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let temporary = replay.replay().with_extension("incomplete");
    let mut list = List {
        out: BufWriter::new(File::create(&temporary)?),
        indices: Vec::new(),
        end: 0,
    };
    let mut waiting = BinaryHeap::new();
    let (mut log, mut line) = (BufReader::new(log), Vec::new());
    while log.read_until(b'\n', &mut line)? > 0 {
        let place: Place = serde_json::from_slice(&line)?;
        waiting.push(Reverse(Slice {
            file_index: place.file_index,
            position: place.position,
            bytes: place.raw_bytes,
            line: place.line,
        }));
        if waiting.len() > OUT_OF_ORDER
            && let Some(Reverse(first)) = waiting.pop()
        {
            list.add(first)?;
        }
        line.clear();
    }
    while let Some(Reverse(first)) = waiting.pop() {
        list.add(first)?;
    }
    let out = list
        .out
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    out.sync_all()?;
    std::fs::rename(temporary, replay.replay())?;
    sync(replay.path())?;
    Ok(list.indices)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

struct List {
    out: BufWriter<File>,
    /// Of the files so far, their old places.
    indices: Vec<u32>,
    /// Where the newest slice ends.
    end: u64,
}

impl List {
    /// Several documents of one record are rejected one by one, and it is still one record.
    fn add(&mut self, slice: Slice) -> io::Result<()> {
        match self.indices.last() {
            Some(&last) if last == slice.file_index && slice.position < self.end => return Ok(()),
            Some(&last) if last > slice.file_index => {
                return Err(io::Error::other(
                    "the reject log is not in the order of reading",
                ));
            }
            Some(&last) if last == slice.file_index => {}
            Some(_) | None => self.indices.push(slice.file_index),
        }
        self.end = slice.position + slice.bytes;
        let file_index = u32::try_from(self.indices.len() - 1).map_err(io::Error::other)?;
        serde_json::to_writer(
            &mut self.out,
            &Slice {
                file_index,
                ..slice
            },
        )?;
        self.out.write_all(b"\n")
    }
}

fn take(
    root: &Folder,
    context: &RunContext,
    put_away_after: &[RunId],
    originals: Vec<ManifestFile>,
) -> Result<Vec<ManifestFile>, Failure> {
    let failed = |e: io::Error| disk("claiming files for a replay", &e);
    let job = context.run.job_ref();
    let staging = job_folder(root, &job).map_err(failed)?;
    let places = places(staging.as_ref(), put_away_after).map_err(failed)?;
    let claimed = empty_folder(context).map_err(failed)?;
    let mut writer = Writer::new(context.folder.manifest()).map_err(failed)?;
    let (mut taken, mut copier) = (Vec::new(), Copier::new());
    for original in originals {
        if original.staged_name() != original.name {
            return Err(member(&original));
        }
        let claimed_as = format!("{:010}", taken.len());
        let origin = copy(&mut copier, &places, &original, &claimed, &claimed_as)
            .map_err(failed)?
            .ok_or_else(|| gone(&original.name))?;
        let file = ManifestFile {
            index: u32::try_from(taken.len()).unwrap_or(u32::MAX),
            claimed_as,
            terms: Terms {
                // only some of them are read
                records: None,
                ..original.terms
            },
            ..original
        };
        let entry = Claimed {
            file,
            origin,
            delivery: None,
        };
        writer.add(&entry).map_err(failed)?;
        taken.push(entry.file);
    }
    if taken.is_empty() {
        return Err(nothing());
    }
    make_durable(&claimed, &taken).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(taken)
}

/// The folders that files were put away to after these runs.
fn places(staging: Option<&Folder>, runs: &[RunId]) -> io::Result<Vec<Folder>> {
    let mut places = Vec::new();
    for name in [DONE, QUARANTINE] {
        let Some(parent) = staging.map(|s| s.child(name)).transpose()?.flatten() else {
            continue;
        };
        for run in runs {
            places.extend(parent.child(run.as_str())?);
        }
    }
    Ok(places)
}

/// Copies a file from the first place that has it, with the content that it had; none if no place has.
fn copy(
    copier: &mut Copier,
    places: &[Folder],
    original: &ManifestFile,
    claimed: &Folder,
    claimed_as: &str,
) -> io::Result<Option<Origin>> {
    for place in places {
        match copier.copy(place, &original.name, claimed, claimed_as)? {
            Outcome::Copied(copied) if copied.sha256 == original.sha256 => {
                return Ok(Some(Origin::new(&copied.stamp)));
            }
            Outcome::Copied(_) => {
                claimed.remove_file(claimed_as)?;
            }
            Outcome::Gone | Outcome::Changing | Outcome::Unreadable(_) => {}
        }
    }
    Ok(None)
}

fn nothing() -> Failure {
    Failure::permanent(
        "nothing_to_replay",
        Culprit::Client,
        "the run that is to be replayed has rejected nothing, or its reject log is not there any more",
        "deliver the records again, in a file of their own",
    )
}

fn member(file: &ManifestFile) -> Failure {
    Failure::permanent(
        "replay_of_archive",
        Culprit::Client,
        format!(
            "{:?} is a member of the archive {:?}: members are not replayed",
            file.name,
            file.staged_name()
        ),
        "undo the run with its files brought back, and start the job again: all of the archive is ingested by the mended spec",
    )
}

fn gone(name: &str) -> Failure {
    Failure::permanent(
        "replay_file_gone",
        Culprit::Client,
        format!(
            "the file {name:?}, as it was ingested, is not among those that were put away after its run"
        ),
        "it was removed, changed, or brought back to the staging directory: deliver it again and start a run; what arrived is not sent twice",
    )
}
