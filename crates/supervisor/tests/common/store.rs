//! A metadata store in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use domain::audit::AuditEntry;
use domain::ids::ClientId;
use domain::store::{Document, Kind, MetadataStore, Query, StoreError};

use super::faults::Faults;

pub struct MemoryStore {
    documents: Mutex<BTreeMap<(Kind, String), Document>>,
    faults: Faults,
}

impl MemoryStore {
    pub fn new(faults: Faults) -> Self {
        Self {
            documents: Mutex::default(),
            faults,
        }
    }

    async fn write<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<(Kind, String), Document>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.faults.point().await {
            return Err(StoreError::Unavailable("told to by the test".into()));
        }
        let done = change(&mut self.documents.lock().unwrap());
        if self.faults.point().await {
            return Err(StoreError::Unavailable("it was written, though".into()));
        }
        done
    }
}

#[async_trait]
impl MetadataStore for MemoryStore {
    async fn get(&self, kind: Kind, key: &str) -> Result<Option<Document>, StoreError> {
        if self.faults.store_is_down() {
            return Err(StoreError::Unavailable("switched off".into()));
        }
        Ok(self
            .documents
            .lock()
            .unwrap()
            .get(&(kind, key.into()))
            .cloned())
    }

    async fn create(
        &self,
        kind: Kind,
        document: Document,
        _: Option<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.write(|documents| {
            let at = (kind, document.key.clone());
            if documents.contains_key(&at) {
                return Err(StoreError::Exists {
                    kind: kind.collection(),
                    key: document.key,
                });
            }
            documents.insert(
                at,
                Document {
                    version: 1,
                    ..document
                },
            );
            Ok(())
        })
        .await
    }

    async fn replace(
        &self,
        kind: Kind,
        document: Document,
        _: Option<AuditEntry>,
    ) -> Result<u64, StoreError> {
        self.write(|documents| {
            let at = (kind, document.key.clone());
            let stored = documents
                .get_mut(&at)
                .filter(|stored| stored.version == document.version);
            let Some(stored) = stored else {
                return Err(StoreError::Stale {
                    kind: kind.collection(),
                    key: document.key,
                    version: document.version,
                });
            };
            *stored = Document {
                version: document.version + 1,
                ..document
            };
            Ok(stored.version)
        })
        .await
    }

    async fn remove(
        &self,
        kind: Kind,
        key: &str,
        _: u64,
        _: Option<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.write(|documents| {
            documents.remove(&(kind, key.to_owned()));
            Ok(())
        })
        .await
    }

    async fn put_all(&self, kind: Kind, all: Vec<Document>) -> Result<(), StoreError> {
        self.write(|documents| {
            for document in all {
                documents.insert((kind, document.key.clone()), document);
            }
            Ok(())
        })
        .await
    }

    async fn remove_owned(&self, kind: Kind, owner: &str) -> Result<u64, StoreError> {
        self.write(|documents| {
            let before = documents.len();
            documents.retain(|(of, _), document| *of != kind || document.owner != owner);
            Ok((before - documents.len()) as u64)
        })
        .await
    }

    async fn list(&self, kind: Kind, query: &Query) -> Result<Vec<Document>, StoreError> {
        if self.faults.store_is_down() {
            return Err(StoreError::Unavailable("switched off".into()));
        }
        let documents = self.documents.lock().unwrap();
        let selected = documents.iter().filter(|((of, key), document)| {
            *of == kind
                && query
                    .owner
                    .as_ref()
                    .is_none_or(|owner| *owner == document.owner)
                && (query.states.is_empty() || query.states.contains(&document.state))
                && query.after.as_ref().is_none_or(|after| key > after)
        });
        Ok(selected
            .take(query.limit as usize)
            .map(|(_, document)| document.clone())
            .collect())
    }

    async fn count(&self, _: Kind, _: &str) -> Result<u64, StoreError> {
        Err(StoreError::Refused("not needed here".into()))
    }

    async fn expire_audit(&self, _: &str, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn audit(
        &self,
        _: Option<&ClientId>,
        _: Option<&str>,
        _: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        Err(StoreError::Refused("not needed here".into()))
    }

    async fn ping(&self) -> Result<String, StoreError> {
        Ok("memory".into())
    }
}
