//! `ingest stage`: uploads with their checksum, lists, removals.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::{Client, Page};
use domain::ids::JobRef;
use domain::staging::StagedFile;
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::Context;
use crate::args::StageCommand;
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::{human, staging};
use crate::spec_file::STDIN;

/// Read at once.
const READ_BYTES: usize = 256 << 10;
/// How often an upload that breaks off is gone on with, without any progress in between: the manager takes up to a minute
/// to find that a connection is dead.
const TRIES: u32 = 8;
/// The wait before one, times their number.
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

pub(super) async fn run(context: &Context, command: StageCommand) -> Result<Exit, CliError> {
    match command {
        StageCommand::Put { job, files, name } => put(context, &job, &files, name.as_deref()).await,
        StageCommand::List { job, page } => {
            let api = context.client(Role::Client(&job.client))?;
            context
                .list(
                    &page,
                    async |query| api.staged(&job, &query).await,
                    staging::list,
                )
                .await
        }
        StageCommand::Delete { job, names } => {
            let api = context.client(Role::Client(&job.client))?;
            for name in names {
                api.unstage(&job, &name).await?;
                context.out.done(format!("removed {name}"))?;
            }
            Ok(Exit::Ok)
        }
    }
}

async fn put(
    context: &Context,
    job: &JobRef,
    files: &[PathBuf],
    name: Option<&str>,
) -> Result<Exit, CliError> {
    let names = staged_names(files, name)?;
    let api = context.client(Role::Client(&job.client))?;
    let mut page = Page {
        items: Vec::new(),
        next: None,
    };
    for (path, name) in files.iter().zip(&names) {
        let staged = upload(context, &api, job, path, name).await?;
        context.out.done(staging::staged(&staged))?;
        page.items.push(staged);
    }
    if context.out.is_json() {
        context.out.json(&page)?;
    }
    Ok(Exit::Ok)
}

/// The names that the files shall have. Two of one name would be in each other's way.
fn staged_names(files: &[PathBuf], name: Option<&str>) -> Result<Vec<String>, CliError> {
    let usage = |message: String, next_step: &str| CliError::Usage {
        message,
        next_step: next_step.into(),
    };
    if let (Some(name), [_]) = (name, files) {
        return Ok(vec![name.to_owned()]);
    }
    if name.is_some() {
        return Err(usage(
            "--name is for one file".into(),
            "leave it out, or stage the files one by one",
        ));
    }
    let mut names: Vec<String> = Vec::new();
    for path in files {
        if path == Path::new(STDIN) {
            return Err(usage(
                "standard input has no name".into(),
                "give it one by --name, and stage it alone",
            ));
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(usage(
                format!("{} has no name that can be staged", path.display()),
                "give it one by --name",
            ));
        };
        if names.iter().any(|other| other == name) {
            return Err(usage(
                format!("two of the files are called {name:?}"),
                "stage one of them under another --name",
            ));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

async fn upload(
    context: &Context,
    api: &Client,
    job: &JobRef,
    path: &Path,
    name: &str,
) -> Result<StagedFile, CliError> {
    if path == Path::new(STDIN) {
        return upload_stdin(api, job, name).await;
    }
    let progress = Meter::new(context, path)?;
    progress.says("hashing", name);
    let sha256 = hash(path, &progress)
        .await
        .map_err(|source| CliError::File {
            path: path.to_owned(),
            source,
        })?;
    let staged = send(context, api, job, path, name, &sha256, &progress).await;
    progress.bar.finish_and_clear();
    staged
}

/// Sends a file, and goes on where it was when it breaks off: also where an earlier command was.
async fn send(
    context: &Context,
    api: &Client,
    job: &JobRef,
    path: &Path,
    name: &str,
    sha256: &str,
    progress: &Meter,
) -> Result<StagedFile, CliError> {
    progress.says("sending", name);
    let mut offset = api.upload_progress(job, name, sha256).await?.offset;
    let mut tries = 0;
    loop {
        progress.bar.set_position(offset);
        if offset > 0 {
            let before = human::bytes(offset);
            context.out.note(format!(
                "{name}: {before} have come before, going on from there"
            ));
        }
        let bar = progress.bar.clone();
        let counted = move |bytes| bar.inc(bytes);
        let sent = api
            .stage_file(job, name, path, sha256, offset, counted)
            .await;
        match sent {
            Err(e) if e.broke_off() && tries < TRIES => {}
            sent => return Ok(sent?),
        }
        tries += 1;
        tokio::time::sleep(BETWEEN_TRIES * tries).await;
        // while the manager cannot be asked, the next try tells
        if let Ok(now) = api.upload_progress(job, name, sha256).await {
            if now.offset > offset {
                // what has come in between buys new patience
                tries = 0;
            }
            offset = now.offset;
        }
    }
}

/// SHA-256 of a file, hexadecimal.
async fn hash(path: &Path, progress: &Meter) -> std::io::Result<String> {
    let mut file = tokio::fs::File::open(path).await?;
    let mut buffer = vec![0; READ_BYTES];
    let mut hash = Sha256::new();
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..read]);
        progress.bar.inc(read as u64);
    }
}

