//! The home folder of an installation: its layout, its lock, its private files.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::StartError;

/// Where everything of an installation lies.
#[derive(Debug, Clone)]
pub struct HomePaths(PathBuf);

macro_rules! paths {
    ($($(#[$doc:meta])* $name:ident => $path:literal),* $(,)?) => {
        $($(#[$doc])* pub fn $name(&self) -> PathBuf { self.0.join($path) })*
    };
}

impl HomePaths {
    /// The home at `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.0
    }

    paths! {
        /// The configuration; optional.
        config => "config.toml",
        /// Locked by the manager while it lives; holds its process id.
        lock => "home.lock",
        /// [`ManagerAddress`], JSON, while a manager is up.
        manager => "manager.json",
        /// The first admin token, mode 0600.
        admin_token => "admin.token",
        /// What is kept by the platform itself.
        data => "data",
        /// The embedded metadata store.
        metadata => "data/metadata.sqlite",
        /// The embedded core DMS's folder.
        coredms => "data/coredms",
        /// The embedded core DMS's API key, mode 0600.
        coredms_key => "data/coredms.key",
        /// The embedded core DMS's log.
        coredms_log => "data/coredms.log",
        /// The folders of previews under way.
        previews => "data/previews",
        /// The clients' staging directories.
        staging => "staging",
        /// The files that pipelines may name.
        resources => "resources",
        /// The run folders.
        clientapps => "clientapps",
    }
}

/// Where a manager can be reached: `manager.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerAddress {
    /// Base address, for example `http://127.0.0.1:8640`.
    pub url: String,
    /// Its process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// PEM file of the certificate that it shows, if it speaks TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
}

impl ManagerAddress {
    /// What a home says of its manager; none if there is none, or what it says cannot be read.
    pub fn read(home: &HomePaths) -> Option<Self> {
        serde_json::from_slice(&fs::read(home.manager()).ok()?).ok()
    }
}

/// A home that belongs to this process.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) paths: HomePaths,
    _lock: File,
}

impl Home {
    /// Makes the home if it is not there, and takes it for this process.
    pub(crate) fn open(paths: HomePaths) -> Result<Self, StartError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| StartError::HomeNotWritable { path, source }
        };
        for dir in [
            paths.root().to_owned(),
            paths.data(),
            paths.clientapps(),
            paths.staging(),
        ] {
            make_private_dir(&dir).map_err(at(&dir))?;
        }
        let path = paths.lock();
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // who holds it is only for the message
                let _ = lock.read_to_string(&mut holder);
                return Err(StartError::HomeLocked {
                    home: paths.root().to_owned(),
                    pid: holder.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(at(&path)(source)),
        }
        let name = |lock: &mut File| {
            lock.set_len(0)?;
            lock.write_all(std::process::id().to_string().as_bytes())
        };
        name(&mut lock).map_err(at(&path))?;
        Ok(Self { paths, _lock: lock })
    }
}

/// Makes a directory, and those above it, that only this user can enter.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Puts a file in place that only this user can read: whole or not at all.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent()
        .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_home_is_private_and_belongs_to_one() {
        let dir = tempfile::tempdir().unwrap();
        let paths = HomePaths::new(dir.path().join("home"));
        let home = Home::open(paths.clone()).unwrap();
        assert_eq!(
            fs::metadata(paths.root()).unwrap().permissions().mode() & 0o777,
            0o700
        );
        let refused = Home::open(paths.clone()).unwrap_err();
        assert_eq!(refused.code(), "home_locked");
        assert!(
            refused
                .to_string()
                .contains(&std::process::id().to_string()),
            "{refused}"
        );
        drop(home);
        Home::open(paths).unwrap();
    }

    #[test]
    fn a_home_that_cannot_be_written_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let refused = Home::open(HomePaths::new(file.join("home"))).unwrap_err();
        assert_eq!(refused.code(), "home_not_writable");
    }

    #[test]
    fn private_files_are_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.token");
        write_private(&path, b"long content").unwrap();
        write_private(&path, b"short").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
