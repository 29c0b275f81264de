//! Small files: replaced atomically, directories synced.

use std::{fs, io, io::Write, path::Path};

/// Replaces `path` with `contents`: a reader sees the old or the new file, also after a crash.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = fs::File::create(&temporary)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Makes created, renamed and removed entries of a directory durable.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}