/// Uploads standard input. Its checksum is only known at its end, so it is compared with what the manager has got.
async fn upload_stdin(api: &Client, job: &JobRef, name: &str) -> Result<StagedFile, CliError> {
    let hash = Arc::new(Mutex::new(Sha256::new()));
    let seen = hash.clone();
    let stdin = std::io::stdin().as_fd().try_clone_to_owned()?;
    let stdin = tokio::fs::File::from_std(stdin.into());
    let body = ReaderStream::with_capacity(stdin, READ_BYTES).inspect(move |piece| {
        if let Ok(piece) = piece {
            seen.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .update(piece);
        }
    });
    let staged = api.stage(job, name, body, None, None).await?;
    let sent = hex::encode(
        hash.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .finalize(),
    );
    match &staged.sha256 {
        Some(got) if *got != sent => Err(CliError::Invalid {
            message: format!(
                "{name} was staged, but its SHA-256 there is {got}, and {sent} was sent: remove it with `ingest stage delete {job} {name}`"
            ),
        }),
        _ => Ok(staged),
    }
}

/// An upload's progress on standard error, if somebody looks.
struct Meter {
    bar: ProgressBar,
}

impl Meter {
    fn new(context: &Context, path: &Path) -> Result<Self, CliError> {
        let bytes = std::fs::metadata(path)
            .map_err(|source| CliError::File {
                path: path.to_owned(),
                source,
            })?
            .len();
        let bar = if context.out.on_terminal() {
            ProgressBar::new(bytes)
        } else {
            ProgressBar::hidden()
        };
        let template = "{msg}  {bar:20} {percent:>3} %  {binary_bytes} of {binary_total_bytes} · {binary_bytes_per_sec}";
        // the default style serves where this one cannot be had
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Ok(Self { bar })
    }

    /// Begins a pass over the file.
    fn says(&self, what: &str, name: &str) {
        self.bar.reset();
        self.bar.set_message(format!("{what} {name}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[&str], name: Option<&str>) -> Result<Vec<String>, String> {
        let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
        staged_names(&files, name).map_err(|e| e.to_string())
    }

    #[test]
    fn files_keep_their_names_unless_one_is_given_another() {
        assert_eq!(
            names(&["a/x.csv", "b/y.csv"], None).unwrap(),
            ["x.csv", "y.csv"]
        );
        assert_eq!(names(&["a/x.csv"], Some("z.csv")).unwrap(), ["z.csv"]);
        assert_eq!(names(&["-"], Some("z.csv")).unwrap(), ["z.csv"]);
        for (files, name) in [
            (vec!["-"], None),
            (vec!["a/x.csv", "b/x.csv"], None),
            (vec!["a.csv", "b.csv"], Some("z.csv")),
            (vec!["a.csv", "-"], None),
            (vec![".."], None),
        ] {
            names(&files, name).unwrap_err();
        }
    }
}
