//! Where the members of an archive go, and how much room there is for them.

use std::collections::HashSet;
use std::io::{self, Read, Seek, Write};

use domain::error::Failure;
use domain::file::FileState;
use domain::units::Bytes;
use sha2::{Digest, Sha256};

use super::{Content, Copy, Kind, Member, Trouble, name, nested, refusal};
use crate::folder::Folder;
use crate::intake::entries::copy_name;
use crate::intake::packing::{self, HEAD};
use crate::staging::Selector;

/// An archive may have so many members, folders and those that are not selected included.
const MAX_MEMBERS: usize = 100_000;

/// Takes members in.
pub struct Room<'a> {
    /// The archive's name.
    pub archive: &'a str,
    /// Where the copies go.
    pub into: &'a Folder,
    /// Which members are wanted.
    pub selector: &'a Selector,
    /// Number of the next copy: its name.
    pub copies: &'a mut usize,
    /// How many bytes all copies may have together.
    pub max_bytes: u64,
    bytes: u64,
    found: usize,
    names: HashSet<String>,
    members: Vec<Member>,
    buffer: Vec<u8>,
}

impl<'a> Room<'a> {
    /// For one archive.
    pub fn new(
        archive: &'a str,
        into: &'a Folder,
        selector: &'a Selector,
        copies: &'a mut usize,
        max_bytes: u64,
    ) -> Self {
        Self {
            archive,
            into,
            selector,
            copies,
            max_bytes,
            bytes: 0,
            found: 0,
            names: HashSet::new(),
            members: Vec::new(),
            buffer: vec![0; 128 << 10],
        }
    }

    /// The members, in the archive's order.
    pub fn members(self) -> Vec<Member> {
        self.members
    }

    /// Removes the copies again.
    pub fn abandon(self) -> io::Result<()> {
        for member in self.members {
            if let Content::Copied(copy) = member.content {
                self.into.remove_file(&copy.name)?;
            }
        }
        Ok(())
    }

    /// Gives the path of a member whose content is to be copied; none if there is no more to be done with it.
    pub fn admit(&mut self, raw: &[u8], kind: Kind) -> Result<Option<String>, Trouble> {
        self.found += 1;
        if self.found > MAX_MEMBERS {
            return Err(Trouble::Archive(refusal(
                "archive_too_many_members",
                format!("{:?} has more than {MAX_MEMBERS} members", self.archive),
                "deliver it in parts",
            )));
        }
        if kind == Kind::Folder {
            return Ok(None);
        }
        let path = match name::path(raw) {
            Ok(path) if !self.selector.takes_member(&path) => return Ok(None),
            Ok(path) => path,
            Err(rule) => {
                let shown = name::shown(raw);
                if self.selector.takes_member(&shown) {
                    self.refuse(
                        shown,
                        "member_name",
                        &format!("its name cannot be taken: {rule}"),
                    );
                }
                return Ok(None);
            }
        };
        if !self.names.insert(path.clone()) {
            return Err(self.twice(&path));
        }
        if name::is_hidden(&path) {
            self.skip(path, "member_hidden", "a hidden file is not ingested");
            return Ok(None);
        }
        let why = |what| format!("it is {what}: only regular files are taken");
        match kind {
            Kind::File | Kind::Folder => return Ok(Some(path)),
            Kind::Empty(what) => self.skip(path, "member_not_a_file", &why(what)),
            Kind::Unsupported(what) => self.refuse(path, "member_unsupported", &why(what)),
        }
        Ok(None)
    }

    /// Copies a member's content, which is said to have `size` bytes. Damage is said of the member.
    pub fn copy(&mut self, path: String, size: u64, content: &mut dyn Read) -> Result<(), Trouble> {
        let copy_name = copy_name(*self.copies);
        *self.copies += 1;
        let mut file = self.into.create_file(&copy_name)?;
        let (mut hash, mut bytes, mut head) = (Sha256::new(), 0, Vec::with_capacity(HEAD));
        let damage = loop {
            let part = match content.read(&mut self.buffer) {
                Ok(0) if bytes == size => break None,
                Ok(0) => break Some(format!("it has {bytes} bytes, and should have {size}")),
                Ok(n) => self.buffer.get(..n).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.raw_os_error().is_some() => return Err(e.into()),
                Err(e) => break Some(e.to_string()),
            };
            bytes += part.len() as u64;
            self.bytes += part.len() as u64;
            if self.bytes > self.max_bytes {
                self.into.remove_file(&copy_name)?;
                return Err(self.too_large());
            }
            head.extend(part.iter().take(HEAD - head.len()));
            hash.update(part);
            file.write_all(part)?;
        };
        if let Some(damage) = damage {
            self.into.remove_file(&copy_name)?;
            self.refuse(path, "member_corrupt", &damage);
            return Ok(());
        }
        let compression = packing::compression(&head);
        file.rewind()?;
        if packing::archive(&packing::unpacked_head(file, compression)?).is_some() {
            self.into.remove_file(&copy_name)?;
            let failure = nested(&self.full_name(&path));
            self.decide(path, FileState::Quarantined { failure });
            return Ok(());
        }
        let content = Content::Copied(Copy {
            name: copy_name,
            bytes,
            sha256: hex::encode(hash.finalize()),
            compression,
        });
        self.members.push(Member { path, content });
        Ok(())
    }

    /// Enters a member that cannot be taken: it is quarantined.
    pub fn refuse(&mut self, path: String, code: &str, why: &str) {
        let next_step = "mend it and deliver the archive again, or leave the member out by source.members or source.exclude; what was taken of the others is not taken twice";
        let failure = self.failure(&path, code, why, next_step);
        self.decide(path, FileState::Quarantined { failure });
    }

    fn skip(&mut self, path: String, code: &str, why: &str) {
        let failure = self.failure(&path, code, why, "nothing has to be done");
        self.decide(path, FileState::Skipped { failure });
    }

    fn decide(&mut self, path: String, state: FileState) {
        let content = Content::Decided(state);
        self.members.push(Member { path, content });
    }

    fn failure(&self, path: &str, code: &str, why: &str, next_step: &str) -> Failure {
        refusal(
            code,
            format!("{:?} was not taken: {why}", self.full_name(path)),
            next_step,
        )
    }

    fn full_name(&self, path: &str) -> String {
        format!("{}/{path}", self.archive)
    }

    /// The archive unpacks to more than its client's plan allows.
    pub fn too_large(&self) -> Trouble {
        Trouble::Archive(refusal(
            "expansion_too_large",
            format!(
                "{:?} unpacks to more than {}, the most that the plan allows for a file of its size (max_expansion, max_expanded_bytes): nothing of it was taken",
                self.archive,
                Bytes(self.max_bytes)
            ),
            "deliver it in parts or less packed, or ask the operator for a larger bound in the plan",
        ))
    }

    /// Two members have one name: nobody can say which is meant.
    fn twice(&self, path: &str) -> Trouble {
        Trouble::Archive(refusal(
            "archive_duplicate_member",
            format!(
                "{:?} has two members {path:?}: nothing of it was taken",
                self.archive
            ),
            "deliver it again with each name once",
        ))
    }
}
