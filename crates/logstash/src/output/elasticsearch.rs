//! `elasticsearch`: bulk requests, sent again for as long as the server is away or busy.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use coredms::client::{BulkResponse, Client, ClientError, ClientOptions};
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use wrangling::{EcsCompatibility, Violation};

use super::action::Actions;
use super::address;
use super::dead_letters::{DeadLetter, DeadLetters};
use super::{Item, Output, OutputContext, Written};
use crate::options::Options;

pub const OPTIONS: &[&str] = &[
    "action",
    "api_key",
    "cacert",
    "compression_level",
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
    id: String,
    client: Client,
    runtime: Handle,
    actions: Actions,
    gzip: bool,
    first_wait: Duration,
    longest_wait: Duration,
    dead_letters: DeadLetters,
    /// Whether the last request found no server: said once, not for every attempt.
    away: AtomicBool,
}

impl Elasticsearch {
    pub fn compile(
        options: Options<'_>,
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
        let folder = context
            .data
            .join("dead_letter_queue")
            .join(&context.pipeline);
        Ok(Self {
            id: options.text("id")?.unwrap_or("elasticsearch").to_owned(),
            client: Client::new(client)
                .map_err(|error| options.wrong("hosts", "invalid_value", error.to_string()))?,
            runtime: context.runtime.clone(),
            actions: Actions::compile(options, ecs, texts)?,
            gzip: options.flag("http_compression", false)?
                || options.count("compression_level", 0)? > 0,
            first_wait: seconds("retry_initial_interval", 2.0)?,
            longest_wait: seconds("retry_max_interval", 64.0)?,
            dead_letters: DeadLetters::new(folder),
            away: AtomicBool::new(false),
        })
    }

    async fn send(&self, mut items: Vec<Item>) -> Written {
        let (mut written, mut wait) = (Written::default(), self.first_wait);
        while !items.is_empty() {
            let mut body = Vec::new();
            items
                .iter()
                .for_each(|item| self.actions.write(item, &mut body));
            match self.client.bulk(Bytes::from(body), self.gzip).await {
                Ok(response) => {
                    if self.away.swap(false, Ordering::Relaxed) {
                        tracing::info!("elasticsearch is back");
                    }
                    let before = items.len();
                    let again = self.judge(items, &response, &mut written);
                    if again.len() < before {
                        wait = self.first_wait;
                    }
                    items = again;
                }
                Err(ClientError::Status { status: 413, .. }) if items.len() > 1 => {
                    let rest = items.split_off(items.len() / 2);
                    let half = Box::pin(self.send(items)).await;
                    written.stored += half.stored;
                    written.lost |= half.lost;
                    items = rest;
                    continue;
                }
                Err(
                    error @ ClientError::Status {
                        status: 400..=499, ..
                    },
                ) => {
                    for item in &items {
                        written.lost |= !self.refuse(item, error.to_string());
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

    /// The items to send again; what became of the others is noted.
    fn judge(&self, items: Vec<Item>, response: &BulkResponse, written: &mut Written) -> Vec<Item> {
        let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
        let mut again = Vec::new();
        for failure in &response.failures {
            let Some(item) = items.get_mut(failure.position).and_then(Option::take) else {
                continue;
            };
            let reason = format!("{} {}: {}", failure.status, failure.kind, failure.reason);
            match failure.status {
                429 | 500.. => {
                    tracing::debug!(%reason, "an event is sent again");
                    again.push(item);
                }
                // its id is taken, or it is not there to be deleted: nothing to repair
                409 => {
                    tracing::warn!(%reason, "an event was not stored");
                }
                404 if failure.kind.is_empty() => {}
                _ => written.lost |= !self.refuse(&item, reason),
            }
        }
        written.stored += items.iter().flatten().count();
        again
    }

    /// Puts an event to the dead letters; false if that cannot be done.
    fn refuse(&self, item: &Item, reason: String) -> bool {
        tracing::warn!(%reason, "an event can never be stored; it goes to the dead letters");
        let letter = DeadLetter {
            at: jiff::Timestamp::now().to_string(),
            plugin_id: &self.id,
            plugin_type: "elasticsearch",
            reason,
            event: serde_json::from_slice::<&RawValue>(&item.data).ok(),
        };
        let kept = self.dead_letters.keep(&letter);
        if let Err(error) = &kept {
            tracing::error!(%error, "a dead letter cannot be kept");
        }
        kept.is_ok()
    }
}

impl Output for Elasticsearch {
    fn write(&self, items: Vec<Item>) -> Written {
        self.runtime.block_on(self.send(items))
    }

    fn persist(&self) -> bool {
        let synced = self.dead_letters.sync();
        if let Err(error) = &synced {
            tracing::error!(%error, "dead letters cannot be made durable");
        }
        synced.is_ok()
    }
}
