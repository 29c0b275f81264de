//! The HTTP side: a request becomes a [`Call`], the router finds who answers it, the answer is sent.

mod answer;
mod bulk;
mod cat;
mod cluster;
mod documents;
mod filter_path;
mod indices;
mod listener;
mod router;
mod searches;

pub use listener::{App, handle};

use super::error::{EsError, EsResult};
use answer::Answer;
use bytes::Bytes;
use serde_json::Value;
use std::collections::HashMap;

/// A request, decoded.
pub struct Call<'a> {
    /// The method; HEAD is answered like GET, without the body.
    pub method: &'a str,
    /// The path's segments, percent-decoded.
    pub path: Vec<String>,
    /// The query's parameters.
    pub parameters: HashMap<String, String>,
    /// The body, decompressed.
    pub body: Bytes,
    /// The server.
    pub app: &'a App,
    /// When it came, milliseconds since 1970.
    pub now_ms: i64,
}

impl Call<'_> {
    /// The body as JSON; an empty one is `{}`.
    pub fn json(&self) -> EsResult<Value> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&self.body).map_err(|e| {
            EsError::new(
                400,
                "x_content_parse_exception",
                format!("Failed to parse the request body: {e}"),
            )
        })
    }

    /// A parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Whether a parameter without value, or with one other than `false`, is given.
    pub fn flag(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value != "false")
    }

    /// Refuses parameters other than the common ones and these.
    pub fn allow(&self, known: &[&str]) -> EsResult<()> {
        match self
            .parameters
            .keys()
            .find(|key| !super::search::is_common(key) && !known.contains(&key.as_str()))
        {
            None => Ok(()),
            Some(other) => Err(super::search::unknown_parameter(
                &format!("/{}", self.path.join("/")),
                other,
            )),
        }
    }

    /// What to do with index names that match nothing.
    pub fn scope(&self) -> super::store::Scope {
        super::store::Scope {
            ignore_unavailable: self.flag("ignore_unavailable"),
            allow_no_indices: self.parameter("allow_no_indices") != Some("false"),
        }
    }

    /// Whether what is written must be visible to searches before the answer.
    pub fn refresh(&self) -> EsResult<bool> {
        match self.parameter("refresh") {
            None | Some("false") => Ok(false),
            Some("" | "true" | "wait_for") => Ok(true),
            Some(other) => Err(EsError::illegal(format!(
                "Unknown value for refresh: [{other}]."
            ))),
        }
    }
}
