//! Logstash's dead letter queue: events that an output refused for good, as Logstash 8 and 9 keep them on disk.
//!
//! A queue is a folder, `<path.dead_letter_queue>/<pipeline id>/`, of segments `1.log`, `2.log`, … The last one is called
//! `<n>.log.tmp` while it is written. A segment is the byte `1` and then blocks of 32 KiB of records ([`record`]); an entry
//! is one record, or several where it crosses blocks. What an entry holds is in [`Entry`].
//!
//! [`read`] goes through a queue one entry at a time, whoever wrote it; [`Queue`] writes one.

mod entry;
mod error;
mod event;
mod letters;
mod queue;
mod record;
mod recovery;
mod segment;

pub use entry::Entry;
pub use error::{Damage, ReadError};
pub use letters::{Letter, Letters, Position, read, read_from};
pub use queue::{Kept, Queue, QueueStatus};
