//! One request: slot, time-out, headers, and the sorting of failures into [`ClientError`].

use super::{ClientError, ClientOptions, Credentials};
use bytes::Bytes;
use elasticsearch::{
    cert::{Certificate, CertificateValidation},
    http::{
        Method, Url,
        headers::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
        response::Response,
        transport::{MultiNodeConnectionPool, Transport, TransportBuilder},
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// A handle to one server or cluster. Clones share the connections and the slots.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    slots: Arc<Semaphore>,
    pub(super) options: Arc<ClientOptions>,
}

/// What a request carries.
pub(super) enum Body {
    None,
    Json(Bytes),
    Ndjson { body: Bytes, gzip: bool },
}

/// A request before it is sent.
pub(super) struct Call<'a> {
    pub operation: &'static str,
    pub method: Method,
    pub path: String,
    pub query: &'a [(&'a str, &'a str)],
    pub body: Body,
    pub timeout: Duration,
}

impl Client {
    /// A client for the given options. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::Options`] for an address that is no URL, or a certificate that cannot be read.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let wrong = |reason: String| ClientError::Options { reason };
        let urls = options
            .urls
            .iter()
            .map(|url| Url::parse(url).map_err(|e| wrong(format!("address {url:?}: {e}"))))
            .collect::<Result<Vec<_>, _>>()?;
        if urls.is_empty() || options.max_connections == 0 {
            return Err(wrong(
                "at least one address and one connection are needed".into(),
            ));
        }
        let pool = MultiNodeConnectionPool::round_robin(urls, None);
        let mut builder = TransportBuilder::new(pool)
            .disable_proxy()
            .timeout(options.long_timeout);
        if let Some(credentials) = &options.credentials {
            use elasticsearch::auth::Credentials as Wire;
            builder = builder.auth(match credentials {
                Credentials::Basic { user, password } => {
                    Wire::Basic(user.clone(), password.clone())
                }
                Credentials::ApiKey(key) => Wire::EncodedApiKey(key.clone()),
            });
        }
        if let Some(path) = &options.ca_certificate {
            let pem = std::fs::read(path)
                .map_err(|e| wrong(format!("CA certificate {}: {e}", path.display())))?;
            let chain = Certificate::from_pem(&pem)
                .map_err(|e| wrong(format!("CA certificate {}: {e}", path.display())))?;
            builder = builder.cert_validation(CertificateValidation::Full(chain));
        }
        let transport = builder.build().map_err(|e| wrong(e.to_string()))?;
        let slots = Arc::new(Semaphore::new(options.max_connections));
        Ok(Self {
            transport,
            slots,
            options: Arc::new(options),
        })
    }

    pub(super) fn call<'a>(
        &self,
        operation: &'static str,
        method: Method,
        path: impl Into<String>,
    ) -> Call<'a> {
        Call {
            operation,
            method,
            path: path.into(),
            query: &[],
            body: Body::None,
            timeout: self.options.timeout,
        }
    }

    /// Sends the call and reads the whole answer; a status that is not success is an error.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<(HeaderMap, Bytes), ClientError> {
        let (operation, limit) = (call.operation, call.timeout);
        let exchange = async {
            let _slot = self
                .slots
                .acquire()
                .await
                .map_err(|e| ClientError::Options {
                    reason: e.to_string(),
                })?;
            let (headers, body) = wire_body(call.body).map_err(|reason| ClientError::Options {
                reason: format!("{operation}: compressing the request: {reason}"),
            })?;
            let answer = self
                .transport
                .send(
                    call.method,
                    &call.path,
                    headers,
                    Some(call.query),
                    body,
                    Some(limit),
                )
                .await
                .map_err(|e| self.no_answer(operation, limit, &e))?;
            self.read(operation, limit, answer).await
        };
        // The transport's own limit starts with the request; this one includes the wait for a slot.
        tokio::time::timeout(limit, exchange)
            .await
            .unwrap_or(Err(ClientError::TimedOut { operation, limit }))
    }

    /// Sends the call and parses the answer.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, ClientError> {
        let operation = call.operation;
        let (_, bytes) = self.send(call).await?;
        parse(operation, &bytes)
    }

    async fn read(
        &self,
        operation: &'static str,
        limit: Duration,
        answer: Response,
    ) -> Result<(HeaderMap, Bytes), ClientError> {
        let (status, headers) = (answer.status_code(), answer.headers().clone());
        let bytes = answer
            .bytes()
            .await
            .map_err(|e| self.no_answer(operation, limit, &e))?;
        if status.is_success() {
            return Ok((headers, bytes));
        }
        let (kind, reason) = error_body(&bytes);
        Err(match status.as_u16() {
            401 | 403 => ClientError::Denied {
                operation,
                status: status.as_u16(),
                reason,
            },
            429 | 502 | 503 | 504 => ClientError::Busy {
                operation,
                status: status.as_u16(),
                retry_after: headers
                    .get(RETRY_AFTER)
                    .and_then(|v| v.to_str().ok()?.parse().ok())
                    .map(Duration::from_secs),
                reason,
            },
            status => ClientError::Status {
                operation,
                status,
                kind,
                reason,
            },
        })
    }

    fn no_answer(
        &self,
        operation: &'static str,
        limit: Duration,
        error: &elasticsearch::Error,
    ) -> ClientError {
        if error.is_timeout() {
            return ClientError::TimedOut { operation, limit };
        }
        // The outermost text only repeats the URL; the innermost says what happened.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        ClientError::Unreachable {
            operation,
            address: self.options.urls.join(", "),
            reason: cause.to_string(),
        }
    }
}

