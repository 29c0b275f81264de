//! What can be wrong with a queue.

use std::io;
use std::path::PathBuf;

use super::record::MAX_ENTRY;

/// Why something of a queue cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The folder or a file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Io {
        /// The folder or the file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The bytes of a segment are not what Logstash writes. What comes after the damage can still be read.
    #[error("{} is damaged at byte {offset}: {damage}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the damaged record, or the first one of the damaged entry, begins.
        offset: u64,
        /// What is wrong.
        damage: Damage,
    },
}

/// What is wrong with the bytes of a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file's first byte is not the version that is known.
    #[error("the version is {0:#04x}; only version 0x31 of dead letter queues can be read")]
    Version(u8),
    /// A byte where a record must begin is no type of record.
    #[error("{0:#04x} is no type of record")]
    RecordType(u8),
    /// A record would leave its block, or has no bytes.
    #[error("a record cannot have {0} bytes here")]
    RecordSize(i32),
    /// The bytes of a record are not those that were written.
    #[error("the checksum of a record is wrong")]
    Checksum,
    /// A record goes on with an entry that never began.
    #[error("the beginning of an entry is missing")]
    NoBeginning,
    /// An entry ends before all of its bytes came.
    #[error("the end of an entry is missing")]
    NoEnd,
    /// An entry is longer than is read, or less than its first record.
    #[error("an entry cannot have {0} bytes (at most {MAX_ENTRY} are read)")]
    EntrySize(i32),
    /// The records are whole, but not what is in them.
    #[error("{0}")]
    Entry(String),
}
