//! One index: opened with its log replayed, refreshed, searched, read by id.

use super::{
    log::Log,
    meta::Meta,
    schema::{ANALYZER, FIELDS, IndexedDoc},
    wal::{self, Kind},
};
use crate::server::{
    error::{EsError, EsResult},
    mapping::{self, Mapping, ReadError, Standard},
};
use bytes::Bytes;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tantivy::{
    DocAddress, DocSet, IndexReader, IndexWriter, ReloadPolicy, Searcher, TERMINATED, Term,
    indexer::IndexWriterOptions,
    postings::Postings,
    schema::{IndexRecordOption, OwnedValue, Value as _},
};

/// Memory that an index being written may use before it cuts a segment.
const WRITER_BYTES: usize = 48_000_000;
/// Log size after which the index commits by itself, so that a start replays little.
const LOG_BYTES: u64 = 64 << 20;
/// Operations after which the index commits by itself: each costs memory until then.
const PENDING_OPERATIONS: usize = 200_000;
/// A search sees what was written this long ago, as with Elasticsearch's `refresh_interval`.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// An open index.
pub struct Index {
    directory: PathBuf,
    meta: RwLock<Meta>,
    library: tantivy::Index,
    reader: IndexReader,
    state: Mutex<State>,
}

/// What changes with every write; under one lock.
pub(super) struct State {
    pub log: Arc<Log>,
    writer: Option<IndexWriter<IndexedDoc>>,
    /// What was written since the last commit, by id.
    pub pending: HashMap<Box<str>, Pending>,
    pub next_seq: u64,
    /// Counts commits: a searcher of another generation may not know an id that is no longer pending.
    pub generation: u64,
    committed: Instant,
    touched: Instant,
    /// Why the index takes no more requests: a disk error, after which memory and disk may differ.
    failed: Option<String>,
}

/// An operation since the last commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    pub version: u64,
    pub seq: u64,
    /// Offset and length of the source in the log; `None` when the document was removed.
    pub source: Option<(u64, u32)>,
}

/// A document as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Version.
    pub version: u64,
    /// Sequence number.
    pub seq: u64,
    /// The JSON as it came.
    pub source: Bytes,
}

impl Index {
    /// Makes the files of a new index in `directory`, which exists and is empty.
    pub fn create(directory: &Path, meta: &Meta) -> EsResult<()> {
        let data = directory.join("data");
        std::fs::create_dir(&data)?;
        tantivy::Index::create_in_dir(&data, FIELDS.schema.clone())?;
        meta.save(directory)?;
        super::files::sync_directory(&data)?;
        super::files::sync_directory(directory)?;
        Ok(())
    }

    /// Opens an index and applies what its log has beyond the last commit.
    pub fn open(directory: &Path) -> EsResult<Self> {
        let meta = Meta::load(directory)?;
        let library = tantivy::Index::open_in_dir(directory.join("data"))?;
        library.tokenizers().register(ANALYZER, Standard::default());
        let committed = match library.load_metas()?.payload {
            None => 0,
            Some(payload) => payload
                .parse()
                .map_err(|e| EsError::internal("commit payload", e))?,
        };
        let reader = library
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(4)
            .try_into()?;
        let logs = Log::list(directory)?;
        let entries = read_logs(&logs, committed)?;
        let now = Instant::now();
        let state = State {
            // The log of a previous life ends before the next number, so its file is not reused
            // unless it holds nothing.
            log: Arc::new(Log::create(directory, committed + entries.len() as u64)?),
            writer: None,
            pending: HashMap::new(),
            next_seq: committed,
            generation: 0,
            committed: now,
            touched: now,
            failed: None,
        };
        let index = Self {
            directory: directory.into(),
            meta: RwLock::new(meta),
            library,
            reader,
            state: Mutex::new(state),
        };
        index.replay(entries)?;
        let current = index.lock()?.log.path().to_owned();
        for log in logs.iter().filter(|log| **log != current) {
            std::fs::remove_file(log)?;
        }
        Ok(index)
    }

    fn replay(&self, entries: Vec<wal::Entry>) -> EsResult<()> {
        let mut state = self.lock()?;
        let mapping = self.mapping();
        for entry in entries {
            let writer = self.writer(&mut state)?;
            if entry.kind != Kind::Add {
                writer.delete_term(id_term(&entry.id));
            }
            if entry.kind != Kind::Delete {
                let values =
                    mapping::read(&mapping, &entry.source, &entry.id).map_err(|error| {
                        let reason = match error {
                            ReadError::Unmapped => "it has a field that the mapping has not".into(),
                            ReadError::Refused(error) => error.reason,
                        };
                        EsError::internal(
                            "replaying the log",
                            format!("document [{}]: {reason}", entry.id),
                        )
                    })?;
                writer.add_document(IndexedDoc {
                    id: entry.id.into(),
                    source: entry.source,
                    seq: entry.seq,
                    version: entry.version,
                    mapping: mapping.clone(),
                    values,
                })?;
            }
            state.next_seq = entry.seq + 1;
        }
        self.commit(&mut state)
    }

