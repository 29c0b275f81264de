//! Kibana: putting in place what a job's client looks at its documents with.

mod objects;

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{
    Certificate, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Deserialize;

use crate::client::Credentials;

pub use objects::{JobView, SavedObject, objects};

/// Between the parts of an import's body; none of our objects holds it.
const BOUNDARY: &str = "ingest-saved-objects-6f1c9a52";

/// How to reach a Kibana.
#[derive(Debug, Clone)]
pub struct KibanaOptions {
    /// Base address, `http://host:5601`, with the base path if it has one.
    pub url: String,
    /// The space that objects go to; none for the default one.
    pub space: Option<String>,
    /// Those of Elasticsearch; Kibana asks it.
    pub credentials: Option<Credentials>,
    /// A PEM file with the certificates to trust besides the built-in ones.
    pub ca_certificate: Option<PathBuf>,
    /// Limit of a call, from connecting to the end of the answer.
    pub timeout: Duration,
}

/// Why something was not put in place.
#[derive(Debug, thiserror::Error)]
pub enum KibanaError {
    /// The client cannot be built from its options.
    #[error("Kibana client options: {0}")]
    Options(String),
    /// No answer, or not within the limit.
    #[error("Kibana at {url} cannot be reached: {reason}")]
    Unreachable {
        /// Its address.
        url: String,
        /// What the transport reported.
        reason: String,
    },
    /// An answer that is not success.
    #[error("Kibana at {url} answered {status}: {reason}")]
    Refused {
        /// Its address.
        url: String,
        /// HTTP status.
        status: u16,
        /// The reason that it gave, or the start of its answer.
        reason: String,
    },
    /// Some objects were not taken.
    #[error("Kibana did not take {0}")]
    NotTaken(String),
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Objects that are new.
    pub created: usize,
    /// Objects that were there, and were left as they are: somebody may have changed them.
    pub kept: usize,
}

/// A Kibana.
#[derive(Debug, Clone)]
pub struct Kibana {
    http: reqwest::Client,
    url: String,
    import: String,
}

impl Kibana {
    /// A client for the options. Nothing is sent yet.
    ///
    /// # Errors
    /// [`KibanaError::Options`].
    pub fn new(options: &KibanaOptions) -> Result<Self, KibanaError> {
        let wrong = |reason: String| KibanaError::Options(reason);
        let mut headers = HeaderMap::new();
        // Kibana refuses writes that could come from another site's form
        headers.insert("kbn-xsrf", HeaderValue::from_static("ingest"));
        if let Some(credentials) = &options.credentials {
            let mut value = HeaderValue::try_from(authorization(credentials))
                .map_err(|_| wrong("the credentials do not fit into a header".into()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut http = reqwest::Client::builder()
            .no_proxy()
            .timeout(options.timeout)
            .default_headers(headers);
        if let Some(path) = &options.ca_certificate {
            let at = |error: String| wrong(format!("CA certificate {}: {error}", path.display()));
            let pem = std::fs::read(path).map_err(|e| at(e.to_string()))?;
            for certificate in Certificate::from_pem_bundle(&pem).map_err(|e| at(e.to_string()))? {
                http = http.add_root_certificate(certificate);
            }
        }
        let url = options.url.trim_end_matches('/').to_owned();
        let space = options.space.as_ref().map(|space| format!("/s/{space}"));
        let space = space.unwrap_or_default();
        Ok(Self {
            http: http.build().map_err(|e| wrong(e.to_string()))?,
            import: format!("{url}{space}/api/saved_objects/_import"),
            url,
        })
    }

    /// Puts objects in place where there are none of their ids yet.
    ///
    /// # Errors
    /// When Kibana cannot be reached, or refuses the objects or some of them.
    pub async fn import(&self, objects: &[SavedObject]) -> Result<Imported, KibanaError> {
        let call = self
            .http
            .post(&self.import)
            .header(
                CONTENT_TYPE,
                format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .body(form(objects));
        let answer = call.send().await.map_err(|e| self.unreachable(&e))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|e| self.unreachable(&e))?;
        if status != StatusCode::OK {
            return Err(self.refused(status, &body));
        }
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|_| self.refused(status, &body))?;
        answer.judge()
    }

    fn unreachable(&self, error: &reqwest::Error) -> KibanaError {
        // the outermost text only repeats the address; the innermost says what happened
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        KibanaError::Unreachable {
            url: self.url.clone(),
            reason: cause.to_string(),
        }
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> KibanaError {
        #[derive(Deserialize)]
        struct Refusal {
            message: String,
        }
        let reason = serde_json::from_slice(body).map_or_else(
            |_| String::from_utf8_lossy(body).chars().take(300).collect(),
            |refusal: Refusal| refusal.message,
        );
        KibanaError::Refused {
            url: self.url.clone(),
            status: status.as_u16(),
            reason,
        }
    }
}

fn authorization(credentials: &Credentials) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    match credentials {
        Credentials::Basic { user, password } => {
            let login = BASE64_STANDARD.encode(format!("{user}:{password}"));
            format!("Basic {login}")
        }
        Credentials::ApiKey(key) => format!("ApiKey {key}"),
    }
}

/// The objects as the file of a form, one a line.
fn form(objects: &[SavedObject]) -> String {
    let lines: String = objects
        .iter()
        .map(|object| format!("{}\n", object.json()))
        .collect();
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"ingest.ndjson\"\r\n\
         Content-Type: application/ndjson\r\n\r\n{lines}\r\n--{BOUNDARY}--\r\n"
    )
}

/// What an import answers.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "successCount")]
    created: usize,
    #[serde(default)]
    errors: Vec<NotTaken>,
}

#[derive(Deserialize)]
struct NotTaken {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(rename = "type")]
    kind: String,
}

impl Answer {
    fn judge(self) -> Result<Imported, KibanaError> {
        let (kept, refused): (Vec<_>, Vec<_>) = self
            .errors
            .into_iter()
            .partition(|error| error.error.kind == "conflict");
        if refused.is_empty() {
            let (created, kept) = (self.created, kept.len());
            return Ok(Imported { created, kept });
        }
        let refused = refused
            .iter()
            .map(|error| format!("{} {} ({})", error.kind, error.id, error.error.kind));
        Err(KibanaError::NotTaken(
            refused.collect::<Vec<_>>().join(", "),
        ))
    }
}
