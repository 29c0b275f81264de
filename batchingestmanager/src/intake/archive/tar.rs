//! tar in its dialects (v7, ustar, pax, GNU), packed or not. It is read in one go from its first byte to its last.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Read};
use std::rc::Rc;

use domain::file::Compression;
use tar::{Archive, Entry, EntryType};

use super::{Kind, Room, Trouble, corrupt};
use crate::intake::packing;

/// What describes one member (its header, and its long names, which are held in memory) may have so many bytes.
const MAX_HEADERS: u64 = 1 << 20;
const BLOCK: u64 = 512;

/// Where the reading of a tape is, and what went wrong with it.
#[derive(Default)]
struct State {
    position: Cell<u64>,
    /// No byte from here on may be read now.
    until: Cell<u64>,
    fault: RefCell<Option<Fault>>,
}

enum Fault {
    Disk(io::Error),
    TooLarge,
    Damage(String),
}

/// The unpacked bytes, as far as they may be read.
struct Tape {
    bytes: Box<dyn Read>,
    max_bytes: u64,
    state: Rc<State>,
}

impl Tape {
    fn broken(&self, fault: Fault) -> io::Error {
        self.state.fault.replace(Some(fault));
        io::Error::other("the archive cannot be read on")
    }
}

impl Read for Tape {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = match self.bytes.read(into) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Err(e),
            Err(e) if e.raw_os_error().is_some() => return Err(self.broken(Fault::Disk(e))),
            Err(e) => return Err(self.broken(Fault::Damage(e.to_string()))),
        };
        let position = self.state.position.get() + n as u64;
        self.state.position.set(position);
        if position > self.max_bytes {
            return Err(self.broken(Fault::TooLarge));
        }
        if position > self.state.until.get() {
            let what = "the description of a member is too long";
            return Err(self.broken(Fault::Damage(what.into())));
        }
        Ok(n)
    }
}

/// Takes the members out.
pub fn expand(file: File, compression: Compression, room: &mut Room<'_>) -> Result<(), Trouble> {
    let packed_bytes = file.metadata()?.len();
    let state = Rc::new(State::default());
    let tape = Tape {
        bytes: packing::unpacked(file, compression)?,
        max_bytes: match compression {
            Compression::None => packed_bytes,
            Compression::Gzip | Compression::Zstd => room.max_bytes,
        },
        state: Rc::clone(&state),
    };
    let mut archive = Archive::new(tape);
    let mut end = 0;
    state.until.set(MAX_HEADERS);
    for entry in archive.entries()? {
        let mut entry = entry.map_err(|e| fault(room, &state, &e))?;
        let raw_bytes = raw_bytes(&entry).map_err(|e| fault(room, &state, &e))?;
        let content_end = entry.raw_file_position().saturating_add(raw_bytes);
        end = content_end
            .checked_next_multiple_of(BLOCK)
            .unwrap_or(u64::MAX);
        state.until.set(u64::MAX);
        let kind = kind(entry.header().entry_type());
        if let Some(path) = room.admit(&entry.path_bytes(), kind)? {
            room.copy(path, entry.size(), &mut entry)?;
        }
        if let Some(found) = state.fault.take() {
            return Err(found.trouble(room));
        }
        state.until.set(end.saturating_add(MAX_HEADERS));
    }
    if state.position.get() <= end {
        return Err(corrupt(room.archive, &"it ends without its end mark"));
    }
    // what packed it has its own checks at the end
    state.until.set(u64::MAX);
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|e| fault(room, &state, &e))?;
    Ok(())
}

/// The bytes of a member in the archive. Those of a sparse file are fewer than it has.
fn raw_bytes<R: Read>(entry: &Entry<'_, R>) -> io::Result<u64> {
    if entry.header().entry_type() == EntryType::GNUSparse {
        entry.header().entry_size()
    } else {
        Ok(entry.size())
    }
}

fn kind(entry_type: EntryType) -> Kind {
    match entry_type {
        EntryType::Regular | EntryType::Continuous => Kind::File,
        // defaults for the members behind it: of their times and owners, mostly
        EntryType::Directory | EntryType::XGlobalHeader => Kind::Folder,
        EntryType::Link => Kind::Empty("a hard link"),
        EntryType::Symlink => Kind::Empty("a link"),
        EntryType::Char | EntryType::Block => Kind::Empty("a device"),
        EntryType::Fifo => Kind::Empty("a pipe"),
        EntryType::GNUSparse => Kind::Unsupported("a sparse file"),
        _ => Kind::Unsupported("something of an unknown kind"),
    }
}

fn fault(room: &Room<'_>, state: &State, error: &io::Error) -> Trouble {
    match state.fault.take() {
        Some(found) => found.trouble(room),
        None => corrupt(room.archive, error),
    }
}

impl Fault {
    fn trouble(self, room: &Room<'_>) -> Trouble {
        match self {
            Fault::Disk(e) => e.into(),
            Fault::TooLarge => room.too_large(),
            Fault::Damage(what) => corrupt(room.archive, &what),
        }
    }
}
