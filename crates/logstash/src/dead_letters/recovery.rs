//! What a process that was killed left behind.

use std::fs;
use std::io;
use std::path::Path;

use super::letters::{finished, segments, unfinished};
use super::segment::Segment;

/// Finishes the segments that nobody writes any more, as Logstash does when it starts: the whole entries of one become a
/// finished segment, one without entries goes, and one that is damaged is put aside as `<n>.err`.
///
/// # Errors
/// When a file cannot be read, renamed or removed.
pub fn finish_leftovers(folder: &Path) -> io::Result<()> {
    for number in segments(folder)? {
        let (left, done) = (unfinished(folder, number), finished(folder, number));
        if !left.try_exists()? {
            continue;
        }
        if done.try_exists()? {
            fs::remove_file(&left)?;
            continue;
        }
        match whole_entries(&left) {
            Some(0) => fs::remove_file(&left)?,
            Some(end) => {
                let file = fs::OpenOptions::new().write(true).open(&left)?;
                file.set_len(end)?;
                file.sync_all()?;
                fs::rename(&left, &done)?;
            }
            None => {
                let aside = folder.join(format!("{number}.err"));
                tracing::warn!(
                    from = %left.display(), to = %aside.display(),
                    "a segment of the dead letter queue is damaged; it is put aside"
                );
                fs::rename(&left, &aside)?;
            }
        }
    }
    Ok(())
}

/// Where the last whole entry of a segment ends, 0 if there is none; `None` if the segment is damaged.
fn whole_entries(path: &Path) -> Option<u64> {
    let mut segment = Segment::open(path, 0).ok()?;
    let mut end = 0;
    while segment.next_entry().ok()?.is_some() {
        end = segment.offset();
    }
    Some(end)
}
