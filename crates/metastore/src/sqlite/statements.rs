//! The statements: one function for each thing that a metadata store does.

use domain::audit::AuditEntry;
use domain::store::{Document, Kind, Query, StoreError};
use rusqlite::types::Value as Sql;
use rusqlite::{
    Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params, params_from_iter,
};

use super::executor::Fault;
use crate::body;

type Outcome<T> = Result<T, Fault>;

pub fn get(connection: &mut Connection, kind: Kind, key: &str) -> Outcome<Option<Document>> {
    let sql = format!("SELECT {COLUMNS} FROM {} WHERE key = ?1", kind.collection());
    let row = connection
        .prepare_cached(&sql)?
        .query_row([key], Stored::read)
        .optional()?;
    Ok(row.map(|stored| stored.document(kind)).transpose()?)
}

pub fn create(
    connection: &mut Connection,
    kind: Kind,
    document: &Document,
    audit: Option<&AuditEntry>,
) -> Outcome<()> {
    let text = body::encode(kind, document)?;
    let sql = format!(
        "INSERT INTO {} (key, owner, state, version, body) VALUES (?1, ?2, ?3, 1, ?4) ON CONFLICT DO NOTHING",
        kind.collection()
    );
    let transaction = begin(connection)?;
    let changed = transaction.prepare_cached(&sql)?.execute(params![
        document.key,
        document.owner,
        document.state,
        text
    ])?;
    if changed == 0 {
        return Err(StoreError::Exists {
            kind: kind.collection(),
            key: document.key.clone(),
        }
        .into());
    }
    commit(transaction, audit)
}

pub fn replace(
    connection: &mut Connection,
    kind: Kind,
    document: &Document,
    audit: Option<&AuditEntry>,
) -> Outcome<u64> {
    let text = body::encode(kind, document)?;
    let sql = format!(
        "UPDATE {} SET owner = ?3, state = ?4, version = version + 1, body = ?5 WHERE key = ?1 AND version = ?2",
        kind.collection()
    );
    let transaction = begin(connection)?;
    let values = params![
        document.key,
        signed(document.version),
        document.owner,
        document.state,
        text
    ];
    if transaction.prepare_cached(&sql)?.execute(values)? == 0 {
        return Err(stale(kind, &document.key, document.version).into());
    }
    commit(transaction, audit)?;
    Ok(document.version + 1)
}

pub fn remove(
    connection: &mut Connection,
    kind: Kind,
    key: &str,
    version: u64,
    audit: Option<&AuditEntry>,
) -> Outcome<()> {
    let sql = format!(
        "DELETE FROM {} WHERE key = ?1 AND version = ?2",
        kind.collection()
    );
    let transaction = begin(connection)?;
    if transaction
        .prepare_cached(&sql)?
        .execute(params![key, signed(version)])?
        == 0
    {
        return Err(stale(kind, key, version).into());
    }
    commit(transaction, audit)
}

pub fn put_all(connection: &mut Connection, kind: Kind, documents: &[Document]) -> Outcome<()> {
    let sql = format!(
        "INSERT INTO {} (key, owner, state, version, body) VALUES (?1, ?2, ?3, 1, ?4)
         ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, state = excluded.state, version = version + 1, body = excluded.body",
        kind.collection()
    );
    let transaction = begin(connection)?;
    {
        let mut statement = transaction.prepare_cached(&sql)?;
        for document in documents {
            statement.execute(params![
                document.key,
                document.owner,
                document.state,
                body::encode(kind, document)?
            ])?;
        }
    }
    commit(transaction, None)
}

pub fn remove_owned(connection: &mut Connection, kind: Kind, owner: &str) -> Outcome<u64> {
    let sql = format!("DELETE FROM {} WHERE owner = ?1", kind.collection());
    Ok(connection.prepare_cached(&sql)?.execute([owner])? as u64)
}

