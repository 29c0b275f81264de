//! A key for each run: minted before a launch, limited to its client's indices, revoked when the run is torn down.
//!
//! The file `dms.key` in the run folder is there, if only empty, from before the key is minted until after it is revoked.
//! So a manager that comes after a crash knows what to revoke, and servers without security are never asked.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coredms::client::{Client, SecurityError, WriteKey};
use domain::error::{Culprit, Failure};
use domain::ids::{ClientId, RunId};
use domain::ports::RunContext;
use domain::run::Run;
use domain::worker::RunFolder;
use serde_json::json;

use super::failure::failure;
use crate::home::write_private;

/// A key that nobody could revoke is void after so long. A worker that outlives its key is launched again with a new one.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// Gives runs keys of their own, where the server does.
#[derive(Default)]
pub(super) struct RunKeys {
    /// Clients whose read-only role was put in place by this manager.
    roles: Mutex<BTreeSet<ClientId>>,
    /// What was said of why something is not done.
    said: Mutex<BTreeSet<String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RunKeys {
    /// Puts a fresh key into the run folder; false where the server or the platform's credentials give none.
    pub(super) async fn mint(
        &self,
        client: &Client,
        context: &RunContext,
    ) -> Result<bool, Failure> {
        let RunContext { run, folder, .. } = context;
        revoke(client, run, folder).await?;
        write(folder, "")?;
        let key = WriteKey {
            name: name(&run.id),
            indices: format!("{}.*", run.client),
            lifetime: LIFETIME,
            metadata: json!({ "managed_by": "ingest", "client": run.client, "job": run.job, "run": run.id }),
        };
        match client.create_write_key(&key).await {
            Ok(key) => write(folder, &key.encoded)?,
            Err(SecurityError::Client(error)) => return Err(failure(error)),
            Err(none) => {
                self.say_once(&none, "runs write with the platform's own credentials");
                remove(folder)?;
                return Ok(false);
            }
        }
        self.put_role(client, &run.client).await;
        Ok(true)
    }

    /// Puts the client's read-only role in place, once; without it only nobody can be given that role.
    async fn put_role(&self, client: &Client, of: &ClientId) {
        if locked(&self.roles).contains(of) {
            return;
        }
        let role = format!("ingest-{of}-read");
        match client.put_read_role(&role, &format!("{of}.*")).await {
            Ok(()) => drop(locked(&self.roles).insert(of.clone())),
            Err(error) => self.say_once(&error, "clients get no read-only roles"),
        }
    }

    fn say_once(&self, error: &SecurityError, consequence: &str) {
        // the server's reason names a key or a user, the kind of error does not change
        let kind = match error {
            SecurityError::Client(_) => "call",
            SecurityError::Disabled { .. } => "disabled",
            SecurityError::NotPermitted { .. } => "not permitted",
        };
        if locked(&self.said).insert(format!("{kind}: {consequence}")) {
            tracing::warn!(%error, "{consequence}");
        }
    }
}

/// Makes the keys of a run void; changes nothing where it can have none.
pub(super) async fn revoke(client: &Client, run: &Run, folder: &RunFolder) -> Result<(), Failure> {
    if !folder.dms_key().exists() {
        return Ok(());
    }
    match client.revoke_keys(&name(&run.id)).await {
        Ok(_) => {}
        Err(SecurityError::Client(error)) => return Err(failure(error)),
        // given by a server, or for credentials, that the platform had before
        Err(error) => {
            tracing::warn!(run = %run.id, %error, "a run's key is left to expire");
        }
    }
    remove(folder)
}

fn name(run: &RunId) -> String {
    format!("ingest-{run}")
}

fn write(folder: &RunFolder, key: &str) -> Result<(), Failure> {
    write_private(&folder.dms_key(), key.as_bytes()).map_err(|error| unusable(folder, &error))
}

fn remove(folder: &RunFolder) -> Result<(), Failure> {
    match std::fs::remove_file(folder.dms_key()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(folder, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn unusable(folder: &RunFolder, error: &io::Error) -> Failure {
    let path = folder.dms_key();
    let message = format!("the run's key {} cannot be kept: {error}", path.display());
    let next_step = "the operator has to make the run folder writable, or make room on its disk; the run goes on by itself then";
    Failure::transient("run_folder_unusable", Culprit::Platform, message, next_step)
}
