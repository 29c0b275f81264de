//! Where the documents are.
//!
//! # On disk
//!
//! ```text
//! DIR/lock                    held by the process that serves DIR
//! DIR/http.address            where it listens
//! DIR/store.json              cluster id, index templates (replaced atomically)
//! DIR/new/…                   indices being made or removed; emptied at start
//! DIR/indices/<name>/
//!     index.json              name, settings, mapping, field numbers (replaced atomically)
//!     wal-<seq>               operations since the last commit (see `wal`), <seq> = number of the first
//!     data/                   the search library's segments; its commit carries the number of the
//!                             first operation that it does not contain
//! ```
//!
//! # Why every acknowledged operation is there exactly once
//!
//! Operations on an index are numbered without gaps, under one lock, in the order in which they are
//! decided. Each is appended to the log and handed to the search library; a request is answered after
//! the log is synced (one sync serves all requests that wait). A commit makes the library's segments
//! durable together with the number of the next operation, in one atomic file replacement; only after
//! it the log is replaced by an empty one.
//!
//! * *Nothing is lost*: an acknowledged operation is in the synced log, or in a commit, because the
//!   log is removed only after a commit that contains it.
//! * *Nothing is twice*: a start applies only the log's operations from the commit's number on, in
//!   their order, and each says what it does to its id, so the outcome is the one that was decided.
//!   Numbers must follow without a gap, else the start is refused.
//! * *A mapping is never behind its documents*: it is replaced durably before an operation that needs
//!   it is logged.
//! * A frame that is not whole at the end of the log was never acknowledged; it is not applied.
//! * After a disk error memory and disk may differ; the index then refuses everything until a restart.
//!
//! An id is looked up among the operations since the last commit, in memory, and in the term
//! dictionaries of the committed segments: both exact.

mod files;
mod index;
mod log;
mod meta;
mod names;
mod registry;
mod schema;
mod templates;
mod wal;
mod write;

pub use files::replace;
pub use index::{Index, Stored, load};
pub use meta::Meta;
pub use names::{Scope, matches};
pub use registry::Store;
pub use schema::FIELDS;
pub use templates::Template;
pub use write::{Action, Answer, Operation, Outcome};