pub fn list(connection: &mut Connection, kind: Kind, query: &Query) -> Outcome<Vec<Document>> {
    let (mut conditions, mut values) = (vec!["TRUE".to_owned()], Vec::new());
    if let Some(owner) = &query.owner {
        conditions.push("owner = ?".into());
        values.push(Sql::Text(owner.clone()));
    }
    if !query.states.is_empty() {
        conditions.push(format!(
            "state IN ({})",
            vec!["?"; query.states.len()].join(", ")
        ));
        values.extend(query.states.iter().cloned().map(Sql::Text));
    }
    if let Some(after) = &query.after {
        conditions.push(
            if query.descending {
                "key < ?"
            } else {
                "key > ?"
            }
            .into(),
        );
        values.push(Sql::Text(after.clone()));
    }
    values.push(Sql::Integer(query.limit.into()));
    let sql = format!(
        "SELECT {COLUMNS} FROM {} WHERE {} ORDER BY key {} LIMIT ?",
        kind.collection(),
        conditions.join(" AND "),
        if query.descending { "DESC" } else { "ASC" }
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), Stored::read)?;
    rows.map(|row| Ok(row?.document(kind)?)).collect()
}

pub fn count(connection: &mut Connection, kind: Kind, owner: &str) -> Outcome<u64> {
    let sql = format!(
        "SELECT count(*) FROM {} WHERE owner = ?1",
        kind.collection()
    );
    let count: i64 = connection
        .prepare_cached(&sql)?
        .query_row([owner], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

pub fn audit(
    connection: &mut Connection,
    client: Option<&str>,
    before: Option<&str>,
    limit: u32,
) -> Outcome<Vec<AuditEntry>> {
    let (mut conditions, mut values) = (vec!["TRUE"], Vec::new());
    for (condition, value) in [("client = ?", client), ("id < ?", before)] {
        if let Some(value) = value {
            conditions.push(condition);
            values.push(Sql::Text(value.to_owned()));
        }
    }
    values.push(Sql::Integer(limit.into()));
    let sql = format!(
        "SELECT id, entry FROM audit WHERE {} ORDER BY id DESC LIMIT ?",
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    rows.map(|row| {
        row.map_err(Fault::from)
            .and_then(|(id, text)| Ok(body::decode_audit(&id, &text)?))
    })
    .collect()
}

pub fn ping(connection: &mut Connection) -> Outcome<String> {
    // reads from the file, so that a file that has gone is noticed
    connection
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM clients LIMIT 1)")?
        .query_row([], |row| row.get::<_, i64>(0))?;
    Ok(format!("sqlite {}", rusqlite::version()))
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

pub fn expire_audit(connection: &mut Connection, before: &str, limit: u32) -> Outcome<u64> {
    let removed = connection.execute(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < ?1 ORDER BY id LIMIT ?2)",
        params![before, limit],
    )?;
    Ok(removed as u64)
}

/// Commits a write together with its audit entry. An entry that is there already is the same one: ids are unique.
fn commit(transaction: Transaction<'_>, audit: Option<&AuditEntry>) -> Outcome<()> {
    if let Some(entry) = audit {
        let client = entry.client.as_ref().map(|client| client.as_str());
        transaction
            .prepare_cached(
                "INSERT INTO audit (id, client, entry) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![entry.id, client, body::encode_audit(entry)?])?;
    }
    Ok(transaction.commit()?)
}

fn stale(kind: Kind, key: &str, version: u64) -> StoreError {
    StoreError::Stale {
        kind: kind.collection(),
        key: key.to_owned(),
        version,
    }
}

/// Versions as SQLite keeps them. None ever comes near the end of the range; one that does matches nothing.
fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(-1)
}

const COLUMNS: &str = "key, owner, state, version, body";

/// A row of a kind's table.
struct Stored {
    key: String,
    owner: String,
    state: String,
    version: i64,
    body: String,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            key: row.get(0)?,
            owner: row.get(1)?,
            state: row.get(2)?,
            version: row.get(3)?,
            body: row.get(4)?,
        })
    }

    fn document(self, kind: Kind) -> Result<Document, StoreError> {
        let Self {
            key,
            owner,
            state,
            version,
            body,
        } = self;
        let body = body::decode(kind.collection(), &key, &body)?;
        Ok(Document {
            key,
            owner,
            state,
            version: version.unsigned_abs(),
            body,
        })
    }
}