fn wire_body(body: Body) -> std::io::Result<(HeaderMap, Option<Bytes>)> {
    let mut headers = HeaderMap::new();
    Ok(match body {
        Body::None => (headers, None),
        Body::Json(body) => (headers, Some(body)),
        Body::Ndjson { body, gzip } => {
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-ndjson"),
            );
            if !gzip {
                return Ok((headers, Some(body)));
            }
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            let mut encoder = flate2::write::GzEncoder::new(
                Vec::with_capacity(body.len() / 4),
                flate2::Compression::fast(),
            );
            std::io::Write::write_all(&mut encoder, &body)?;
            (headers, Some(encoder.finish()?.into()))
        }
    })
}

pub(super) fn parse<T: DeserializeOwned>(
    operation: &'static str,
    bytes: &[u8],
) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|e| ClientError::Protocol {
        operation,
        reason: e.to_string(),
    })
}

/// Elasticsearch's `error.type` and `error.reason`; an answer of another shape is quoted.
fn error_body(bytes: &[u8]) -> (String, String) {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Error {
        Detailed {
            #[serde(rename = "type", default)]
            kind: String,
            #[serde(default)]
            reason: Option<String>,
            #[serde(default)]
            root_cause: Vec<Cause>,
        },
        Plain(String),
    }
    #[derive(Deserialize)]
    struct Cause {
        reason: Option<String>,
    }
    #[derive(Deserialize)]
    struct Answer {
        error: Error,
    }
    match serde_json::from_slice(bytes) {
        Ok(Answer {
            error:
                Error::Detailed {
                    kind,
                    reason,
                    root_cause,
                },
        }) => {
            // a search only says that all shards failed; what failed on them stands below
            let cause = root_cause.into_iter().next().and_then(|cause| cause.reason);
            let reason = match kind.as_str() {
                "search_phase_execution_exception" => cause.or(reason),
                _ => reason,
            };
            (kind, reason.unwrap_or_default())
        }
        Ok(Answer {
            error: Error::Plain(reason),
        }) => (String::new(), reason),
        Err(_) => (
            String::new(),
            String::from_utf8_lossy(bytes).chars().take(300).collect(),
        ),
    }
}

/// Bytes of index names in one request's path: Elasticsearch refuses a first line of more than 4,096 bytes.
const LINE: usize = 3000;

/// A list of indices in pieces that each fit into a request's first line; nothing for no indices.
pub(super) fn lines<'i, 'n>(indices: &'i [&'n str]) -> impl Iterator<Item = &'i [&'n str]> {
    let mut rest = indices;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fit = rest
            .iter()
            .take_while(|index| {
                bytes += path(&[index]).len();
                bytes <= LINE
            })
            .count();
        let (piece, others) = rest.split_at(fit.max(1).min(rest.len()));
        rest = others;
        (!piece.is_empty()).then_some(piece)
    })
}

/// A path from segments that may hold any character; commas and `*` stay, as index lists need them.
pub(super) fn path(segments: &[&str]) -> String {
    let mut out = String::new();
    for segment in segments {
        out.push('/');
        for byte in segment.bytes() {
            match byte {
                b'a'..=b'z'
                | b'A'..=b'Z'
                | b'0'..=b'9'
                | b'_'
                | b'-'
                | b'.'
                | b','
                | b'*'
                | b'~' => {
                    out.push(byte.into());
                }
                other => out.push_str(&format!("%{other:02X}")),
            }
        }
    }
    out
}
