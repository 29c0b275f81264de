//! What a client's uploads may still take. The disk is looked at from time to time, because files also come and go
//! without us; in between, what was uploaded is added up, so that many small uploads do not each look at all files.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::error::Failure;
use domain::ids::ClientId;
use domain::plan::{Plan, Refusal};

/// How long a look at the disk is good for.
const GOOD_FOR: Duration = Duration::from_secs(5);

/// The accounts of all clients.
#[derive(Default)]
pub struct Accounts(Mutex<HashMap<ClientId, Arc<Account>>>);

impl Accounts {
    /// One client's account.
    pub fn of(&self, client: &ClientId) -> Arc<Account> {
        lock(&self.0).entry(client.clone()).or_default().clone()
    }
}

/// What one client's staging directories hold, and what is on its way into them.
#[derive(Default)]
pub struct Account {
    sums: Mutex<Sums>,
    /// Held while the disk is looked at and while an upload becomes a file, so that none is counted twice or not at all.
    pub settling: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Sums {
    staged: u64,
    on_the_way: u64,
    looked: Option<Instant>,
}

impl Account {
    /// Looks at the disk, by `look`, if the last look is too long ago.
    pub async fn refresh<F>(&self, look: F) -> Result<(), Failure>
    where
        F: Future<Output = Result<u64, Failure>>,
    {
        let _settling = self.settling.lock().await;
        if lock(&self.sums)
            .looked
            .is_some_and(|at| at.elapsed() < GOOD_FOR)
        {
            return Ok(());
        }
        let staged = look.await?;
        let mut sums = lock(&self.sums);
        (sums.staged, sums.looked) = (staged, Some(Instant::now()));
        Ok(())
    }

    /// Begins an upload.
    pub fn begin(self: &Arc<Self>) -> Share {
        Share {
            account: self.clone(),
            bytes: 0,
        }
    }

    /// A file has gone, or come, without an upload: the next upload looks at the disk.
    pub fn forget(&self) {
        lock(&self.sums).looked = None;
    }
}

/// What one upload takes; given back when it is dropped.
pub struct Share {
    account: Arc<Account>,
    bytes: u64,
}

impl Share {
    /// Whether a file of so many bytes would be allowed.
    pub fn check(&self, bytes: u64, plan: &Plan) -> Result<(), Refusal> {
        let sums = lock(&self.account.sums);
        plan.check_file(bytes, sums.staged + sums.on_the_way - self.bytes)
    }

    /// Takes `more` bytes, if they are allowed.
    pub fn grow(&mut self, more: u64, plan: &Plan) -> Result<(), Refusal> {
        let mut sums = lock(&self.account.sums);
        plan.check_file(
            self.bytes + more,
            sums.staged + sums.on_the_way - self.bytes,
        )?;
        sums.on_the_way += more;
        self.bytes += more;
        Ok(())
    }

    /// The upload has become a file.
    pub fn settle(self) {
        lock(&self.account.sums).staged += self.bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        lock(&self.account.sums).on_the_way -= self.bytes;
    }
}

/// The sums are right at every moment, also if a thread has panicked beside them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
