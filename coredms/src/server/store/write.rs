//! Writing to an index: operations become log entries and documents, and are durable on return.

use super::{
    index::{Index, Pending, State, find, id_term, version},
    schema::IndexedDoc,
    wal::{Frame, Kind},
};
use crate::server::{
    error::{EsError, EsResult},
    mapping::{self, Mapping, ReadError, Values},
};
use bytes::Bytes;
use rand::Rng;
use std::sync::Arc;
use tantivy::Searcher;

/// Longest id in bytes.
const MAX_ID: usize = 512;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Write a document, replacing one of the same id.
    Index,
    /// Write a document unless the id exists.
    Create,
    /// Remove a document.
    Delete,
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// What to do.
    pub action: Action,
    /// The id; made up when there is none.
    pub id: Option<String>,
    /// The document.
    pub source: Bytes,
    /// Only if this is the number of the operation that last wrote the document.
    pub if_seq: Option<u64>,
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A new document.
    Created,
    /// A document replaced.
    Updated,
    /// A document removed.
    Deleted,
    /// Nothing to remove.
    NotFound,
}

/// The answer to an operation that was carried out.
#[derive(Debug)]
pub struct Done {
    /// Version of the document now.
    pub version: u64,
    /// Sequence number of the operation.
    pub seq: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// An operation with its id and its answer.
#[derive(Debug)]
pub struct Answer {
    /// The document's id.
    pub id: String,
    /// The result.
    pub result: EsResult<Done>,
}

/// An operation prepared outside of the lock.
struct Prepared {
    action: Action,
    id: String,
    source: Bytes,
    document: Result<(Arc<Mapping>, Values), ReadError>,
    if_seq: Option<u64>,
    /// Version and sequence number in the last commit.
    committed: Option<(u64, u64)>,
}

impl Index {
    /// Carries out the operations in order. When this returns, all that succeeded are on disk.
    ///
    /// # Errors
    /// When the index as a whole is out of service; refusals of single operations are in their answers.
    pub fn apply(&self, operations: Vec<Operation>) -> EsResult<Vec<Answer>> {
        let mapping = self.mapping();
        let (searcher, generation) = self.snapshot()?;
        let prepared = operations
            .into_iter()
            .map(|operation| prepare(operation, &mapping, &searcher))
            .collect::<EsResult<Vec<_>>>()?;
        drop(searcher);

        let mut state = self.lock()?;
        let outcome = self.apply_locked(&mut state, prepared, generation);
        let (answers, log, end) = match outcome {
            Ok(done) => done,
            Err(error) => return Err(self.fail(&mut state, error)),
        };
        self.commit_if_large(&mut state)?;
        drop(state);
        log.sync(end).map_err(|error| self.fail_now(error.into()))?;
        Ok(answers)
    }

    #[allow(clippy::type_complexity)]
    fn apply_locked(
        &self,
        state: &mut State,
        prepared: Vec<Prepared>,
        generation: u64,
    ) -> EsResult<(Vec<Answer>, Arc<super::log::Log>, u64)> {
        // A commit since the snapshot: what was pending then must be looked up again.
        let newer = if state.generation == generation {
            None
        } else {
            Some(self.reader_now())
        };
        let start = state.log.len();
        let mut frame = Frame::new(state.next_seq);
        let mut documents = Vec::with_capacity(prepared.len());
        let mut answers = Vec::with_capacity(prepared.len());
        for mut operation in prepared {
            if let Some(searcher) = &newer {
                operation.committed = committed_version(searcher, &operation.id)?;
            }
            let id = operation.id.clone();
            let result = self.decide(state, operation, start, &mut frame, &mut documents)?;
            answers.push(Answer { id, result });
        }
        if !frame.is_empty() {
            state.log.append(&frame.finish())?;
            let writer = self.writer(state)?;
            for (removed, document) in documents {
                if let Some(id) = removed {
                    writer.delete_term(id_term(&id));
                }
                if let Some(document) = document {
                    writer.add_document(document)?;
                }
            }
        }
        Ok((answers, state.log.clone(), state.log.len()))
    }

