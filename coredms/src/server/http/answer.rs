//! What is sent back.

use serde_json::Value;

/// An answer before it is sent.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Body,
}

/// Its body.
#[derive(Debug)]
pub enum Body {
    /// JSON that `filter_path` is still to be applied to.
    Json(Value),
    /// JSON as it is.
    Ready(Vec<u8>),
    /// Plain text.
    Text(String),
}

impl Answer {
    /// 200 with JSON.
    pub fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body: Body::Json(body),
        }
    }

    /// JSON with a status.
    pub fn with(status: u16, body: Value) -> Self {
        Self {
            status,
            body: Body::Json(body),
        }
    }

    /// `{"acknowledged": true}`.
    pub fn acknowledged() -> Self {
        Self::ok(serde_json::json!({ "acknowledged": true }))
    }
}
