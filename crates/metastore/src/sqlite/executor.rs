//! A connection on a thread of its own, behind a bounded queue: SQLite's calls block, and one connection does one thing
//! at a time.

use std::time::Duration;

use domain::store::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::fault;

type Task = Box<dyn FnOnce(&mut Connection) + Send>;

/// So many calls may wait; further ones wait for a place in the queue.
const QUEUE: usize = 256;

/// A handle on the thread. The thread ends, and the connection closes, when the handle is dropped.
pub struct Executor {
    queue: mpsc::Sender<Task>,
    limit: Duration,
}

impl Executor {
    /// Opens a connection on a new thread.
    pub async fn start<F>(name: &str, limit: Duration, open: F) -> Result<Self, StoreError>
    where
        F: FnOnce() -> Result<Connection, StoreError> + Send + 'static,
    {
        let (queue, mut tasks) = mpsc::channel::<Task>(QUEUE);
        let (opened, ready) = oneshot::channel();
        let run = move || match open() {
            Ok(mut connection) => {
                if opened.send(Ok(())).is_ok() {
                    while let Some(task) = tasks.blocking_recv() {
                        task(&mut connection);
                    }
                }
            }
            // nobody listens any more if the send fails: there is nobody to tell
            Err(e) => drop(opened.send(Err(e))),
        };
        std::thread::Builder::new()
            .name(name.into())
            .spawn(run)
            .map_err(|e| StoreError::Unavailable(e.to_string()))?;
        ready.await.map_err(|_| gone())??;
        Ok(Self { queue, limit })
    }

    /// Does `work` with the connection. After the limit the caller is told that the store is unavailable, and work that
    /// has not begun by then is not done.
    pub async fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(move |connection: &mut Connection| {
            if !reply.is_closed() {
                let result = work(connection).map_err(Fault::into_store_error);
                // the caller may have given up meanwhile; it was told so
                drop(reply.send(result));
            }
        });
        let whole = async {
            self.queue.send(task).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        };
        let waited = format!("no answer within {:?}", self.limit);
        tokio::time::timeout(self.limit, whole)
            .await
            .unwrap_or(Err(StoreError::Unavailable(waited)))
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the thread of its connection has ended".into())
}

/// What work on a connection fails with: `?` works on SQLite's errors and on the store's own.
pub enum Fault {
    /// Of SQLite.
    Sqlite(rusqlite::Error),
    /// Of this adapter.
    Store(StoreError),
}

impl Fault {
    fn into_store_error(self) -> StoreError {
        match self {
            Fault::Sqlite(e) => fault(&e),
            Fault::Store(e) => e,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(e: rusqlite::Error) -> Self {
        Fault::Sqlite(e)
    }
}

impl From<StoreError> for Fault {
    fn from(e: StoreError) -> Self {
        Fault::Store(e)
    }
}
