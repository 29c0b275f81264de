//! What lies in a job's staging directory, and whether the next run will take it.

use std::collections::HashMap;
use std::io;

use domain::ids::{ClientId, JobRef};
use domain::plan::{Plan, Refusal};
use domain::spec::{JobSpec, Source};
use domain::staging::{StagedFile, StagedState};
use globset::{Glob, GlobSet, GlobSetBuilder};
use rustix::fs::FileType;

use super::complete::{self, Completeness};
use super::delivery::{Delivery, gather};
use super::digests::Digests;
use super::name::broken_rule;
use super::{DONE, INCOMING, QUARANTINE};
use crate::folder::{Folder, Stamp};

/// Something in a job's staging directory.
#[derive(Debug)]
pub struct Found {
    /// Its name; what is not UTF-8 is shown as well as can be.
    pub name: String,
    /// What it is.
    pub stamp: Stamp,
    /// Whether the next run will take it.
    pub state: StagedState,
}

impl Found {
    /// As the API shows it.
    pub fn staged(self) -> StagedFile {
        StagedFile {
            name: self.name,
            bytes: self.stamp.bytes,
            modified_ms: self.stamp.modified_ns / 1_000_000,
            sha256: None,
            state: self.state,
        }
    }
}

/// The patterns of a spec's source.
pub struct Selector {
    include: GlobSet,
    exclude: GlobSet,
    members: GlobSet,
}

impl Selector {
    /// Of a source. A spec that was accepted holds no pattern that fails here.
    pub fn new(source: &Source) -> io::Result<Self> {
        let set = |patterns: &[String]| -> Result<GlobSet, globset::Error> {
            let mut set = GlobSetBuilder::new();
            for pattern in patterns {
                set.add(Glob::new(pattern)?);
            }
            set.build()
        };
        let wrong = |e: globset::Error| io::Error::new(io::ErrorKind::InvalidInput, e);
        Ok(Self {
            include: set(&source.include).map_err(wrong)?,
            exclude: set(&source.exclude).map_err(wrong)?,
            members: set(&source.members).map_err(wrong)?,
        })
    }

    /// Whether a member of an archive is selected, by its path in there.
    pub fn takes_member(&self, path: &str) -> bool {
        self.members.is_match(path) && !self.exclude.is_match(path)
    }

    /// Why a name is not selected, if it is not.
    fn refuse(&self, name: &str) -> Option<StagedState> {
        if !self.include.is_match(name) {
            return Some(unclaimed(
                "not_included",
                "its name matches no pattern of the spec's source.include",
            ));
        }
        self.exclude.is_match(name).then(|| {
            unclaimed(
                "excluded",
                "its name matches a pattern of the spec's source.exclude",
            )
        })
    }
}

/// A state that says why a file stays where it is.
pub fn unclaimed(code: &str, reason: impl Into<String>) -> StagedState {
    StagedState::Unclaimed {
        code: code.into(),
        reason: reason.into(),
    }
}

/// What was found in a job's staging directory.
pub struct Surveyed {
    /// Everything, by name.
    pub found: Vec<Found>,
    /// The deliveries that can be taken, as far as is known without reading their files.
    pub deliveries: Vec<Delivery>,
}

/// Looks at everything in a job's staging directory.
pub fn survey(
    root: &Folder,
    digests: &Digests,
    job: &JobRef,
    spec: &JobSpec,
    plan: &Plan,
) -> io::Result<Surveyed> {
    let selector = Selector::new(&spec.source)?;
    let staged = staged_files(root, &job.client)?;
    let refused = beyond_plan(&staged, job.job.as_str(), plan);
    let (mut found, mut deliveries) = (Vec::new(), Vec::new());
    if let Some(folder) = job_folder(root, job)? {
        for (name, stamp) in entries(&folder)? {
            let state = match (state(&name, &stamp, &selector), refused.get(&name)) {
                (StagedState::Ready, Some(refusal)) => {
                    unclaimed(&refusal.constraint, refusal.to_string())
                }
                (state, _) => state,
            };
            found.push(Found { name, stamp, state });
        }
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        // a delivery is as complete as its files
        if let Some(rule) = Completeness::of(&spec.start) {
            complete::judge(&rule, &mut found, complete::now_ns());
        }
        deliveries = gather(&folder, &mut found, spec.source.manifest, digests)?;
    }
    Ok(Surveyed { found, deliveries })
}

