//! The tables, and how a file comes to have them: opening, settings, migrations.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use domain::store::{Kind, StoreError};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::fault;
use crate::too_new;

/// What leads from each version of the schema to the next; the first one from an empty file. Never changed once
/// released: what is to be different goes into a further one.
const MIGRATIONS: [fn() -> String; 2] = [first, all_kinds];

/// The newest version of the schema.
const VERSION: i64 = MIGRATIONS.len() as i64;

fn first() -> String {
    let mut sql = String::from(
        "CREATE TABLE audit (id TEXT NOT NULL PRIMARY KEY, client TEXT, entry TEXT NOT NULL) WITHOUT ROWID;
         CREATE INDEX audit_of_client ON audit (client, id);",
    );
    for table in ["clients", "jobs", "revisions", "runs", "files", "tokens"] {
        sql.push_str(&table_of_documents(table));
    }
    sql
}

/// Tables for the kinds that came later.
fn all_kinds() -> String {
    let tables = Kind::ALL
        .iter()
        .map(|kind| table_of_documents(kind.collection()));
    tables.collect()
}

fn table_of_documents(table: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (key TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, state TEXT NOT NULL,
                                             version INTEGER NOT NULL, body TEXT NOT NULL);
         CREATE INDEX IF NOT EXISTS {table}_of_owner ON {table} (owner, key);
         CREATE INDEX IF NOT EXISTS {table}_in_state ON {table} (state, key);"
    )
}

/// The connection that writes: makes the file if it is missing, and brings its schema up to date.
pub fn open_writer(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    // made here and not by SQLite, so that nobody else may read it: it holds the digests of tokens
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|e| StoreError::Unavailable(format!("{}: {e}", path.display())))?;
    let mut connection = open(path, busy)?;
    set_up(&mut connection).map_err(|e| fault(&e))?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// A connection that only reads; it sees what was committed, and never waits for the one that writes.
pub fn open_reader(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    let connection = open(path, busy)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|e| fault(&e))?;
    Ok(connection)
}

fn open(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let at = |e: rusqlite::Error| match fault(&e) {
        StoreError::Unavailable(reason) => {
            StoreError::Unavailable(format!("{}: {reason}", path.display()))
        }
        other => other,
    };
    let connection = Connection::open_with_flags(path, flags).map_err(at)?;
    connection.busy_timeout(busy).map_err(at)?;
    Ok(connection)
}

fn set_up(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // with WAL, only FULL makes a commit durable before it is acknowledged
    connection.pragma_update(None, "synchronous", "FULL")
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = step(connection).map_err(|e| fault(&e))?;
    if found > VERSION {
        Err(too_new(found, VERSION))
    } else {
        Ok(())
    }
}

/// Carries out the migrations that are missing, all or none; gives the version that the file has then.
fn step(connection: &mut Connection) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found >= VERSION {
        return Ok(found);
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(&migration())?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(VERSION)
}
