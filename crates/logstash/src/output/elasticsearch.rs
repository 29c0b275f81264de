//! `elasticsearch`: bulk requests, sent again for as long as the server is away or busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use coredms::client::{BulkResponse, Client, ClientError, ClientOptions};
use tokio::runtime::Handle;
use wrangling::{EcsCompatibility, Violation};

use super::action::Actions;
use super::address;
use super::bulk_stats::BulkStats;
use super::refusal::Refusals;
use super::{Item, Output, OutputContext, Written};
use crate::options::Options;

pub const OPTIONS: &[&str] = &[
    "action",
    "api_key",
    "cacert",
    "compression_level",
    "custom_headers",
    "data_stream",
    "data_stream_auto_routing",
    "data_stream_dataset",
    "data_stream_namespace",
    "data_stream_sync_fields",
    "data_stream_type",
    "dlq_on_failed_indexname_interpolation",
    "doc_as_upsert",
    "document_id",
    "failure_type_logging_whitelist",
    "healthcheck_path",
    "hosts",
    "http_compression",
    "ilm_enabled",
    "index",
    "manage_template",
    "password",
    "pipeline",
    "pool_max",
    "pool_max_per_route",
    "resurrect_delay",
    "retry_initial_interval",
    "retry_max_interval",
    "retry_on_conflict",
    "routing",
    "silence_errors_in_log",
    "ssl_certificate_authorities",
    "ssl_enabled",
    "ssl_verification_mode",
    "template",
    "template_api",
    "template_name",
    "template_overwrite",
    "timeout",
    "upsert",
    "user",
    "validate_after_inactivity",
    "version",
    "version_type",
];

/// The elasticsearch output.
#[derive(Debug)]
pub struct Elasticsearch {
    client: Client,
    runtime: Handle,
    actions: Actions,
    gzip: bool,
    first_wait: Duration,
    longest_wait: Duration,
    refusals: Refusals,
    stats: Arc<BulkStats>,
    /// Whether the last request found no server: said once, not for every attempt.
    away: AtomicBool,
}

impl Elasticsearch {
    pub fn compile(
        options: Options<'_>,
        id: &str,
        texts: &mut Vec<String>,
        context: &OutputContext,
    ) -> Result<Self, Violation> {
        let ecs = options.ecs(context.ecs)? == EcsCompatibility::V8;
        let seconds = |name: &str, default: f64| -> Result<Duration, Violation> {
            Ok(Duration::from_secs_f64(
                options.number(name)?.unwrap_or(default),
            ))
        };
        let mut client = ClientOptions::new(String::new());
        client.urls = address::urls(options)?;
        client.credentials = address::credentials(options)?;
        client.timeout = seconds("timeout", 60.0)?;
        client.max_connections = options.count("pool_max", 1000)?.max(1);
        let authorities = options.list("ssl_certificate_authorities")?;
        let authority = options.text("cacert")?.or(authorities.first().copied());
        client.ca_certificate = authority.map(Into::into);
        if options.one_of("ssl_verification_mode", &["full", "none"])? == "none" {
            let message = "certificates are always verified; name the authority in `ssl_certificate_authorities`";
            return Err(options.wrong("ssl_verification_mode", "unsupported_option", message));
        }
        if options.has("template") {
            tracing::warn!(
                "the elasticsearch output installs no templates; install it with the index template API"
            );
        }
        Ok(Self {
            client: Client::new(client)
                .map_err(|error| options.wrong("hosts", "invalid_value", error.to_string()))?,
            runtime: context.runtime.clone(),
            actions: Actions::compile(options, ecs, texts)?,
            gzip: options.flag("http_compression", false)?
                || options.count("compression_level", 0)? > 0,
            first_wait: seconds("retry_initial_interval", 2.0)?,
            longest_wait: seconds("retry_max_interval", 64.0)?,
            refusals: Refusals::new(id.to_owned(), context.dead_letters.clone(), texts),
            stats: Arc::default(),
            away: AtomicBool::new(false),
        })
    }

    /// What it counts.
    pub fn stats(&self) -> Arc<BulkStats> {
        Arc::clone(&self.stats)
    }

