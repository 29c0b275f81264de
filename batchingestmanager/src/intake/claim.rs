//! Claiming: the files that a run is about are copied into its folder, and listed in its manifest.

use std::io;

use domain::error::{Culprit, Failure};
use domain::file::ManifestFile;
use domain::plan::Plan;
use domain::ports::RunContext;
use domain::staging::StagedState;

use super::copy::{Copied, Copier, Outcome};
use super::deliveries::{self, Index};
use super::entries::{Entries, copy_name};
use super::manifest;
use crate::failure::disk;
use crate::folder::Folder;
use crate::staging::{Digests, Found, Surveyed, job_folder, survey, unclaimed};

/// Up to so many copies are made durable one by one; beyond, the whole disk at once is faster.
const SYNCED_SINGLY: usize = 32;
/// How many of the files left out a failure names.
const NAMED: usize = 5;

/// Takes the manifest of a run: the one that is there, or a new one.
pub fn claim(
    root: &Folder,
    digests: &Digests,
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
    let (taken, left) = take(root, digests, context, plan).map_err(failed)?;
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
    let digests = Digests::default();
    let (taken, left) =
        take(root, &digests, context, plan).map_err(|e| disk("claiming files", &e))?;
    if taken.is_empty() || !left.is_empty() {
        return Err(nothing(&left));
    }
    Ok(taken)
}

/// Copies what is ready, in the order of names. Gives what was taken, and why the rest was not.
fn take(
    root: &Folder,
    digests: &Digests,
    context: &RunContext,
    plan: &Plan,
) -> io::Result<(Vec<ManifestFile>, Vec<Found>)> {
    let job = context.run.job_ref();
    let Surveyed {
        found,
        mut deliveries,
    } = survey(root, digests, &job, &context.spec, plan)?;
    let Some(staging) = job_folder(root, &job)? else {
        return Ok((Vec::new(), found));
    };
    let claimed = empty_folder(context)?;
    let (copied, mut left) = copy_all(&staging, &claimed, found)?;
    for file in &copied {
        digests.learn(&file.copied.stamp, &file.copied.sha256);
    }
    let copies = copied.len();
    let (copied, back) = deliveries::check(&claimed, &mut deliveries, copied)?;
    left.extend(back);
    let index = Index::new(&deliveries);
    let mut entries = Entries::new(context, plan, &claimed, index, copies)?;
    for file in copied {
        left.extend(entries.add(file)?);
    }
    report(&job.to_string(), &left);
    Ok((entries.finish()?, left))
}

/// A staged file with its copy.
pub struct Staged {
    /// The file.
    pub found: Found,
    /// What is known of its copy.
    pub copied: Copied,
    /// The copy's name.
    pub copy_name: String,
}

/// Copies every file that is ready. Gives the others as well, with why they are left.
fn copy_all(
    staging: &Folder,
    claimed: &Folder,
    found: Vec<Found>,
) -> io::Result<(Vec<Staged>, Vec<Found>)> {
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    let mut copier = Copier::new();
    for mut file in found {
        if file.state == StagedState::Ready {
            let copy_name = copy_name(taken.len());
            match copier.copy(staging, &file.name, claimed, &copy_name)? {
                Outcome::Copied(copied) => {
                    taken.push(Staged {
                        found: file,
                        copied,
                        copy_name,
                    });
                    continue;
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
    Ok((taken, left))
}

/// The folder for the copies, with nothing in it of an attempt that a crash cut off.
pub(super) fn empty_folder(context: &RunContext) -> io::Result<Folder> {
    std::fs::create_dir_all(context.folder.claimed())?;
    let folder = Folder::open(&context.folder.claimed())?;
    folder.clear()?;
    Ok(folder)
}

/// The manifest promises that the copies are there, so they must be durable before it is.
pub(super) fn make_durable(claimed: &Folder, taken: &[ManifestFile]) -> io::Result<()> {
    if taken.len() > SYNCED_SINGLY {
        return claimed.sync_disk();
    }
    for file in taken.iter().filter(|file| file.terms.decided.is_none()) {
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
