//! Whose proof relies on documents that an undo removes: runs that found them there and counted them as duplicates (rule 10).

use domain::audit::AuditEntry;
use domain::error::Failure;
use domain::ids::FileKey;
use domain::job::Job;
use domain::run::{ProofVoid, Relying, Run, Undo};
use domain::store::{Query, StoreError, Versioned, keys};
use serde_json::json;

use crate::context::store_failure;
use crate::shared::Shared;

/// Runs looked at with one question to the store.
const PAGE: u32 = 100;

impl Shared {
    /// The runs of the client that rely on documents of a run, or of one of its files. Jobs that share an index and its
    /// ids may rely on each other's.
    pub(crate) async fn relying(
        &self,
        undone: &Run,
        file: Option<&FileKey>,
    ) -> Result<Vec<Relying>, Failure> {
        let jobs = Query {
            owner: Some(undone.client.to_string()),
            ..Query::default()
        };
        let jobs = self
            .metadata
            .list_all::<Job>(jobs)
            .await
            .map_err(store_failure)?;
        let mut relying = Vec::new();
        for job in jobs {
            let mut query = Query {
                owner: Some(keys::job(&job.value.client, &job.value.id)),
                limit: PAGE,
                ..Query::default()
            };
            loop {
                let page = self
                    .metadata
                    .list::<Run>(&query)
                    .await
                    .map_err(store_failure)?;
                for run in page.items {
                    relying.extend(self.reliance(&run.value, undone, file).await?);
                }
                match page.next {
                    Some(key) => query.after = Some(key),
                    None => break,
                }
            }
        }
        Ok(relying)
    }

    async fn reliance(
        &self,
        run: &Run,
        undone: &Run,
        file: Option<&FileKey>,
    ) -> Result<Option<Relying>, Failure> {
        let Some(mut documents) = run.relies_on(undone) else {
            return Ok(None);
        };
        if let Some(key) = file
            && self.ids_name_the_file(undone).await?
        {
            let files = self.metadata.files(&run.id).await.map_err(store_failure)?;
            let here = files.iter().filter(|file| file.file.file_key == *key);
            documents = documents.min(here.map(|file| file.ledger.duplicate).sum());
        }
        Ok((documents > 0).then(|| Relying {
            job: run.job.clone(),
            run: run.id.clone(),
            documents,
        }))
    }

    /// Whether only the same file can have had the same ids (rule 4).
    async fn ids_name_the_file(&self, run: &Run) -> Result<bool, Failure> {
        let context = self.find_context(run).await?;
        Ok(context.is_some_and(|context| context.spec.destination.id_fields.is_empty()))
    }

    /// Has every run that relies on what is to be removed say that its proof is void.
    pub(crate) async fn void_proofs(&self, undone: &Run, undo: &Undo) -> Result<(), Failure> {
        for relying in self.relying(undone, undo.file_key()).await? {
            let void = ProofVoid {
                run: undone.id.clone(),
                file: undo.file_key().cloned(),
                at_ms: undo.requested_ms,
                documents: relying.documents,
            };
            if let Some(run) = self.void_proof(&relying, &void, undo).await? {
                self.amend_report(&run).await?;
            }
        }
        Ok(())
    }

    /// The run as it is stored then; none if it is gone.
    async fn void_proof(
        &self,
        relying: &Relying,
        void: &ProofVoid,
        undo: &Undo,
    ) -> Result<Option<Run>, Failure> {
        loop {
            let found = self
                .metadata
                .run(&relying.run)
                .await
                .map_err(store_failure)?;
            let Some(Versioned { mut value, version }) = found else {
                return Ok(None);
            };
            let known = |known: &ProofVoid| known.run == void.run && known.file == void.file;
            if value.proof_void_by.iter().any(known) {
                return Ok(Some(value));
            }
            value.proof_void_by.push(void.clone());
            let audit = AuditEntry {
                id: ulid::Ulid::generate().to_string().to_lowercase(),
                at_ms: self.now_ms(),
                actor: undo.by.clone(),
                action: "run.proof_void".into(),
                target: format!("{}/{}", value.job_ref(), value.id),
                client: Some(value.client.clone()),
                request_id: None,
                detail: json!({ "by": void.run, "documents": void.documents }),
            };
            match self
                .metadata
                .update(Versioned { value, version }, Some(audit))
                .await
            {
                Ok(stored) => return Ok(Some(stored.value)),
                Err(StoreError::Stale { .. }) => {}
                Err(error) => return Err(store_failure(error)),
            }
        }
    }
}
