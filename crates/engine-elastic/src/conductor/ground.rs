//! What the containers find in the run's folder.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use domain::error::{Culprit, Failure};
use domain::worker::{DmsEndpoint, RunFolder, WorkOrder};
use engine_native::worker::environment;

use super::failures::{defect, unusable};
use super::parts::Parts;
use crate::compose;
use crate::plan::{Files, Plan};
use crate::render::{RenderError, render};

/// Who the programs in the containers are if the manager is root, which they must not be.
const NOBODY_SPECIAL: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// Makes a folder that only the platform can enter, without anything in it.
pub fn empty(folder: &Path) -> Result<(), Failure> {
    let empty = || {
        match fs::remove_dir_all(folder) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            Ok(()) | Err(_) => {}
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    };
    empty().map_err(|e| unusable(folder, &e))
}

/// Whose the files of the containers are.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// Who runs the programs.
    pub uid: NonZeroU32,
    /// Whether files have to be given to them.
    gives: bool,
}

impl Owner {
    /// The operator's choice, else the manager's own user, else [`NOBODY_SPECIAL`].
    pub fn of(order: &WorkOrder, folder: &RunFolder) -> Result<Self, Failure> {
        let path = folder.path();
        let ours = fs::metadata(path).map_err(|e| unusable(path, &e))?.uid();
        let chosen = order.containers.user.or(NonZeroU32::new(ours));
        Ok(Self {
            uid: chosen.unwrap_or(NOBODY_SPECIAL),
            gives: ours == 0,
        })
    }

    fn give(self, path: &Path) -> Result<(), Failure> {
        if !self.gives {
            return Ok(());
        }
        chown(path, Some(self.uid.get()), Some(0)).map_err(|e| unusable(path, &e))
    }

    fn give_all(self, folder: &Path) -> Result<(), Failure> {
        self.give(folder)?;
        for entry in fs::read_dir(folder).map_err(|e| unusable(folder, &e))? {
            self.give(&entry.map_err(|e| unusable(folder, &e))?.path())?;
        }
        Ok(())
    }

    fn write(self, path: &Path, text: &[u8]) -> Result<(), Failure> {
        let write = || {
            match fs::remove_file(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                Ok(()) | Err(_) => {}
            }
            let options = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .to_owned();
            options.open(path)?.write_all(text)
        };
        write().map_err(|e| unusable(path, &e))?;
        self.give(path)
    }
}

/// Copies the secrets of an order to where only the run's containers read them.
pub fn secrets(
    owner: Owner,
    folder: &RunFolder,
    dms: &DmsEndpoint,
) -> Result<DmsEndpoint, Failure> {
    let secrets = folder.path().join("secrets");
    empty(&secrets)?;
    owner.give(&secrets)?;
    let copy = |name: &str, file: &Option<PathBuf>| -> Result<Option<PathBuf>, Failure> {
        let Some(file) = file else { return Ok(None) };
        let text = fs::read(file).map_err(|e| unusable(file, &e))?;
        let path = secrets.join(name);
        owner.write(&path, text.trim_ascii_end())?;
        Ok(Some(path))
    };
    Ok(DmsEndpoint {
        api_key_file: copy("api_key", &dms.api_key_file)?,
        password_file: copy("password", &dms.password_file)?,
        ca_file: copy("ca.pem", &dms.ca_file)?,
        ..dms.clone()
    })
}

/// Whether containers or secrets of the run may be there.
pub fn is_marked(folder: &RunFolder) -> bool {
    mark(folder).exists()
}

/// Notes, durably, that containers or secrets of the run may be there.
pub fn set_mark(folder: &RunFolder) -> Result<(), Failure> {
    engine_native::write_json(&mark(folder), &true)
}

/// No container of the run is there any more.
pub fn remove_mark(folder: &RunFolder) -> Result<(), Failure> {
    let mark = mark(folder);
    match fs::remove_file(&mark) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(unusable(&mark, &e)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn mark(folder: &RunFolder) -> PathBuf {
    folder.path().join("containers.json")
}

/// Removes the frames, and what was noted of them.
pub fn sweep(folder: &RunFolder) -> Result<(), Failure> {
    let files = Files::of(folder);
    Parts::forget(folder)?;
    for folder in [&files.frames, &files.outcomes, &files.dead_letters] {
        empty(folder)?;
    }
    Ok(())
}

/// Takes the secrets away.
pub fn forget_secrets(folder: &RunFolder) -> Result<(), Failure> {
    let secrets = folder.path().join("secrets");
    match fs::remove_dir_all(&secrets) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(unusable(&secrets, &e)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Lays out everything that the containers of a plan mount. `by_hand` is the plan for people who start them themselves.
pub fn lay(
    owner: Owner,
    order: &WorkOrder,
    folder: &RunFolder,
    by_hand: &Plan,
) -> Result<(), Failure> {
    let files = Files::of(folder);
    for writable in [&files.outcomes, &files.dead_letters] {
        empty(writable)?;
        owner.give(writable)?;
    }
    owner.give_all(&files.frames)?;
    let workers = order.cpu_millis.div_ceil(1000);
    let rendered = render(&order.spec, &environment(order), &order.dms, workers);
    for file in rendered.map_err(not_rendered)? {
        owner.write(&folder.path().join(file.name), file.text.as_bytes())?;
    }
    let compose = compose::render(by_hand).map_err(|e| defect(&e.to_string()))?;
    owner.write(
        &folder.path().join("docker-compose.yml"),
        compose.compose.as_bytes(),
    )?;
    owner.write(&folder.path().join(".env"), compose.env.as_bytes())
}

fn not_rendered(error: RenderError) -> Failure {
    let message = format!("the job cannot be done by Logstash: {error}");
    let next_step = "change what is named there, or use the native engine";
    Failure::permanent("spec_invalid", Culprit::Client, message, next_step)
}
