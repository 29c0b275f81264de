//! Putting files away after a run. Which place a file gets is decided first ([`places`], pure), then the originals are
//! moved, then the copies are removed; every step may be done again.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io;

use domain::error::Failure;
use domain::file::{FileRecord, FileState};
use domain::ids::{JobRef, RunId};
use domain::ports::RunContext;
use domain::run::Outcome;

use super::manifest::{self, Claimed, Origin};
use crate::failure::disk;
use crate::folder::Folder;
use crate::staging::{DONE, QUARANTINE, job_folder, marker_of};

/// Where a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Nothing is left to do with it.
    Done,
    /// It could not be read to its end.
    Quarantine,
}

/// Where the files of a run go, by their index; those without a place stay where they are, for the next run. None if
/// nothing may be touched: the sums differ.
///
/// In a run that failed or was called off, a file is done only if it was read to its end, is proven, and lost nothing: one
/// with rejects may be why the run failed, and comes again after the spec is mended; what arrived of it is then found
/// to be duplicates.
pub fn places(files: &[FileRecord], outcome: &Outcome) -> Option<HashMap<u32, Place>> {
    let ended_well = match outcome {
        Outcome::Suspect { .. } => return None,
        Outcome::Completed | Outcome::CompletedWithRejects => true,
        Outcome::Failed { .. } | Outcome::Cancelled => false,
    };
    let place = |file: &FileRecord| match &file.state {
        FileState::Quarantined { .. } => Some(Place::Quarantine),
        FileState::Read if ended_well || (file.proven() && file.ledger.rejected == 0) => {
            Some(Place::Done)
        }
        FileState::Skipped { .. } => Some(Place::Done),
        FileState::Read | FileState::Claimed => None,
    };
    Some(
        files
            .iter()
            .filter_map(|file| Some((file.file.index, place(file)?)))
            .collect(),
    )
}

/// Moves the originals to their places, and removes the copies.
pub fn settle(
    root: &Folder,
    context: &RunContext,
    places: &HashMap<u32, Place>,
) -> Result<(), Failure> {
    put_all_away(root, context, places).map_err(|e| disk("putting files away", &e))?;
    match std::fs::remove_dir_all(context.folder.claimed()) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(disk("removing the claimed copies", &e))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn put_all_away(
    root: &Folder,
    context: &RunContext,
    places: &HashMap<u32, Place>,
) -> io::Result<()> {
    let Some(lines) = manifest::read(&context.folder.manifest())? else {
        return Ok(());
    };
    let Some(staging) = job_folder(root, &context.run.job_ref())? else {
        return Ok(());
    };
    let mut opened = HashMap::new();
    for staged in staged_files(lines, places)? {
        let Some(place) = staged.place else {
            continue;
        };
        let folder = match opened.entry(place) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(entry) => entry.insert(open(&staging, place, context)?),
        };
        put_away(
            &staging,
            &staged,
            folder,
            context.spec.start.marker_suffix(),
        )?;
    }
    // the names must be durable in their new folder before they are gone from the old one
    opened.values().try_for_each(Folder::sync)?;
    staging.sync()
}

/// A file in the staging directory, and where it goes.
struct Staged {
    name: String,
    origin: Origin,
    place: Option<Place>,
    delivery: Option<String>,
}

/// The staged files of a manifest. An archive's members follow each other, and it goes where the last of them may go: it
/// stays if one stays, and is quarantined if one is. A client's manifest stays if anything stays that it lists.
fn staged_files(
    lines: impl Iterator<Item = io::Result<Claimed>>,
    places: &HashMap<u32, Place>,
) -> io::Result<Vec<Staged>> {
    let mut staged: Vec<Staged> = Vec::new();
    for line in lines {
        let Claimed {
            file,
            origin,
            delivery,
        } = line?;
        let place = places.get(&file.index).copied();
        match staged.last_mut() {
            Some(last) if last.name == file.staged_name() => {
                last.place = last.place.zip(place).map(|(a, b)| a.max(b));
            }
            _ => staged.push(Staged {
                name: file.staged_name().to_owned(),
                origin,
                place,
                delivery,
            }),
        }
    }
    let stay = |file: &&Staged| file.place.is_none();
    let held: HashSet<String> = staged
        .iter()
        .filter(stay)
        .filter_map(|file| file.delivery.clone())
        .collect();
    for file in staged.iter_mut().filter(|file| held.contains(&file.name)) {
        file.place = None;
    }
    Ok(staged)
}

/// Removes what was put away after a run.
pub fn expire(root: &Folder, job: &JobRef, run: &RunId) -> Result<(), Failure> {
    let expire = || {
        let Some(staging) = job_folder(root, job)? else {
            return Ok(());
        };
        for name in [DONE, QUARANTINE] {
            let Some(place) = staging.child(name)? else {
                continue;
            };
            if let Some(folder) = place.child(run.as_str())? {
                folder.clear()?;
                place.remove_child(run.as_str())?;
            }
        }
        Ok(())
    };
    expire().map_err(|e| disk("removing files that were put away", &e))
}

fn open(staging: &Folder, place: Place, context: &RunContext) -> io::Result<Folder> {
    let name = match place {
        Place::Done => DONE,
        Place::Quarantine => QUARANTINE,
    };
    let parent = staging.make_child(name)?;
    let folder = parent.make_child(context.run.id.as_str())?;
    parent.sync()?;
    Ok(folder)
}

/// Moves one original, if it is still what was claimed; else the client has put something new there, for the next run.
fn put_away(
    staging: &Folder,
    claimed: &Staged,
    place: &Folder,
    marker_suffix: Option<&str>,
) -> io::Result<()> {
    let name = claimed.name.as_str();
    if staging
        .stamp(name)?
        .is_some_and(|now| claimed.origin.is(&now))
    {
        // the marker first: left behind, it would vouch for the next file of this name
        if let Some(suffix) = marker_suffix {
            let marker = marker_of(name, suffix);
            if staging.stamp(&marker)?.is_some_and(|stamp| stamp.is_file()) {
                staging.move_file(&marker, place)?;
            }
        }
        staging.move_file(name, place)?;
    }
    // somebody may have put another file there between the look and the move
    let moved = place.stamp(name)?;
    if moved.is_some_and(|moved| !claimed.origin.is(&moved))
        && !place.publish(name, staging, name)?
    {
        tracing::warn!(
            name,
            "a file that replaced a claimed one was itself replaced; the older one lies with the finished ones"
        );
    }
    Ok(())
}
