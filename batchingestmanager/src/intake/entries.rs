//! The entries of a run's manifest: one for each file that was copied, or for each member of one that is an archive.
//!
//! # Two files of one content
//!
//! Under `identity: content` they have one file key (rule 3), so their records have the same ids. In one run, the second
//! file's records would be refused as duplicates of the first's, but the core DMS counts by run and file key (rule 9),
//! and would count the first's documents for both: the proof of the second could never close. And after a resume,
//! rule 10 would take the first's documents for the second's, as run, file and position are the same.
//! So a run takes one of them, the first by name, and the others stay where they are for the next run: there each of
//! their records is a duplicate of an earlier run, which rules 8 to 10 account for as they stand. A member of an archive
//! cannot stay by itself: it is left out, and the report says whose content it has.
//! Under `identity: name+content` the keys differ, and all of them are taken.

use std::collections::{HashMap, HashSet};
use std::io;

use domain::file::{Compression, FileState, ManifestFile, Terms};
use domain::ids::FileKey;
use domain::plan::Plan;
use domain::ports::RunContext;
use domain::spec::Identity;

use super::archive::{Content, Copy, Member, Room, Trouble, expand};
use super::claim::{Staged, make_durable};
use super::deliveries::Index;
use super::manifest::{Claimed, Origin, Writer};
use super::packing::{self, Archive};
use super::refusals;
use crate::folder::Folder;
use crate::staging::{Found, Selector, unclaimed};

/// SHA-256 of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The name of a copy: nothing that anybody chose.
pub fn copy_name(number: usize) -> String {
    format!("{number:010}")
}

/// The manifest on its way.
pub struct Entries<'a> {
    context: &'a RunContext,
    plan: &'a Plan,
    claimed: &'a Folder,
    selector: Selector,
    index: Index<'a>,
    writer: Writer,
    /// Number of the next copy.
    copies: usize,
    taken: Vec<ManifestFile>,
    by_key: HashMap<FileKey, String>,
}

impl<'a> Entries<'a> {
    /// None yet; `copies` are in `claimed`.
    pub fn new(
        context: &'a RunContext,
        plan: &'a Plan,
        claimed: &'a Folder,
        index: Index<'a>,
        copies: usize,
    ) -> io::Result<Self> {
        Ok(Self {
            context,
            plan,
            claimed,
            selector: Selector::new(&context.spec.source)?,
            index,
            writer: Writer::new(context.folder.manifest())?,
            copies,
            taken: Vec::new(),
            by_key: HashMap::new(),
        })
    }

    /// Adds a file, or the members of an archive; gives the file back if it is left for the next run.
    pub fn add(&mut self, staged: Staged) -> io::Result<Option<Found>> {
        let name = staged.found.name.as_str();
        if self.index.is_manifest(name) {
            let failure = refusals::is_manifest(name);
            self.claimed.remove_file(&staged.copy_name)?;
            return self
                .decide(&staged, None, FileState::Skipped { failure })
                .map(|()| None);
        }
        let compression = packing::compression(&staged.copied.head);
        match self.archive(&staged, compression)? {
            Some(kind) => self.add_archive(&staged, kind, compression).map(|()| None),
            None => self.add_plain(staged, compression),
        }
    }

    fn archive(&self, staged: &Staged, compression: Compression) -> io::Result<Option<Archive>> {
        if compression == Compression::None {
            return Ok(packing::archive(&staged.copied.head));
        }
        let Some((copy, _)) = self.claimed.open_file(&staged.copy_name)? else {
            return Ok(None);
        };
        Ok(packing::archive(&packing::unpacked_head(
            copy,
            compression,
        )?))
    }

    fn add_plain(
        &mut self,
        mut staged: Staged,
        compression: Compression,
    ) -> io::Result<Option<Found>> {
        let name = staged.found.name.as_str();
        let copy = Copy {
            name: staged.copy_name.clone(),
            bytes: staged.copied.stamp.bytes,
            sha256: staged.copied.sha256.clone(),
            compression,
        };
        let file = self.file(name, copy, u64::MAX);
        let Some(first) = self.by_key.get(&file.file_key) else {
            self.enter(file, name, Origin::new(&staged.copied.stamp))?;
            return Ok(None);
        };
        self.claimed.remove_file(&file.claimed_as)?;
        if self.index.manifest_of(name).is_some() {
            // it goes with its delivery
            let failure = refusals::same_content(name, first);
            self.decide(&staged, None, FileState::Skipped { failure })?;
            return Ok(None);
        }
        let reason =
            format!("this run takes the same content as {first:?}: it is left for the next run");
        staged.found.state = unclaimed("same_content", reason);
        Ok(Some(staged.found))
    }

