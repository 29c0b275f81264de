//! The driver's errors in the store's terms.

use ::mongodb::error::{Error, ErrorKind, RETRYABLE_WRITE_ERROR, WriteFailure};
use domain::store::StoreError;

/// The server's code for a key that is taken.
pub const DUPLICATE_KEY: i32 = 11000;

/// Codes of commands that met a server which is about to stop, to elect, or too busy.
const PASSING: [i32; 14] = [
    6, 7, 50, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
];

/// An error of the driver as the store's error.
pub fn fault(error: Error) -> StoreError {
    if passing(&error) {
        StoreError::Unavailable(message(&error))
    } else {
        StoreError::Refused(message(&error))
    }
}

/// Whether the same call may succeed later. A write that failed so may have been carried out all the same.
pub fn passing(error: &Error) -> bool {
    if error.contains_label(RETRYABLE_WRITE_ERROR) {
        return true;
    }
    match error.kind.as_ref() {
        ErrorKind::Io(_)
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::DnsResolve { .. } => true,
        ErrorKind::Command(command) => PASSING.contains(&command.code),
        // carried out, but not (yet) by a majority
        ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
        _ => false,
    }
}

/// Whether a document with the same key is there already.
pub fn duplicate_key(error: &Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == DUPLICATE_KEY,
        ErrorKind::Command(command) => command.code == DUPLICATE_KEY,
        _ => false,
    }
}

/// The part of the driver's words that people can use.
fn message(error: &Error) -> String {
    error.kind.to_string()
}