    async fn send(&self, mut items: Vec<Item>) -> Written {
        let (mut written, mut wait) = (Written::default(), self.first_wait);
        while !items.is_empty() {
            let mut body = Vec::new();
            items
                .iter()
                .for_each(|item| self.actions.write(item, &mut body));
            let answer = self.client.bulk(Bytes::from(body), self.gzip).await;
            match self.whole(answer, items.len()) {
                Ok(response) => {
                    let before = items.len();
                    let again = self.judge(items, &response, &mut written);
                    if again.len() < before {
                        wait = self.first_wait;
                    }
                    items = again;
                }
                // too much at once, or one line that cannot be understood: the halves tell which
                Err(ClientError::Status {
                    status: 400 | 413, ..
                }) if items.len() > 1 => {
                    let rest = items.split_off(items.len() / 2);
                    let half = Box::pin(self.send(items)).await;
                    written.lost |= half.lost;
                    items = rest;
                    continue;
                }
                Err(ClientError::Status {
                    status: status @ (400 | 413),
                    kind,
                    reason,
                    ..
                }) => {
                    for item in &items {
                        written.lost |= !self.refuse(item, status, &kind, &reason);
                    }
                    return written;
                }
                Err(error) => {
                    if !self.away.swap(true, Ordering::Relaxed) {
                        tracing::error!(%error, "elasticsearch does not answer as it should; events wait until it does");
                    }
                }
            }
            if !items.is_empty() {
                tokio::time::sleep(wait.mul_f64(0.75 + rand::random::<f64>() / 2.0)).await;
                wait = (wait * 2).min(self.longest_wait);
            }
        }
        written
    }

    /// Counts an answer; it must have a status for each of so many documents.
    fn whole(
        &self,
        answer: Result<BulkResponse, ClientError>,
        documents: usize,
    ) -> Result<BulkResponse, ClientError> {
        let status = match &answer {
            Ok(_) => Some(200),
            Err(error) => error.status(),
        };
        if let Some(status) = status {
            self.stats.response(status);
        }
        let answer = answer.and_then(|response| match response.statuses.len() {
            found if found == documents => Ok(response),
            found => Err(ClientError::Protocol {
                operation: "bulk",
                reason: format!("{documents} documents were sent, and {found} were answered"),
            }),
        });
        match &answer {
            Err(_) => self.stats.failures.add(1),
            Ok(response) => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("elasticsearch is back");
                }
                let mut failures = response.failures.iter();
                match failures.any(|failure| failure.status >= 300 && !failure.kind.is_empty()) {
                    true => self.stats.with_errors.add(1),
                    false => self.stats.requests.add(1),
                }
            }
        }
        answer
    }

    /// The items to send again; what became of the others is noted.
    fn judge(&self, items: Vec<Item>, response: &BulkResponse, written: &mut Written) -> Vec<Item> {
        let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
        let mut again = Vec::new();
        for failure in &response.failures {
            let (status, kind, reason) = (failure.status, &failure.kind, &failure.reason);
            // what is not there need not be deleted; a failure store keeps what its index does not take
            if status < 300 || (status == 404 && kind.is_empty()) {
                continue;
            }
            let Some(item) = items.get_mut(failure.position).and_then(Option::take) else {
                continue;
            };
            match status {
                // its id is taken: nothing to repair
                409 => {
                    self.stats.non_retryable_failures.add(1);
                    tracing::warn!(status, kind, reason, "an event was not stored");
                }
                400 | 404 => written.lost |= !self.refuse(&item, status, kind, reason),
                _ => {
                    self.stats.retryable_failures.add(1);
                    tracing::debug!(status, kind, reason, "an event is sent again");
                    again.push(item);
                }
            }
        }
        self.stats.successes.add(items.iter().flatten().count());
        again
    }

    /// Gives an event up; false if it cannot be kept as a dead letter.
    fn refuse(&self, item: &Item, status: u16, kind: &str, reason: &str) -> bool {
        let refusal = self.actions.refusal(item, status, kind, reason);
        let kept = self.refusals.refuse(item, &refusal);
        if kept {
            self.stats.dlq_routed.add(1);
        }
        kept
    }
}

impl Output for Elasticsearch {
    fn write(&self, items: Vec<Item>) -> Written {
        self.runtime.block_on(self.send(items))
    }

    fn persist(&self) -> bool {
        self.refusals.persist()
    }

    fn close(&self) {
        self.refusals.close();
    }
}
