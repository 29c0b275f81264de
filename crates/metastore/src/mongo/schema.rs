//! The database's schema: its version, and its indexes.

use ::mongodb::bson::{Document as Bdoc, doc};
use ::mongodb::options::IndexOptions;
use ::mongodb::{Database, IndexModel};
use domain::store::{Kind, StoreError};

use super::AUDIT;
use super::fault::fault;
use crate::too_new;

/// The newest version of the schema. What leads to a further one is to be carried out in [`prepare`].
const VERSION: i64 = 1;

/// Brings a database up to date, or refuses one that is too new. Called again it changes nothing.
pub async fn prepare(db: &Database) -> Result<(), StoreError> {
    let meta = db.collection::<Bdoc>("meta");
    let found = meta
        .find_one(doc! { "_id": "schema" })
        .await
        .map_err(fault)?;
    let version = found
        .and_then(|stored| stored.get_i64("version").ok())
        .unwrap_or(0);
    if version > VERSION {
        return Err(too_new(version, VERSION));
    }
    for kind in Kind::ALL {
        let indexes = [
            index(doc! { "owner": 1, "_id": 1 }, false),
            index(doc! { "state": 1, "_id": 1 }, false),
            index(doc! { "outbox.id": 1 }, true),
            index(doc! { "removed": 1 }, true),
        ];
        db.collection::<Bdoc>(kind.collection())
            .create_indexes(indexes)
            .await
            .map_err(fault)?;
    }
    db.collection::<Bdoc>(AUDIT)
        .create_index(index(doc! { "client": 1, "_id": 1 }, false))
        .await
        .map_err(fault)?;
    let update = doc! { "$max": { "version": VERSION } };
    meta.update_one(doc! { "_id": "schema" }, update)
        .upsert(true)
        .await
        .map_err(fault)?;
    Ok(())
}

fn index(keys: Bdoc, sparse: bool) -> IndexModel {
    let options = sparse.then(|| IndexOptions::builder().sparse(true).build());
    IndexModel::builder().keys(keys).options(options).build()
}
