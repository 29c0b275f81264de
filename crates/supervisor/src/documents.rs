//! Retention of documents: indices that were made longer ago than the jobs that write to them keep theirs
//! (`destination.retention`) are removed.
//!
//! Not by the core DMS itself (an index lifecycle policy): that knows nothing of runs. An index stays while a run that may
//! write to it is under way, and as long as a run that wrote to it is suspect.

use std::collections::{BTreeMap, BTreeSet};

use domain::EpochMs;
use domain::error::Failure;
use domain::ids::{ClientId, JobRef};
use domain::index::{Index, covers, pattern};
use domain::job::Job;
use domain::run::{Run, RunState};
use domain::store::{Query, Versioned};
use domain::units::Span;
use serde_json::json;

use crate::context::store_failure;
use crate::shared::Shared;

/// What a job says about the indices that it may write to.
struct Rule {
    pattern: String,
    retention: Option<Span>,
    /// Whether a run of it is under way.
    busy: bool,
}

impl Shared {
    /// One round over the indices of all jobs that limit how long their documents are kept.
    pub(crate) async fn expire_indices(&self) -> Result<(), Failure> {
        let jobs = self.metadata.list_all::<Job>(Query::default()).await;
        let mut clients: BTreeMap<ClientId, Vec<Versioned<Job>>> = BTreeMap::new();
        for job in jobs.map_err(store_failure)? {
            let client = job.value.client.clone();
            clients.entry(client).or_default().push(job);
        }
        clients.retain(|_, jobs| {
            jobs.iter()
                .any(|job| job.value.spec.destination.retention.is_some())
        });
        if clients.is_empty() {
            return Ok(());
        }
        let suspects = self.indices_of_suspects().await?;
        for (client, jobs) in clients {
            self.expire_indices_of(&client, &jobs, &suspects).await?;
        }
        Ok(())
    }

    async fn expire_indices_of(
        &self,
        client: &ClientId,
        jobs: &[Versioned<Job>],
        suspects: &BTreeSet<String>,
    ) -> Result<(), Failure> {
        // each index, and a job that it is removed for
        let mut found = BTreeMap::new();
        for job in jobs {
            let destination = &job.value.spec.destination;
            if destination.retention.is_some() {
                let indices = self
                    .dms
                    .indices(&pattern(client, &destination.index))
                    .await?;
                found.extend(
                    indices
                        .into_iter()
                        .map(|index| (index.name.clone(), (index, job))),
                );
            }
        }
        // looked up behind the indices: a run that began before they were listed is seen
        let rules = self.rules(client, jobs).await?;
        let now_ms = self.now_ms();
        for (index, job) in found.values() {
            if is_due(index, &rules, now_ms) && !suspects.contains(&index.name) {
                self.expire_index(job, index).await?;
            }
        }
        Ok(())
    }

    async fn rules(
        &self,
        client: &ClientId,
        jobs: &[Versioned<Job>],
    ) -> Result<Vec<Rule>, Failure> {
        let under_way = self
            .metadata
            .runs_under_way()
            .await
            .map_err(store_failure)?;
        let busy: BTreeSet<JobRef> = under_way.iter().map(|run| run.value.job_ref()).collect();
        let rule = |job: &Versioned<Job>| Rule {
            pattern: pattern(client, &job.value.spec.destination.index),
            retention: job.value.spec.destination.retention,
            busy: busy.contains(&job.value.job_ref()),
        };
        Ok(jobs.iter().map(rule).collect())
    }

    async fn indices_of_suspects(&self) -> Result<BTreeSet<String>, Failure> {
        let query = Query {
            states: vec![RunState::Suspect.name().to_owned()],
            ..Query::default()
        };
        let suspects = self.metadata.list_all(query).await.map_err(store_failure)?;
        let indices = |run: Versioned<Run>| run.value.indices;
        Ok(suspects.into_iter().flat_map(indices).collect())
    }

    /// The removal is on record before it is done.
    async fn expire_index(&self, job: &Versioned<Job>, index: &Index) -> Result<(), Failure> {
        let detail = json!({ "job": job.value.job_ref(), "created_ms": index.created_ms });
        let client = &job.value.client;
        let audit = self.removal("index.expire", index.name.clone(), client, detail);
        let job = self.metadata.job(&job.value.job_ref()).await;
        let Some(job) = job.map_err(store_failure)? else {
            return Ok(()); // removed meanwhile: nobody says any more how long
        };
        let noted = self.metadata.update(job, Some(audit)).await;
        noted.map_err(store_failure)?;
        tracing::info!(
            index = index.name,
            "an index that is past its retention is removed"
        );
        self.dms.remove_index(&index.name).await
    }
}

/// Whether an index is past the retention of every job that may have written to it.
fn is_due(index: &Index, rules: &[Rule], now_ms: EpochMs) -> bool {
    let is_over = |rule: &Rule| {
        let kept = rule
            .retention
            .map(|kept| i64::try_from(kept.ms).unwrap_or(i64::MAX));
        !rule.busy && kept.is_some_and(|kept| index.created_ms.saturating_add(kept) <= now_ms)
    };
    let mut covering = rules
        .iter()
        .filter(|rule| covers(&rule.pattern, &index.name))
        .peekable();
    covering.peek().is_some() && covering.all(is_over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_goes_when_every_job_that_may_have_written_to_it_is_done_with_it() {
        let rule = |pattern: &str, days: Option<u64>, busy| Rule {
            pattern: pattern.into(),
            retention: days.map(|days| Span::secs(days * 24 * 3600)),
            busy,
        };
        let index = Index {
            name: "acme.flights-2013".into(),
            created_ms: 0,
        };
        let after = |days: i64| days * 24 * 3_600_000;
        let week = || rule("acme.flights-*", Some(7), false);
        assert!(!is_due(&index, &[week()], after(7) - 1));
        assert!(is_due(&index, &[week()], after(7)));
        assert!(
            !is_due(&index, &[week(), rule("acme.*", None, false)], after(700)),
            "one keeps for ever"
        );
        assert!(
            !is_due(&index, &[week(), rule("acme.*", Some(9), false)], after(8)),
            "the longest counts"
        );
        assert!(
            is_due(&index, &[week(), rule("acme.other", None, false)], after(8)),
            "of others"
        );
        assert!(
            !is_due(&index, &[rule("acme.flights-*", Some(7), true)], after(8)),
            "it is written to"
        );
        assert!(!is_due(&index, &[], after(8)), "nobody's");
    }
}
