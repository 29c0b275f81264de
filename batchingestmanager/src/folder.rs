//! Folders that are held open: names are looked up in the folder itself, links are never followed, and only regular
//! files are ever opened. So a path cannot be redirected between a check and the use.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A folder held open.
#[derive(Debug)]
pub struct Folder(OwnedFd);

/// What an entry of a folder was at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// File, folder, link, …
    pub kind: FileType,
    /// Which disk.
    pub device: u64,
    /// Which file on it.
    pub inode: u64,
    /// Its size.
    pub bytes: u64,
    /// When its content was last changed, in nanoseconds since the epoch, as the file system says.
    pub modified_ns: i64,
    /// When anything of it was last changed.
    pub changed_ns: i64,
}

impl Stamp {
    fn new(stat: &Stat) -> Self {
        let ns = |seconds: i64, ns: i64| seconds.saturating_mul(1_000_000_000).saturating_add(ns);
        Self {
            kind: FileType::from_raw_mode(stat.st_mode),
            device: stat.st_dev,
            inode: stat.st_ino,
            bytes: stat.st_size.unsigned_abs(),
            modified_ns: ns(stat.st_mtime, stat.st_mtime_nsec as i64),
            changed_ns: ns(stat.st_ctime, stat.st_ctime_nsec as i64),
        }
    }

    /// Of an open file.
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self::new(&rustix::fs::fstat(file)?))
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }
}

impl Folder {
    /// Opens a folder of the platform's own by its path.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::open(path, FOLDER, Mode::empty())?))
    }

    /// Opens a folder in this one; none if there is nothing of that name. What is no folder is an error.
    pub fn child(&self, name: &str) -> io::Result<Option<Self>> {
        found(rustix::fs::openat(&self.0, name, FOLDER, Mode::empty()).map(Self))
    }

    /// Opens a folder in this one, and makes it if it is missing.
    pub fn make_child(&self, name: &str) -> io::Result<Self> {
        match rustix::fs::mkdirat(&self.0, name, Mode::from_raw_mode(0o770)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(e.into()),
        }
        Ok(Self(rustix::fs::openat(
            &self.0,
            name,
            FOLDER,
            Mode::empty(),
        )?))
    }

    /// The names in it, in no order.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// What stands under a name now, the link itself if it is one; none if there is nothing.
    pub fn stamp(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Stamp>> {
        let stat = rustix::fs::statat(&self.0, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW);
        found(stat.map(|stat| Stamp::new(&stat)))
    }

    /// Opens a file to read; none if there is nothing of that name, or no regular file.
    pub fn open_file(&self, name: &str) -> io::Result<Option<(File, Stamp)>> {
        // without NONBLOCK, opening a pipe would wait for its other end
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            // a link, a socket, a device without a driver
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV) => return Ok(None),
            opened => found(opened)?,
        };
        let Some(opened) = opened else {
            return Ok(None);
        };
        let file = File::from(opened);
        let stamp = Stamp::of(&file)?;
        Ok(stamp.is_file().then_some((file, stamp)))
    }

    /// Makes a file, to write and to read; fails if the name is taken.
    pub fn create_file(&self, name: &str) -> io::Result<File> {
        self.open_to_write(name, OFlags::EXCL)
    }

    /// Opens a regular file to write and to read, and makes it if it is missing.
    pub fn open_or_create_file(&self, name: &str) -> io::Result<(File, Stamp)> {
        let file = self.open_to_write(name, OFlags::NONBLOCK)?;
        let stamp = Stamp::of(&file)?;
        if stamp.is_file() {
            Ok((file, stamp))
        } else {
            Err(io::ErrorKind::AlreadyExists.into())
        }
    }

    fn open_to_write(&self, name: &str, more: OFlags) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | more;
        Ok(File::from(rustix::fs::openat(
            &self.0,
            name,
            flags,
            Mode::from_raw_mode(0o660),
        )?))
    }

    /// Moves a file to a name in another folder; false if that is taken.
    pub fn publish(&self, name: &str, to: &Folder, new_name: &str) -> io::Result<bool> {
        match rustix::fs::renameat_with(&self.0, name, &to.0, new_name, RenameFlags::NOREPLACE) {
            // a file system that cannot rename so can at least link so
            Err(Errno::INVAL | Errno::NOSYS) => {
                match rustix::fs::linkat(&self.0, name, &to.0, new_name, AtFlags::empty()) {
                    Err(Errno::EXIST) => Ok(false),
                    Err(e) => Err(e.into()),
                    Ok(()) => self.remove_file(name).map(|_| true),
                }
            }
            Err(Errno::EXIST) => Ok(false),
            Err(e) => Err(e.into()),
            Ok(()) => Ok(true),
        }
    }

    /// Moves a file to the same name in another folder, over whatever file is there.
    pub fn move_file(&self, name: &str, to: &Folder) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, name, &to.0, name)?)
    }

    /// Removes what is no folder; false if there is nothing of that name.
    pub fn remove_file(&self, name: &str) -> io::Result<bool> {
        Ok(found(rustix::fs::unlinkat(&self.0, name, AtFlags::empty()))?.is_some())
    }

    /// Removes the folder's content, folders and all. Links are removed, not followed.
    pub fn clear(&self) -> io::Result<()> {
        self.clear_but(|_| false)
    }

    /// The same, but for what is to be kept.
    pub fn clear_but(&self, keep: impl Fn(&OsStr) -> bool) -> io::Result<()> {
        for name in self.names()? {
            if keep(&name) {
                continue;
            }
            let is_folder = self
                .stamp(&name)?
                .is_some_and(|stamp| stamp.kind == FileType::Directory);
            if is_folder {
                if let Some(inner) =
                    found(rustix::fs::openat(&self.0, &*name, FOLDER, Mode::empty()).map(Self))?
                {
                    inner.clear()?;
                }
                found(rustix::fs::unlinkat(&self.0, &*name, AtFlags::REMOVEDIR))?;
            } else {
                found(rustix::fs::unlinkat(&self.0, &*name, AtFlags::empty()))?;
            }
        }
        Ok(())
    }

    /// Removes an empty folder in this one; nothing to do is fine.
    pub fn remove_child(&self, name: &str) -> io::Result<()> {
        found(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)).map(|_| ())
    }

    /// Makes the names in it durable.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }

    /// Makes everything on its disk durable.
    pub fn sync_disk(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.0)?)
    }
}

fn found<T>(result: Result<T, Errno>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e.into()),
    }
}
