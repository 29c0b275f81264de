//! Claiming: the files that a run is about are copied into its folder, and listed in its manifest.
//!
//! # Two staged files of one content
//!
//! Under `identity: content` they have one file key (rule 3), so their records have the same ids. In one run, the second
//! file's records would be refused as duplicates of the first's, but the core DMS counts by run and file key (rule 9),
//! and would count the first's documents for both: the proof of the second could never close. And after a resume,
//! rule 10 would take the first's documents for the second's, as run, file and position are the same.
//! So a run takes one of them, the first by name, and the others stay where they are for the next run: there each of
//! their records is a duplicate of an earlier run, which rules 8 to 10 account for as they stand.
//! Under `identity: name+content` the keys differ, and all of them are taken.

use std::collections::HashMap;
use std::io;

use domain::error::{Culprit, Failure};
use domain::file::ManifestFile;
use domain::ids::FileKey;
use domain::plan::Plan;
use domain::ports::RunContext;
use domain::spec::Identity;
use domain::staging::StagedState;

use super::copy::{Copied, Copier, Outcome};
use super::manifest::{self, Claimed, Origin, Writer};
use crate::failure::disk;
use crate::folder::Folder;
use crate::staging::{Found, job_folder, survey, unclaimed};

/// Up to so many copies are made durable one by one; beyond, the whole disk at once is faster.
const SYNCED_SINGLY: usize = 32;
/// How many of the files left out a failure names.
const NAMED: usize = 5;

/// Takes the manifest of a run: the one that is there, or a new one.
pub fn claim(
    root: &Folder,
    context: &RunContext,
    plan: &Plan,
) -> Result<Vec<ManifestFile>, Failure> {
    let failed = |e: io::Error| disk("claiming files", &e);
    if let Some(lines) = manifest::read(&context.folder.manifest()).map_err(failed)? {
        return lines
            .map(|line| line.map(|claimed| claimed.file))
            .collect::<Result<_, _>>()
            .map_err(failed);
    }
    let (taken, left) = take(root, context, plan).map_err(failed)?;
    if taken.is_empty() {
        Err(nothing(&left))
    } else {
        Ok(taken)
    }
}

/// Takes a new manifest of everything that is there.
pub fn claim_all(
    root: &Folder,
    context: &RunContext,
    plan: &Plan,
) -> Result<Vec<ManifestFile>, Failure> {
    let (taken, left) = take(root, context, plan).map_err(|e| disk("claiming files", &e))?;
    if taken.is_empty() || !left.is_empty() {
        return Err(nothing(&left));
    }
    Ok(taken)
}

/// Copies what is ready, in the order of names. Gives what was taken, and why the rest was not.
fn take(
    root: &Folder,
    context: &RunContext,
    plan: &Plan,
) -> io::Result<(Vec<ManifestFile>, Vec<Found>)> {
    let job = context.run.job_ref();
    let found = survey(root, &job, &context.spec, plan)?;
    let Some(staging) = job_folder(root, &job)? else {
        return Ok((Vec::new(), found));
    };
    let claimed = empty_folder(context)?;
    let mut writer = Writer::new(context.folder.manifest())?;
    let (mut taken, mut left, mut by_key) =
        (Vec::new(), Vec::new(), HashMap::<FileKey, String>::new());
    let mut copier = Copier::new();
    for mut file in found {
        if file.state == StagedState::Ready {
            let copy_name = format!("{:010}", taken.len());
            match copier.copy(&staging, &file.name, &claimed, &copy_name)? {
                Outcome::Copied(copied) => {
                    let entry = entry(context, &file.name, taken.len(), copy_name, &copied)?;
                    if let Some(first) = by_key.get(&entry.file_key) {
                        claimed.remove_file(&entry.claimed_as)?;
                        file.state = unclaimed(
                            "same_content",
                            format!(
                                "this run takes the same content as {first:?}: it is left for the next run"
                            ),
                        );
                    } else {
                        by_key.insert(entry.file_key.clone(), file.name);
                        writer.add(&Claimed {
                            file: entry.clone(),
                            origin: Origin::new(&copied.stamp),
                        })?;
                        taken.push(entry);
                        continue;
                    }
                }
                Outcome::Gone => continue,
                Outcome::Changing => {
                    file.state = unclaimed(
                        "changing",
                        "it was written to while it was copied: it is left for the next run",
                    )
                }
                Outcome::Unreadable(e) => {
                    file.state =
                        unclaimed("unreadable", format!("the platform may not read it: {e}"))
                }
            }
        }
        left.push(file);
    }
    report(&job.to_string(), &left);
    if !taken.is_empty() {
        make_durable(&claimed, &taken)?;
        writer.finish()?;
    }
    Ok((taken, left))
}

/// The folder for the copies, with nothing in it of an attempt that a crash cut off.
pub(super) fn empty_folder(context: &RunContext) -> io::Result<Folder> {
    std::fs::create_dir_all(context.folder.claimed())?;
    let folder = Folder::open(&context.folder.claimed())?;
    folder.clear()?;
    Ok(folder)
}

fn entry(
    context: &RunContext,
    name: &str,
    index: usize,
    claimed_as: String,
    copied: &Copied,
) -> io::Result<ManifestFile> {
    let (client, job) = (&context.run.client, &context.run.job);
    let identity_name = match context.spec.source.identity {
        Identity::Content => None,
        Identity::NameAndContent => Some(name),
    };
    Ok(ManifestFile {
        index: u32::try_from(index).map_err(io::Error::other)?,
        name: name.to_owned(),
        bytes: copied.stamp.bytes,
        sha256: copied.sha256.clone(),
        compression: copied.compression,
        file_key: FileKey::derive(client, job, &copied.sha256, identity_name),
        claimed_as,
    })
}

/// The manifest promises that the copies are there, so they must be durable before it is.
pub(super) fn make_durable(claimed: &Folder, taken: &[ManifestFile]) -> io::Result<()> {
    if taken.len() > SYNCED_SINGLY {
        return claimed.sync_disk();
    }
    for file in taken {
        if let Some((copy, _)) = claimed.open_file(&file.claimed_as)? {
            copy.sync_all()?;
        }
    }
    claimed.sync()
}

fn report(job: &str, left: &[Found]) {
    for file in left {
        if let StagedState::Unclaimed { code, .. } = &file.state {
            tracing::debug!(job, file = file.name, code, "a staged file is left");
        }
    }
}

/// The failure of a run for which there is nothing to do.
fn nothing(left: &[Found]) -> Failure {
    let why = |file: &Found| match &file.state {
        StagedState::Unclaimed { reason, .. } => Some(format!("{:?}: {reason}", file.name)),
        StagedState::Ready => None,
    };
    let mut message = String::from("there is no file to ingest in the staging directory");
    if !left.is_empty() {
        let first: Vec<String> = left.iter().filter_map(why).take(NAMED).collect();
        let more = left.len().saturating_sub(NAMED);
        message.push_str(&format!("; {} left out: {}", left.len(), first.join("; ")));
        if more > 0 {
            message.push_str(&format!("; and {more} more"));
        }
    }
    let next_step =
        "put files into the staging directory, or mend what the reasons say, and start again";
    Failure::permanent("nothing_to_ingest", Culprit::Client, message, next_step)
}
