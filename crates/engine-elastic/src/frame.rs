//! Frames: how records come to Filebeat, whatever format their file has.
//!
//! A line reader cuts a file into other records than a decoder does: quoted newlines, other encodings, packed files, a last
//! line without its end. So the native decoder cuts them, once for both engines (rule 1), and each record becomes a line: the
//! part of the frames that it is in, the file's key, the record's position, and the fields that it was decoded to, as JSON
//! without a line feed.
//!
//! ```text
//! 0 0123456789abcdef01234567 96 {"carrier":"UA","dep_delay":"2","@timestamp":"2013-01-31T08:00:00.000Z"}
//! ```

use std::io::Write as _;

/// Appends a record's frame, with its line feed.
pub fn append(part: usize, file_key: &str, position: u64, fields: &[u8], out: &mut Vec<u8>) {
    // writing to memory cannot fail
    let _ = write!(out, "{part} {file_key} {position} ");
    out.extend_from_slice(fields);
    out.push(b'\n');
}