/// What a client's staging directories hold together: the files that wait in them, not those done or quarantined, which
/// the platform keeps for as long as the plan's retention says.
pub fn usage(root: &Folder, client: &ClientId) -> io::Result<u64> {
    Ok(staged_files(root, client)?
        .iter()
        .map(|file| file.bytes)
        .sum())
}

/// A job's staging directory, if there is one.
pub fn job_folder(root: &Folder, job: &JobRef) -> io::Result<Option<Folder>> {
    match root.child(job.client.as_str())? {
        Some(client) => client.child(job.job.as_str()),
        None => Ok(None),
    }
}

/// The state of one file by itself.
pub fn state(name: &str, stamp: &Stamp, selector: &Selector) -> StagedState {
    if let Some(kind) = kind(stamp) {
        return unclaimed(
            "not_a_file",
            format!("it is {kind}: only regular files are taken"),
        );
    }
    if name.starts_with('.') {
        return unclaimed(
            "hidden",
            "its name begins with a dot: give it another name when it is whole",
        );
    }
    if let Some(rule) = broken_rule(name) {
        return unclaimed("invalid_name", format!("its name cannot be taken: {rule}"));
    }
    if name.contains(char::REPLACEMENT_CHARACTER) {
        return unclaimed("invalid_name", "its name is not UTF-8, or holds U+FFFD");
    }
    selector.refuse(name).unwrap_or(StagedState::Ready)
}

/// What an entry is, if it is no regular file.
fn kind(stamp: &Stamp) -> Option<&'static str> {
    match stamp.kind {
        FileType::RegularFile => None,
        FileType::Directory => Some("a folder"),
        FileType::Symlink => Some("a link"),
        FileType::Fifo => Some("a pipe"),
        FileType::Socket => Some("a socket"),
        FileType::BlockDevice | FileType::CharacterDevice => Some("a device"),
        _ => Some("no regular file"),
    }
}

/// A regular file in one of a client's staging directories.
struct Staged {
    modified_ns: i64,
    job: String,
    name: String,
    bytes: u64,
}

fn staged_files(root: &Folder, client: &ClientId) -> io::Result<Vec<Staged>> {
    let mut staged = Vec::new();
    let Some(folder) = root.child(client.as_str())? else {
        return Ok(staged);
    };
    for job in folder.names()? {
        // what has no name of a job is none
        let Ok(job) = job.into_string() else { continue };
        if folder
            .stamp(&job)?
            .is_none_or(|stamp| stamp.kind != FileType::Directory)
        {
            continue;
        }
        let Some(files) = folder.child(&job)? else {
            continue;
        };
        for (name, stamp) in entries(&files)?
            .into_iter()
            .filter(|(_, stamp)| stamp.is_file())
        {
            staged.push(Staged {
                modified_ns: stamp.modified_ns,
                job: job.clone(),
                name,
                bytes: stamp.bytes,
            });
        }
    }
    Ok(staged)
}

/// What stands in a job's folder besides the platform's own.
fn entries(folder: &Folder) -> io::Result<Vec<(String, Stamp)>> {
    let mut entries = Vec::new();
    for name in folder.names()? {
        if name == DONE || name == QUARANTINE || name == INCOMING {
            continue;
        }
        // it may have gone meanwhile
        if let Some(stamp) = folder.stamp(&name)? {
            entries.push((name.to_string_lossy().into_owned(), stamp));
        }
    }
    Ok(entries)
}

/// Files of one job that the plan does not allow (rule 25): too large by themselves, or come when the client's staging
/// directories were full. Who came first keeps its place; the order is by time of change.
fn beyond_plan(staged: &[Staged], job: &str, plan: &Plan) -> HashMap<String, Refusal> {
    let mut by_age: Vec<&Staged> = staged.iter().collect();
    by_age.sort_unstable_by(|a, b| {
        (a.modified_ns, &a.job, &a.name).cmp(&(b.modified_ns, &b.job, &b.name))
    });
    let (mut refused, mut sum) = (HashMap::new(), 0);
    for file in by_age {
        match plan.check_file(file.bytes, sum) {
            Ok(()) => sum += file.bytes,
            Err(refusal) if file.job == job => drop(refused.insert(file.name.clone(), refusal)),
            Err(_) => {}
        }
    }
    refused
}