    /// Its description.
    pub fn meta(&self) -> Meta {
        self.meta
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.meta
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .name
            .clone()
    }

    /// Its fields.
    pub fn mapping(&self) -> Arc<Mapping> {
        self.meta
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .mapping
            .clone()
    }

    /// Merges a mapping body into its mapping, durably.
    pub fn put_mapping(&self, body: &serde_json::Value) -> EsResult<()> {
        let _state = self.lock()?;
        let mut mapping = (*self.mapping()).clone();
        mapping.merge(body)?;
        self.set_mapping(Arc::new(mapping))
    }

    /// Replaces the mapping, durably. Only called under the lock.
    pub(super) fn set_mapping(&self, mapping: Arc<Mapping>) -> EsResult<()> {
        let mut meta = self.meta.write().unwrap_or_else(PoisonError::into_inner);
        let changed = Meta {
            mapping,
            ..meta.clone()
        };
        changed.save(&self.directory)?;
        *meta = changed;
        Ok(())
    }

    pub(super) fn lock(&self) -> EsResult<MutexGuard<'_, State>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.failed {
            None => Ok(state),
            Some(reason) => Err(EsError::new(
                503,
                "index_closed_exception",
                format!("the index is out of service until it is opened again: {reason}"),
            )
            .about(&self.name())),
        }
    }

    pub(super) fn writer<'s>(&self, state: &'s mut State) -> EsResult<&'s IndexWriter<IndexedDoc>> {
        if state.writer.is_none() {
            let options = IndexWriterOptions::builder()
                .memory_budget_per_thread(WRITER_BYTES)
                .num_worker_threads(1)
                .num_merge_threads(1)
                .build();
            state.writer = Some(self.library.writer_with_options(options)?);
        }
        state.touched = Instant::now();
        state
            .writer
            .as_ref()
            .ok_or_else(|| EsError::internal("index writer", "none"))
    }

    /// Takes the index out of service after an error that leaves disk and memory unequal.
    pub(super) fn fail(&self, state: &mut State, error: EsError) -> EsError {
        tracing::error!(
            index = self.name(),
            reason = error.reason,
            "index is out of service"
        );
        state.failed = Some(error.reason.clone());
        error
    }

    /// Whether an error has taken it out of service.
    pub(super) fn is_out_of_service(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failed.is_some()
    }

    /// Lets go of its files, so that they can be opened anew. Only for an index that is out of service.
    pub(super) fn let_go(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.writer = None;
    }

    /// [`Index::fail`] for an error found outside of the lock.
    pub(super) fn fail_now(&self, error: EsError) -> EsError {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.fail(&mut state, error)
    }

    /// Makes everything written so far visible to searches.
    pub fn refresh(&self) -> EsResult<()> {
        let mut state = self.lock()?;
        self.commit(&mut state)
    }

    /// Commits when the log or the pending operations have grown to their limit.
    pub(super) fn commit_if_large(&self, state: &mut State) -> EsResult<()> {
        if state.log.len() < LOG_BYTES && state.pending.len() < PENDING_OPERATIONS {
            return Ok(());
        }
        self.commit(state)
    }

    /// Hands everything pending to the search library durably, with the number of the next
    /// operation as the commit's payload; only then starts a new log and drops the old one.
    fn commit(&self, state: &mut State) -> EsResult<()> {
        let first_of_log = state.log.len() == 0;
        let Some(writer) = state
            .writer
            .as_mut()
            .filter(|_| !first_of_log || state.generation == 0)
        else {
            state.committed = Instant::now();
            return Ok(());
        };
        let outcome = (|| -> EsResult<Arc<Log>> {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&state.next_seq.to_string());
            prepared.commit()?;
            self.reader.reload()?;
            if first_of_log {
                return Ok(state.log.clone());
            }
            let log = Log::create(&self.directory, state.next_seq)?;
            std::fs::remove_file(state.log.path())?;
            Ok(Arc::new(log))
        })();
        match outcome {
            Ok(log) => {
                state.log = log;
                state.pending = HashMap::new();
                state.generation += 1;
                state.committed = Instant::now();
                Ok(())
            }
            Err(error) => Err(self.fail(state, error)),
        }
    }

    /// Commits and frees the writer's memory when nothing was written for `idle`.
    pub fn rest(&self, idle: Duration) -> EsResult<()> {
        let mut state = self.lock()?;
        if state.writer.is_none() || state.touched.elapsed() < idle {
            return Ok(());
        }
        self.commit(&mut state)?;
        match state.writer.take().map(IndexWriter::wait_merging_threads) {
            Some(Err(error)) => Err(self.fail(&mut state, error.into())),
            _ => Ok(()),
        }
    }

    /// Ends the service of this index: its files are about to go.
    pub(super) fn close(&self, why: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failed = Some(why.into());
        state.writer = None;
    }

    /// A view of the last commit; refreshed first when it is older than the refresh interval.
    pub fn searcher(&self) -> EsResult<Searcher> {
        {
            let mut state = self.lock()?;
            if state.log.len() > 0 && state.committed.elapsed() >= REFRESH_INTERVAL {
                self.commit(&mut state)?;
            }
        }
        Ok(self.reader.searcher())
    }

    /// A view of the last commit, and its generation.
    pub(super) fn snapshot(&self) -> EsResult<(Searcher, u64)> {
        let state = self.lock()?;
        Ok((self.reader.searcher(), state.generation))
    }

    /// The document with this id, refreshed or not.
    pub fn get(&self, id: &str) -> EsResult<Option<Stored>> {
        let (searcher, log, pending) = {
            let state = self.lock()?;
            (
                self.reader.searcher(),
                state.log.clone(),
                state.pending.get(id).copied(),
            )
        };
        if let Some(Pending {
            version,
            seq,
            source,
        }) = pending
        {
            let Some((offset, length)) = source else {
                return Ok(None);
            };
            let source = log.read(offset, length)?.into();
            return Ok(Some(Stored {
                version,
                seq,
                source,
            }));
        }
        let Some(address) = find(&searcher, id)? else {
            return Ok(None);
        };
        Ok(Some(load(&searcher, address)?.1))
    }

    pub(super) fn reader_now(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Documents as of the last refresh.
    pub fn count(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Removed documents that still take space.
    pub fn deleted(&self) -> u64 {
        self.reader
            .searcher()
            .segment_readers()
            .iter()
            .map(|segment| u64::from(segment.num_deleted_docs()))
            .sum()
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> u64 {
        directory_bytes(&self.directory)
    }
}

fn directory_bytes(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => directory_bytes(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

fn read_logs(logs: &[PathBuf], committed: u64) -> EsResult<Vec<wal::Entry>> {
    let mut entries: Vec<wal::Entry> = Vec::new();
    for path in logs {
        let log = Bytes::from(std::fs::read(path)?);
        let mut offset = 0;
        while let Some((frame, next)) = wal::read_frame(&log, offset) {
            entries.extend(frame.into_iter().filter(|entry| entry.seq >= committed));
            offset = next;
        }
        if offset < log.len() {
            tracing::warn!(log = %path.display(), offset, bytes = log.len() - offset, "cut off an unfinished write");
        }
    }
    for (entry, expected) in entries.iter().zip(committed..) {
        if entry.seq != expected {
            return Err(EsError::internal(
                "log",
                format!("operation {expected} is missing before {}", entry.seq),
            ));
        }
    }
    Ok(entries)
}

pub(super) fn id_term(id: &str) -> Term {
    Term::from_field_text(FIELDS.id, id)
}

/// Where the last commit has this id.
pub(super) fn find(searcher: &Searcher, id: &str) -> EsResult<Option<DocAddress>> {
    let term = id_term(id);
    for (ordinal, segment) in searcher.segment_readers().iter().enumerate() {
        let inverted = segment.inverted_index(FIELDS.id)?;
        let Some(info) = inverted.get_term_info(&term)? else {
            continue;
        };
        let mut postings = inverted.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
        debug_assert!(postings.term_freq() <= 1);
        let mut doc = postings.doc();
        while doc != TERMINATED {
            if !segment.is_deleted(doc) {
                return Ok(Some(DocAddress::new(ordinal as u32, doc)));
            }
            doc = postings.advance();
        }
    }
    Ok(None)
}

/// The version and the sequence number of a document.
pub(super) fn version(searcher: &Searcher, address: DocAddress) -> EsResult<(u64, u64)> {
    Ok((
        number(searcher, address, "_version")?,
        number(searcher, address, "_seq_no")?,
    ))
}

fn number(searcher: &Searcher, address: DocAddress, column: &str) -> EsResult<u64> {
    let segment = searcher.segment_reader(address.segment_ord);
    let column = segment.fast_fields().u64(column)?;
    column
        .first(address.doc_id)
        .ok_or_else(|| EsError::internal("index", "a document without version"))
}

/// The id and the stored form of a document.
pub fn load(searcher: &Searcher, address: DocAddress) -> EsResult<(String, Stored)> {
    let document: HashMap<tantivy::schema::Field, OwnedValue> = searcher.doc(address)?;
    let id = document
        .get(&FIELDS.id)
        .and_then(|id| id.as_str().map(str::to_owned));
    let source = document
        .get(&FIELDS.source())
        .and_then(|source| source.as_bytes().map(Bytes::copy_from_slice));
    let (Some(id), Some(source)) = (id, source) else {
        return Err(EsError::internal(
            "index",
            "a document without id or source",
        ));
    };
    let (version, seq) = version(searcher, address)?;
    Ok((
        id,
        Stored {
            version,
            seq,
            source,
        },
    ))
}
