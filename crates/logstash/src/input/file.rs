//! `file`: follows files (`mode => tail`) or reads them once (`mode => read`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use wrangling::ast::Plugin;
use wrangling::{EcsCompatibility, Field, Violation};

use super::discover::Patterns;
use super::file_reader::FileReader;
use super::sincedb::{FileId, SinceDb};
use super::watch::Watch;
use super::{Feed, Input, InputContext, codec};
use crate::codec::{Decoder, Lines};
use crate::event::hostname;
use crate::options::Options;

pub const OPTIONS: &[&str] = &[
    "check_archive_validity",
    "close_older",
    "delimiter",
    "discover_interval",
    "exclude",
    "exit_after_read",
    "file_chunk_count",
    "file_chunk_size",
    "file_completed_action",
    "file_completed_log_path",
    "file_sort_by",
    "file_sort_direction",
    "ignore_older",
    "max_open_files",
    "mode",
    "path",
    "sincedb_clean_after",
    "sincedb_path",
    "sincedb_write_interval",
    "start_position",
    "stat_interval",
];
const DAY_SECONDS: f64 = 86_400.0;
/// Longest sleep between two looks at whether to end.
const LOOK: Duration = Duration::from_millis(100);

/// The file input.
#[derive(Debug)]
pub struct File {
    patterns: Patterns,
    codec: Plugin,
    delimiter: String,
    /// Of the codec's fields, and of this input's own.
    codec_ecs: EcsCompatibility,
    ecs: EcsCompatibility,
    host: String,
    /// Files are complete: read once, then done with.
    pub(super) read_once: bool,
    exit_after_read: bool,
    from_start: bool,
    pub(super) delete_completed: bool,
    completed_log: Option<PathBuf>,
    sincedb_path: PathBuf,
    keep_seconds: f64,
    save_interval: Duration,
    stat_interval: Duration,
}

impl File {
    pub fn compile(options: Options<'_>, context: &InputContext) -> Result<Self, Violation> {
        options
            .required("path")
            .or_else(|error| match options.list("path")?.is_empty() {
                true => Err(error),
                false => Ok(""),
            })?;
        let paths = options.list("path")?;
        let mut patterns = Patterns::compile(&paths, &options.list("exclude")?)
            .map_err(|reason| options.wrong("path", "invalid_path", reason))?;
        patterns.ignore_older = options.number("ignore_older")?.map(Duration::from_secs_f64);
        patterns.by_path = options.one_of("file_sort_by", &["last_modified", "path"])? == "path";
        patterns.descending = options.one_of("file_sort_direction", &["asc", "desc"])? == "desc";
        // compiled for each file again; here only to find out what is wrong with it
        let _checked = codec(options, "plain", false, context)?;
        let read_once = options.one_of("mode", &["tail", "read"])? == "read";
        let exit_after_read = options.flag("exit_after_read", false)?;
        if exit_after_read && !read_once {
            let message =
                "`exit_after_read` needs `mode => read`: a file that is followed has no end";
            return Err(options.wrong("exit_after_read", "invalid_value", message));
        }
        let action = options.one_of(
            "file_completed_action",
            &["delete", "log", "log_and_delete"],
        )?;
        let completed_log = options.text("file_completed_log_path")?.map(PathBuf::from);
        if read_once && action != "delete" && completed_log.is_none() {
            let message =
                format!("`file_completed_action => {action}` needs `file_completed_log_path`");
            return Err(options.wrong("file_completed_log_path", "missing_option", message));
        }
        let seconds = |name: &str, default: f64| -> Result<f64, Violation> {
            Ok(options.number(name)?.unwrap_or(default))
        };
        let sincedb_path = match options.text("sincedb_path")? {
            Some(path) => PathBuf::from(path),
            None => default_sincedb(&context.data, &paths),
        };
        Ok(Self {
            patterns,
            codec: options.codec("plain")?,
            delimiter: options.text("delimiter")?.unwrap_or("\n").to_owned(),
            codec_ecs: context.ecs,
            ecs: options.ecs(context.ecs)?,
            host: hostname(),
            read_once,
            exit_after_read,
            from_start: options.one_of("start_position", &["end", "beginning"])? == "beginning",
            delete_completed: action != "log",
            completed_log: completed_log.filter(|_| action != "delete"),
            sincedb_path,
            keep_seconds: seconds("sincedb_clean_after", 14.0)? * DAY_SECONDS,
            save_interval: Duration::from_secs_f64(seconds("sincedb_write_interval", 15.0)?),
            stat_interval: Duration::from_secs_f64(seconds("stat_interval", 1.0)?),
        })
    }

    /// A reader of a file from `position` on.
    pub(super) fn reader(
        &self,
        path: &Path,
        id: FileId,
        position: u64,
    ) -> Result<FileReader, Violation> {
        let decoder = Decoder::compile(&self.codec, false, self.codec_ecs)?;
        let name = path.to_string_lossy().into_owned();
        let (path_field, host_field) = match self.ecs {
            EcsCompatibility::V8 => ("[log][file][path]", "[host][name]"),
            EcsCompatibility::Disabled => ("path", "host"),
        };
        let defaults: Arc<[(String, Field)]> = [
            ("[@metadata][path]", &name),
            ("[@metadata][host]", &self.host),
            (host_field, &self.host),
            (path_field, &name),
        ]
        .map(|(field, text)| (field.to_owned(), Field::Text(text.clone())))
        .into();
        Ok(FileReader::new(
            id,
            position,
            Lines::new(&self.delimiter),
            decoder,
            defaults,
        ))
    }

    /// Where to begin in a file that was not open yet.
    pub(super) fn start(&self, known: Option<u64>, size: u64, first_look: bool) -> u64 {
        match known {
            // smaller than what was read: it was cut, and begins anew
            Some(position) if position <= size => position,
            Some(_) => 0,
            None if self.read_once || self.from_start || !first_look => 0,
            None => size,
        }
    }

    /// Does with a file that was read what is to be done.
    pub(super) fn complete(&self, path: &Path) -> io::Result<()> {
        if let Some(log) = &self.completed_log {
            let mut log = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(log)?;
            writeln!(log, "{}", path.display())?;
        }
        match self.delete_completed {
            true => std::fs::remove_file(path),
            false => Ok(()),
        }
    }
}

impl Input for File {
    fn run(self: Box<Self>, feed: Feed) {
        let db = match SinceDb::open(self.sincedb_path.clone(), self.keep_seconds) {
            Ok(db) => db,
            Err(error) => {
                tracing::error!(path = %self.sincedb_path.display(), %error, "the file input cannot read its positions");
                return;
            }
        };
        let mut watch = Watch::new(&self, &feed, db);
        let mut saved = Instant::now();
        while !feed.is_stopped() {
            let found = self.patterns.find();
            watch.look(&found);
            if self.read_once && (self.exit_after_read || !found.is_empty()) {
                break;
            }
            if saved.elapsed() >= self.save_interval {
                watch.save();
                saved = Instant::now();
            }
            let looked = Instant::now();
            while !feed.is_stopped() && looked.elapsed() < self.stat_interval {
                std::thread::sleep(LOOK.min(self.stat_interval));
            }
        }
        watch.end();
    }
}

fn default_sincedb(data: &Path, paths: &[&str]) -> PathBuf {
    let digest = Sha256::digest(paths.join(","));
    let name: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    data.join("plugins/inputs/file")
        .join(format!(".sincedb_{name}"))
}
