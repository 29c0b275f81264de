//! Archives: their members are taken out into the run's folder as files of their own. An archive is somebody else's
//! work: its names are never used as paths, its sizes are never believed, and what it unpacks to is bounded.
//!
//! What concerns one member (its name, its encryption, its damaged content) is said of that member, and the others are
//! taken. What concerns the archive (damage between the members, a name that comes twice, too much content) refuses it
//! whole, and nothing of it is taken.

mod name;
mod room;
mod tar;
mod zip;

use std::fs::File;
use std::io;

use domain::error::{Culprit, Failure};
use domain::file::{Compression, FileState};

use super::packing::Archive;
pub use room::Room;

/// A member of an archive.
pub struct Member {
    /// Its path in there.
    pub path: String,
    /// What became of it.
    pub content: Content,
}

/// What became of a member.
pub enum Content {
    /// It was copied.
    Copied(Copy),
    /// It was not.
    Decided(FileState),
}

/// A member's copy.
pub struct Copy {
    /// Its name in the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: String,
    /// How it is compressed itself.
    pub compression: Compression,
}

/// Why an archive was not taken.
pub enum Trouble {
    /// The archive's own fault.
    Archive(Failure),
    /// The disk's.
    Disk(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Disk(error)
    }
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder: not a member to speak of.
    Folder,
    /// Something without content of its own, in words.
    Empty(&'static str),
    /// Something whose content cannot be taken, in words.
    Unsupported(&'static str),
}

/// Takes the members of an archive out.
pub fn expand(
    copy: File,
    kind: Archive,
    compression: Compression,
    room: &mut Room<'_>,
) -> Result<(), Trouble> {
    match (kind, compression) {
        (Archive::Zip, Compression::None) => zip::expand(copy, room),
        (Archive::Zip, _) => Err(Trouble::Archive(nested(room.archive))),
        (Archive::Tar, _) => tar::expand(copy, compression, room),
    }
}

/// The failure of an archive or a member, for its client.
fn refusal(code: &str, message: String, next_step: &str) -> Failure {
    Failure::permanent(code, Culprit::Client, message, next_step)
}

fn corrupt(archive: &str, error: &dyn std::fmt::Display) -> Trouble {
    Trouble::Archive(refusal(
        "archive_corrupt",
        format!("{archive:?} is a damaged archive, nothing of it was taken: {error}"),
        "deliver it again, whole",
    ))
}

fn nested(name: &str) -> Failure {
    refusal(
        "nested_archive",
        format!("{name:?} is an archive inside of a packed file: only the outermost is opened"),
        "deliver the inner archive by itself, or leave it out by source.members or source.exclude",
    )
}

#[cfg(test)]
mod tests;
