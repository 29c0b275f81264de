//! zip, zip64 included: stored, deflate and deflate64.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::{Kind, Room, Trouble, corrupt};

/// So much of an archive is read to find its members: more than 100,000 of them never need, and what the process can hold.
const MAX_DIRECTORY: u64 = 64 << 20;

/// A file of which so much may be read.
struct Bounded {
    file: File,
    left: Rc<Cell<u64>>,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(into)?;
        match self.left.get().checked_sub(n as u64) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::other("its directory of members is too large")),
        }
        Ok(n)
    }
}

impl Seek for Bounded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Takes the members out.
pub fn expand(file: File, room: &mut Room<'_>) -> Result<(), Trouble> {
    let left = Rc::new(Cell::new(MAX_DIRECTORY));
    let bounded = Bounded {
        file,
        left: Rc::clone(&left),
    };
    let mut archive = ZipArchive::new(bounded).map_err(|e| fault(room, e))?;
    left.set(u64::MAX);
    if archive.has_duplicate_names() {
        return Err(corrupt(room.archive, &"two members have the same name"));
    }
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|e| fault(room, e))?;
        let name = entry.name().map_err(|e| fault(room, e))?.into_owned();
        let (kind, encrypted) = (kind(&entry), entry.encrypted());
        let Some(path) = room.admit(name.as_bytes(), kind)? else {
            continue;
        };
        if encrypted {
            room.refuse(path, "member_encrypted", "it is encrypted");
            continue;
        }
        match archive.by_index(index) {
            Ok(mut member) => room.copy(path, member.size(), &mut member)?,
            Err(ZipError::Io(e)) if e.raw_os_error().is_some() => return Err(e.into()),
            Err(
                e @ (ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_)),
            ) => room.refuse(path, "member_unsupported", &e.to_string()),
            Err(e) => room.refuse(path, "member_corrupt", &e.to_string()),
        }
    }
    Ok(())
}

fn kind(entry: &zip::read::ZipFileEntry<'_>) -> Kind {
    if entry.is_dir() {
        Kind::Folder
    } else if entry.is_symlink() {
        Kind::Empty("a link")
    } else {
        Kind::File
    }
}

fn fault(room: &Room<'_>, error: ZipError) -> Trouble {
    match error {
        ZipError::Io(e) if e.raw_os_error().is_some() => e.into(),
        e => corrupt(room.archive, &e),
    }
}