    fn add_archive(
        &mut self,
        staged: &Staged,
        kind: Archive,
        compression: Compression,
    ) -> io::Result<()> {
        let Some((copy, _)) = self.claimed.open_file(&staged.copy_name)? else {
            return Ok(());
        };
        let name = staged.found.name.as_str();
        if self.index.records_of(name).is_some() {
            let failure = refusals::records_of_archive(name);
            self.claimed.remove_file(&staged.copy_name)?;
            return self.decide(staged, None, FileState::Quarantined { failure });
        }
        let max_bytes = self.plan.max_unpacked(staged.copied.stamp.bytes);
        let mut room = Room::new(
            name,
            self.claimed,
            &self.selector,
            &mut self.copies,
            max_bytes,
        );
        match expand(copy, kind, compression, &mut room) {
            Ok(()) => {
                let members = room.members();
                if members.is_empty() {
                    let failure = refusals::nothing_in(name);
                    self.decide(staged, None, FileState::Skipped { failure })?;
                }
                self.decide_missing(staged, &members)?;
                for member in members {
                    self.add_member(staged, member, max_bytes)?;
                }
            }
            Err(Trouble::Archive(failure)) => {
                room.abandon()?;
                self.decide(staged, None, FileState::Quarantined { failure })?;
            }
            Err(Trouble::Disk(e)) => return Err(e),
        }
        self.claimed.remove_file(&staged.copy_name)?;
        Ok(())
    }

    /// Enters the members that are listed, but that are not there.
    fn decide_missing(&mut self, staged: &Staged, members: &[Member]) -> io::Result<()> {
        let name = staged.found.name.as_str();
        let listed = self.index.members_of(name);
        if listed.is_empty() {
            return Ok(());
        }
        let there: HashSet<&str> = members.iter().map(|member| member.path.as_str()).collect();
        let missing: Vec<String> = listed
            .iter()
            .filter(|path| !there.contains(*path))
            .map(|path| (*path).to_owned())
            .collect();
        for path in missing {
            let failure = refusals::missing_member(name, &path);
            self.decide(staged, Some(&path), FileState::Quarantined { failure })?;
        }
        Ok(())
    }

    fn add_member(&mut self, staged: &Staged, member: Member, max_bytes: u64) -> io::Result<()> {
        let path = member.path.as_str();
        let copy = match member.content {
            Content::Copied(copy) => copy,
            Content::Decided(state) => return self.decide(staged, Some(path), state),
        };
        let file = self.file(&format!("{}/{path}", staged.found.name), copy, max_bytes);
        if let Some(first) = self.by_key.get(&file.file_key) {
            let failure = refusals::same_content(&file.name, first);
            self.claimed.remove_file(&file.claimed_as)?;
            return self.decide(staged, Some(path), FileState::Skipped { failure });
        }
        self.enter(file, &staged.found.name, Origin::new(&staged.copied.stamp))
    }

    /// The entry of a copy.
    fn file(&self, name: &str, copy: Copy, max_unpacked: u64) -> ManifestFile {
        let identity_name = match self.context.spec.source.identity {
            Identity::Content => None,
            Identity::NameAndContent => Some(name),
        };
        let max_unpacked = (copy.compression != Compression::None)
            .then(|| self.plan.max_unpacked(copy.bytes).min(max_unpacked));
        ManifestFile {
            index: 0,
            name: name.to_owned(),
            bytes: copy.bytes,
            file_key: self.key(&copy.sha256, identity_name),
            sha256: copy.sha256,
            compression: copy.compression,
            claimed_as: copy.name,
            terms: Terms {
                max_unpacked,
                records: self.index.records_of(name),
                decided: None,
            },
        }
    }

    /// Enters an archive, or a member of it, of which there is no copy. Its key is of its place, for it has no content.
    fn decide(&mut self, staged: &Staged, path: Option<&str>, state: FileState) -> io::Result<()> {
        let archive = staged.found.name.as_str();
        let copied = &staged.copied;
        let (name, bytes, sha256) = match path {
            Some(path) => (format!("{archive}/{path}"), 0, EMPTY),
            None => (archive.to_owned(), copied.stamp.bytes, &*copied.sha256),
        };
        // names that cannot be taken may be shown alike
        let place = format!("{name}\n{}", self.taken.len());
        let file = ManifestFile {
            index: 0,
            file_key: self.key(&copied.sha256, Some(&place)),
            name,
            bytes,
            sha256: sha256.to_owned(),
            compression: Compression::None,
            claimed_as: String::new(),
            terms: Terms {
                decided: Some(state),
                ..Terms::default()
            },
        };
        self.enter(file, archive, Origin::new(&copied.stamp))
    }

    fn key(&self, sha256: &str, name: Option<&str>) -> FileKey {
        FileKey::derive(
            &self.context.run.client,
            &self.context.run.job,
            sha256,
            name,
        )
    }

    fn enter(
        &mut self,
        mut file: ManifestFile,
        staged_name: &str,
        origin: Origin,
    ) -> io::Result<()> {
        file.index = u32::try_from(self.taken.len()).map_err(io::Error::other)?;
        self.by_key.insert(file.file_key.clone(), file.name.clone());
        let delivery = self.index.manifest_of(staged_name).map(str::to_owned);
        let claimed = Claimed {
            file,
            origin,
            delivery,
        };
        self.writer.add(&claimed)?;
        self.taken.push(claimed.file);
        Ok(())
    }

    /// Makes copies and manifest durable, in this order: the manifest promises that the copies are there. There is no
    /// manifest of nothing.
    pub fn finish(self) -> io::Result<Vec<ManifestFile>> {
        if self.taken.is_empty() {
            return Ok(self.taken);
        }
        make_durable(self.claimed, &self.taken)?;
        self.writer.finish()?;
        Ok(self.taken)
    }
}
