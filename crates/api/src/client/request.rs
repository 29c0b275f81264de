//! One call: address, token, time-out, and the answer as a value or as a typed error.

use std::error::Error;

use reqwest::{Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;

use super::{Client, ClientError};
use crate::Problem;

/// Most characters of an answer that is quoted because it cannot be understood.
const EXCERPT_CHARS: usize = 200;

impl Client {
    /// The address of a path given by its segments, which are escaped here.
    pub(super) fn address(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // an address that cannot take segments was refused when the client was made
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// A request without a limit of its own.
    pub(super) fn unlimited(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        let request = self.http.request(method, self.address(segments));
        match &self.options.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// A request that ends within the time-out.
    pub(super) fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.unlimited(method, segments)
            .timeout(self.options.timeout)
    }

    /// Sends it and reads the answer's JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let response = self.send(request).await?;
        self.read_json(response).await
    }

    /// Reads a good answer's JSON.
    pub(super) async fn read_json<T: DeserializeOwned>(
        &self,
        response: Response,
    ) -> Result<T, ClientError> {
        let (url, status) = (response.url().to_string(), response.status().as_u16());
        let body = response.bytes().await.map_err(|e| self.broken(&e))?;
        serde_json::from_slice(&body).map_err(|e| ClientError::NotUnderstood {
            url,
            status,
            reason: e.to_string(),
        })
    }

    /// Sends it and reads the answer's text.
    pub(super) async fn text(&self, request: RequestBuilder) -> Result<String, ClientError> {
        self.send(request)
            .await?
            .text()
            .await
            .map_err(|e| self.broken(&e))
    }

    /// Sends it and takes any good answer.
    pub(super) async fn done(&self, request: RequestBuilder) -> Result<(), ClientError> {
        self.send(request).await.map(drop)
    }

    /// Sends it; an answer that is no good one becomes an error.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|e| self.broken(&e))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(self.refusal(response).await)
        }
    }

    /// What an answer that is no good one says.
    pub(super) async fn refusal(&self, response: Response) -> ClientError {
        let (url, status) = (response.url().to_string(), response.status().as_u16());
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(e) => return self.broken(&e),
        };
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(_) => {
                let reason = String::from_utf8_lossy(&body)
                    .chars()
                    .take(EXCERPT_CHARS)
                    .collect();
                ClientError::NotUnderstood {
                    url,
                    status,
                    reason,
                }
            }
        }
    }

    pub(super) fn broken(&self, error: &reqwest::Error) -> ClientError {
        let url = self.options.url.clone();
        if error.is_timeout() && !error.is_connect() {
            return ClientError::TimedOut {
                url,
                limit: self.options.timeout,
            };
        }
        ClientError::Unreachable {
            url,
            reason: innermost(error),
        }
    }
}

/// The cause at the bottom: what the layers above it say is only that there is one.
pub(super) fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
