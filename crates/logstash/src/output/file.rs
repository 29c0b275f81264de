//! `file`: files whose paths may depend on the event.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use wrangling::Violation;

use super::file_writer::Writer;
use super::{Item, Output, TICK, Written};
use crate::options::Options;

pub const OPTIONS: &[&str] = &[
    "create_if_deleted",
    "dir_mode",
    "file_mode",
    "filename_failure",
    "flush_interval",
    "gzip",
    "path",
    "stale_cleanup_interval",
    "write_behavior",
];

/// The file output.
#[derive(Debug)]
pub struct File {
    /// The folder that files must stay in, if the path depends on the event.
    root: Option<PathBuf>,
    failures: PathBuf,
    gzip: bool,
    create_if_deleted: bool,
    overwrite: bool,
    flush_interval: Duration,
    stale_after: Duration,
    folder_mode: Option<u32>,
    file_mode: Option<u32>,
    open: Mutex<HashMap<PathBuf, Open>>,
}

#[derive(Debug)]
struct Open {
    writer: Writer,
    used: Instant,
    flushed: Instant,
}

impl File {
    pub fn compile(options: Options<'_>, texts: &mut Vec<String>) -> Result<Self, Violation> {
        let path = std::path::absolute(options.required("path")?)
            .map_err(|error| options.wrong("path", "invalid_path", error.to_string()))?;
        let path = path.to_string_lossy().into_owned();
        let dynamic = path.contains("%{");
        let constant = |part: &&str| !part.contains("%{");
        let parts: Vec<&str> = path.split('/').take_while(constant).collect();
        let root = PathBuf::from(parts.join("/"));
        if dynamic && parts.len() < 2 {
            let message = "the path's first part must not depend on the event";
            return Err(options.wrong("path", "invalid_path", message));
        }
        let folder = match dynamic {
            true => root.clone(),
            false => Path::new(&path)
                .parent()
                .map(Path::to_owned)
                .unwrap_or_default(),
        };
        let failure = options
            .text("filename_failure")?
            .unwrap_or("_filepath_failures");
        let seconds = |name: &str, default: f64| -> Result<Duration, Violation> {
            Ok(Duration::from_secs_f64(
                options.number(name)?.unwrap_or(default),
            ))
        };
        texts.push(path);
        Ok(Self {
            root: dynamic.then_some(root),
            failures: folder.join(failure),
            gzip: options.flag("gzip", false)?,
            create_if_deleted: options.flag("create_if_deleted", true)?,
            overwrite: options.one_of("write_behavior", &["append", "overwrite"])? == "overwrite",
            flush_interval: seconds("flush_interval", 2.0)?,
            stale_after: seconds("stale_cleanup_interval", 10.0)?,
            folder_mode: mode(options, "dir_mode")?,
            file_mode: mode(options, "file_mode")?,
            open: Mutex::default(),
        })
    }

    /// The file for an event: its path, or the file of failures if that leads out of the folder.
    fn path(&self, item: &Item) -> PathBuf {
        let path = PathBuf::from(item.text(0));
        let leaves = path.components().any(|part| part == Component::ParentDir);
        match &self.root {
            Some(root) if leaves || !path.starts_with(root) => self.failures.clone(),
            _ => path,
        }
    }

    fn append(&self, item: &Item, open: &mut HashMap<PathBuf, Open>) -> io::Result<()> {
        let mut path = self.path(item);
        if open.contains_key(&path) && !path.exists() {
            match self.create_if_deleted {
                true => drop(open.remove(&path)),
                false => path.clone_from(&self.failures),
            }
        }
        if !open.contains_key(&path) {
            let mut file = self.open(&path)?;
            if item.data.ends_with(b"\n") && !self.gzip && is_torn(&path) {
                file.writer.write(b"\n")?;
            }
            open.insert(path.clone(), file);
        }
        let Some(file) = open.get_mut(&path) else {
            return Ok(());
        };
        file.used = Instant::now();
        file.writer.write(&item.data)
    }

    fn open(&self, path: &Path) -> io::Result<Open> {
        if let Some(folder) = path.parent() {
            let mut builder = fs::DirBuilder::new();
            builder
                .recursive(true)
                .mode(self.folder_mode.unwrap_or(0o777));
            builder.create(folder)?;
        }
        let mut options = fs::OpenOptions::new();
        options.create(true).mode(self.file_mode.unwrap_or(0o666));
        match self.overwrite {
            true => options.write(true).truncate(true),
            false => options.append(true),
        };
        let file = options.open(path)?;
        let writer = Writer::new(file, self.gzip);
        let now = Instant::now();
        Ok(Open {
            writer,
            used: now,
            flushed: now,
        })
    }

    /// Flushes files that are due, and closes those that were not used for a while.
    fn tidy(&self, open: &mut HashMap<PathBuf, Open>) -> io::Result<()> {
        let now = Instant::now();
        let is_stale = |file: &Open| now.duration_since(file.used) > self.stale_after;
        for file in open.values_mut().filter(|file| is_stale(file)) {
            // one that cannot be synced stays: nothing of it is taken for durable
            file.writer.sync()?;
        }
        open.retain(|_, file| !is_stale(file));
        // at the next look it would be late
        let due = self.flush_interval.saturating_sub(TICK);
        for file in open.values_mut() {
            if file.flushed.elapsed() >= due {
                file.writer.flush()?;
                file.flushed = Instant::now();
            }
        }
        Ok(())
    }
}

impl Output for File {
    fn write(&self, items: Vec<Item>) -> Written {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = Written::default();
        for item in &items {
            if let Err(error) = self.append(item, &mut open) {
                written.lost = true;
                tracing::error!(path = item.text(0), %error, "an event cannot be written to its file");
            }
        }
        if let Err(error) = self.tidy(&mut open) {
            written.lost = true;
            tracing::error!(%error, "a file cannot be flushed");
        }
        written
    }

    fn tick(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.tidy(&mut open) {
            tracing::error!(%error, "a file cannot be flushed");
        }
    }

    fn persist(&self) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let synced = open.values_mut().try_for_each(|file| file.writer.sync());
        if let Err(error) = &synced {
            tracing::error!(%error, "a file cannot be made durable");
        }
        synced.is_ok()
    }

    fn close(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, file) in open.drain() {
            if let Err(error) = file.writer.close() {
                tracing::error!(path = %path.display(), %error, "a file cannot be closed");
            }
        }
    }
}

/// Whether a file ends within a line: a process was killed while it wrote.
fn is_torn(path: &Path) -> bool {
    let last = || -> io::Result<u8> {
        let mut byte = [0];
        let length = fs::metadata(path)?.len();
        let before = length.checked_sub(1).ok_or(io::ErrorKind::UnexpectedEof)?;
        fs::File::open(path)?.read_exact_at(&mut byte, before)?;
        Ok(byte[0])
    };
    // what is no plain file has no length: nothing is read of it
    last().is_ok_and(|byte| byte != b'\n')
}

/// An access mode as Logstash takes it: octal digits; -1 is the system's default.
fn mode(options: Options<'_>, name: &str) -> Result<Option<u32>, Violation> {
    match options.text(name)? {
        None | Some("-1") => Ok(None),
        Some(text) => u32::from_str_radix(text, 8).map(Some).map_err(|_| {
            options.wrong(
                name,
                "wrong_type",
                format!("expected octal digits like 0750, found `{text}`"),
            )
        }),
    }
}
