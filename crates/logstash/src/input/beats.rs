//! `beats`: what Filebeat and its kin send.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lumberjack::{ClientAuthentication, Config, Listener, Tls, Window};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use wrangling::{EcsCompatibility, Violation};

use super::beats_event::{Enrichment, events};
use super::{Feed, Input, InputContext};
use crate::codec::Decoder;
use crate::options::Options;
use crate::receipt::Receipt;

pub const OPTIONS: &[&str] = &[
    "add_hostname",
    "client_inactivity_timeout",
    "enrich",
    "event_loop_threads",
    "executor_threads",
    "host",
    "include_codec_tag",
    "port",
    "ssl_certificate",
    "ssl_certificate_authorities",
    "ssl_client_authentication",
    "ssl_enabled",
    "ssl_handshake_timeout",
    "ssl_key",
    "ssl_supported_protocols",
];

/// So often it is looked whether to end.
const LOOK: Duration = Duration::from_millis(100);
/// Pause after the address could not be had.
const BIND_PAUSE: Duration = Duration::from_secs(1);

/// Listens for beats.
#[derive(Debug)]
pub struct Beats {
    config: Config,
    decoder: Decoder,
    enrichment: Enrichment,
    runtime: Handle,
}

impl Beats {
    pub fn compile(options: Options<'_>, context: &InputContext) -> Result<Self, Violation> {
        options.required("port")?;
        let port = u16::try_from(options.count("port", 0)?)
            .map_err(|_| options.wrong("port", "invalid_value", "a port is at most 65535"))?;
        if options.has("add_hostname") {
            tracing::warn!("`add_hostname` of the beats input means nothing any more");
        }
        let codec = options.codec("plain")?;
        if codec.name == "multiline" {
            let message = "lines of several beats cannot be joined here; join them in Filebeat (`parsers: multiline`)";
            return Err(options.wrong("codec", "unsupported_codec", message));
        }
        let enrichment = Enrichment::compile(options, &codec.name, context)?;
        // as in Logstash: who wants to know nothing of the codec does not want the original either
        let codec_ecs = match options.has("codec") || enrichment.codec_tag.is_some() {
            true => context.ecs,
            false => EcsCompatibility::Disabled,
        };
        let idle = options.number("client_inactivity_timeout")?;
        Ok(Self {
            config: Config {
                host: options.text("host")?.unwrap_or("0.0.0.0").to_owned(),
                port,
                tls: tls(options)?,
                client_inactivity_timeout: idle.map_or(Duration::from_secs(60), |seconds| {
                    Duration::from_secs(seconds as u64)
                }),
                ..Config::default()
            },
            decoder: Decoder::compile(&codec, false, codec_ecs)?,
            enrichment,
            runtime: context.runtime.clone(),
        })
    }

    async fn serve(&mut self, feed: &Feed) {
        let Some(mut listener) = self.listen(feed).await else {
            return;
        };
        while !feed.is_stopped() {
            if let Ok(window) = timeout(LOOK, listener.next()).await {
                let Some(window) = window else { break };
                self.take(window, feed);
            }
        }
        listener.stop();
        while let Some(window) = listener.next().await {
            self.take(window, feed);
        }
        // waits until the workers have written, and the beats know it
        listener.close().await;
    }

    /// Tries until the address can be had; `None` if the pipeline ends before.
    async fn listen(&self, feed: &Feed) -> Option<Listener> {
        while !feed.is_stopped() {
            match Listener::bind(self.config.clone()).await {
                Ok(listener) => return Some(listener),
                Err(error) => {
                    tracing::error!(%error, "the beats input cannot listen; it tries again");
                    sleep(BIND_PAUSE).await;
                }
            }
        }
        None
    }

    fn take(&mut self, window: Window, feed: &Feed) {
        let peer: SocketAddr = window.peer;
        let mut fields = Vec::with_capacity(window.events.len());
        for event in &window.events {
            let text = String::from_utf8_lossy(&event.json);
            events(
                &text,
                peer.ip(),
                &mut self.decoder,
                &self.enrichment,
                &mut fields,
            );
        }
        match fields.len() {
            0 => window.ack.all(),
            count => {
                let receipt = Receipt::new(count, window.ack);
                feed.send_receipted(&mut fields, &Arc::from([]), Some(receipt));
            }
        }
    }
}

impl Input for Beats {
    fn run(mut self: Box<Self>, feed: Feed) {
        let runtime = self.runtime.clone();
        runtime.block_on(self.serve(&feed));
    }
}

/// Encryption, if it is wanted.
fn tls(options: Options<'_>) -> Result<Option<Tls>, Violation> {
    let authorities = options.list("ssl_certificate_authorities")?;
    let client = options.one_of(
        "ssl_client_authentication",
        &["none", "optional", "required"],
    )?;
    for protocol in options.list("ssl_supported_protocols")? {
        if !matches!(protocol, "TLSv1.2" | "TLSv1.3") {
            let message = format!("`{protocol}` is not spoken; allowed: TLSv1.2, TLSv1.3");
            return Err(options.wrong("ssl_supported_protocols", "invalid_value", message));
        }
    }
    if !options.flag("ssl_enabled", false)? {
        if options.has("ssl_certificate") || options.has("ssl_key") {
            tracing::warn!(
                "the beats input does not use its certificate: `ssl_enabled` is not true"
            );
        }
        return Ok(None);
    }
    if (client == "none") != authorities.is_empty() {
        let message =
            "`ssl_client_authentication` and `ssl_certificate_authorities` need each other";
        return Err(options.wrong("ssl_client_authentication", "invalid_value", message));
    }
    let authorities = authorities.into_iter().map(Into::into).collect();
    Ok(Some(Tls {
        certificate: options.required("ssl_certificate")?.into(),
        key: options.required("ssl_key")?.into(),
        client_authentication: match client {
            "optional" => ClientAuthentication::Optional(authorities),
            "required" => ClientAuthentication::Required(authorities),
            _ => ClientAuthentication::None,
        },
    }))
}
