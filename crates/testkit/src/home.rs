//! Where a test's processes live: a folder of its own, free ports, the binaries that were built.

use std::{
    net::TcpListener,
    ops::Deref,
    path::{Path, PathBuf},
    thread,
};

use tempfile::TempDir;

/// A fresh folder, removed at the end; kept, and named, when the test fails.
#[derive(Debug)]
pub struct TempHome(Option<TempDir>);

impl TempHome {
    /// Makes one.
    ///
    /// # Panics
    /// When the temporary folder of the system cannot be written.
    #[allow(clippy::new_without_default, clippy::expect_used)]
    pub fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("ingest-home-")
            .tempdir()
            .expect("the system's temporary folder is writable");
        Self(Some(dir))
    }
}

impl Deref for TempHome {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), TempDir::path)
    }
}

impl AsRef<Path> for TempHome {
    fn as_ref(&self) -> &Path {
        self
    }
}

impl Drop for TempHome {
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(dir) = self.0.take()
        {
            eprintln!("the test's home is kept: {}", dir.keep().display());
        }
    }
}

/// A TCP port of 127.0.0.1 that nobody listened on a moment ago. Prefer port 0 where the program can say what it got.
///
/// # Panics
/// When the system has none left.
#[allow(clippy::expect_used)]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

/// Path of a binary of this workspace, of the same profile as the running test.
///
/// # Panics
/// When it has not been built; cargo builds only the binaries of the tested package by itself.
#[allow(clippy::expect_used)]
pub fn binary(name: &str) -> PathBuf {
    // <target>/<profile>/deps/<test>
    let test = std::env::current_exe().expect("the path of the running test");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("the target folder of the running test");
    let path = profile.join(name);
    assert!(
        path.is_file(),
        "{} has not been built: run `cargo build --workspace --bins` first (`make test` does)",
        path.display()
    );
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_removed_after_success_and_kept_after_a_failure() {
        let gone = TempHome::new().to_path_buf();
        assert!(!gone.exists());
        let failed = thread::spawn(|| {
            let home = TempHome::new();
            std::panic::panic_any(home.to_path_buf());
        });
        let kept = failed.join().unwrap_err();
        let kept = kept.downcast_ref::<PathBuf>().unwrap();
        assert!(kept.is_dir());
        std::fs::remove_dir(kept).unwrap();
    }

    #[test]
    fn a_free_port_can_be_bound() {
        TcpListener::bind(("127.0.0.1", free_port())).unwrap();
    }
}