    /// Decides one operation and notes what follows from it. The outer error is the disk's.
    fn decide(
        &self,
        state: &mut State,
        operation: Prepared,
        start: u64,
        frame: &mut Frame,
        documents: &mut Vec<(Option<String>, Option<IndexedDoc>)>,
    ) -> EsResult<EsResult<Done>> {
        let Prepared {
            action,
            id,
            source,
            document,
            if_seq,
            committed,
        } = operation;
        let pending = state.pending.get(id.as_str());
        // What the id stands for now; a removed document leaves its version.
        let current = match pending {
            Some(pending) => Some((pending.version, pending.seq, pending.source.is_some())),
            None => committed.map(|(version, seq)| (version, seq, true)),
        };
        let exists = current.is_some_and(|(_, _, exists)| exists);
        let next = Done {
            version: current.map_or(1, |(version, ..)| version + 1),
            seq: state.next_seq,
            outcome: match (action, exists) {
                (Action::Delete, true) => Outcome::Deleted,
                (Action::Delete, false) => Outcome::NotFound,
                (_, true) => Outcome::Updated,
                (_, false) => Outcome::Created,
            },
        };
        let conflict = |what: String| {
            Ok(Err(EsError::new(
                409,
                "version_conflict_engine_exception",
                format!("[{id}]: version conflict, {what}"),
            )
            .about(&self.name())))
        };
        if action == Action::Create && exists {
            return conflict(format!(
                "document already exists (current version [{}])",
                next.version - 1
            ));
        }
        if let Some(required) = if_seq {
            match current {
                Some((_, seq, true)) if seq == required => {}
                Some((_, seq, true)) => {
                    return conflict(format!(
                        "required seqNo [{required}], primary term [1]. current document has seqNo [{seq}] and primary term [1]"
                    ));
                }
                _ => {
                    return conflict(format!(
                        "required seqNo [{required}], primary term [1]. but no document was found"
                    ));
                }
            }
        }
        let removed = exists.then(|| id.clone());
        if action == Action::Delete {
            frame.push(Kind::Delete, next.version, &id, b"");
            documents.push((removed, None));
            state.pending.insert(
                id.into(),
                Pending {
                    version: next.version,
                    seq: next.seq,
                    source: None,
                },
            );
            state.next_seq += 1;
            return Ok(Ok(next));
        }
        let (mapping, values) = match document {
            Ok(read) => read,
            Err(ReadError::Refused(error)) => return Ok(Err(error)),
            Err(ReadError::Unmapped) => match self.read_unmapped(&source, &id)? {
                Ok(read) => read,
                Err(error) => return Ok(Err(error)),
            },
        };
        let kind = if exists { Kind::Replace } else { Kind::Add };
        let offset = start + frame.push(kind, next.version, &id, &source);
        let place = Pending {
            version: next.version,
            seq: next.seq,
            source: Some((offset, source.len() as u32)),
        };
        state.pending.insert(id.as_str().into(), place);
        let document = IndexedDoc {
            id: id.into(),
            source,
            seq: next.seq,
            version: next.version,
            mapping,
            values,
        };
        documents.push((removed, Some(document)));
        state.next_seq += 1;
        Ok(Ok(next))
    }

    /// Gives the mapping the fields that a document brings, durably, and reads the document by it.
    #[allow(clippy::type_complexity)]
    fn read_unmapped(&self, source: &[u8], id: &str) -> EsResult<EsResult<(Arc<Mapping>, Values)>> {
        let current = self.mapping();
        let extended = match mapping::extend(&current, source) {
            Err(error) => return Ok(Err(error)),
            Ok(None) => current.clone(),
            Ok(Some(extended)) => Arc::new(extended),
        };
        match mapping::read(&extended, source, id) {
            Ok(values) => {
                if !Arc::ptr_eq(&extended, &current) {
                    self.set_mapping(extended.clone())?;
                }
                Ok(Ok((extended, values)))
            }
            Err(ReadError::Refused(error)) => Ok(Err(error)),
            Err(ReadError::Unmapped) => Ok(Err(EsError::new(
                400,
                "document_parsing_exception",
                "failed to parse: the embedded server cannot derive a mapping for this document",
            ))),
        }
    }
}

fn prepare(
    operation: Operation,
    mapping: &Arc<Mapping>,
    searcher: &Searcher,
) -> EsResult<Prepared> {
    let Operation {
        action,
        id,
        source,
        if_seq,
    } = operation;
    let known = id.is_some();
    let id = id.unwrap_or_else(random_id);
    let refused = |reason| {
        Err(ReadError::Refused(EsError::new(
            400,
            "action_request_validation_exception",
            reason,
        )))
    };
    let document = if id.is_empty() {
        refused("Validation Failed: 1: id must not be empty;".to_owned())
    } else if id.len() > MAX_ID {
        refused(format!(
            "Validation Failed: 1: id [{id}] is too long, must be no longer than {MAX_ID} bytes but was: {};",
            id.len()
        ))
    } else if action == Action::Delete {
        Ok((mapping.clone(), Values::default()))
    } else {
        mapping::read(mapping, &source, &id).map(|values| (mapping.clone(), values))
    };
    let committed = if known {
        committed_version(searcher, &id)?
    } else {
        None
    };
    Ok(Prepared {
        action,
        id,
        source,
        document,
        if_seq,
        committed,
    })
}

fn committed_version(searcher: &Searcher, id: &str) -> EsResult<Option<(u64, u64)>> {
    find(searcher, id)?
        .map(|address| version(searcher, address))
        .transpose()
}

/// 20 characters without meaning, as Elasticsearch makes them.
pub fn random_id() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut random = rand::rng();
    (0..20)
        .map(|_| char::from(ALPHABET[(random.next_u32() % 64) as usize]))
        .collect()
}
