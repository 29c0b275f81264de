//! Bodies that are taken in as a whole: limited in size and time, JSON or YAML by their content type.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::BytesMut;
use api::{Code, Problem};
use domain::Violation;
use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::call::Call;
use super::fault::Fault;

/// Most bytes of a body that is no upload.
const MAX_BODY: usize = 1 << 20;
/// How long such a body may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

/// What a body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    Json,
    Yaml,
}

impl Call {
    /// The body as JSON of this shape.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Fault> {
        self.notation(&[Notation::Json])?;
        let value = self
            .value(Notation::Json)
            .await?
            .ok_or_else(|| malformed("the body is empty"))?;
        serde_path_to_error::deserialize(value).map_err(|e| {
            let pointer = pointer(e.path());
            let violation = Violation::new(pointer, "invalid_value", e.inner().to_string());
            Problem::new(Code::MalformedBody, violation.to_string())
                .with_violations(vec![violation])
                .into()
        })
    }

    /// The body as JSON or YAML of any shape; none if it is empty.
    pub(crate) async fn document(&mut self) -> Result<Option<Value>, Fault> {
        let notation = match self.request.headers().contains_key(CONTENT_TYPE) {
            true => self.notation(&[Notation::Json, Notation::Yaml])?,
            false => Notation::Json,
        };
        self.value(notation).await
    }

    fn notation(&self, taken: &[Notation]) -> Result<Notation, Fault> {
        let given = self
            .request
            .headers()
            .get(CONTENT_TYPE)
            .map(|value| value.to_str().unwrap_or_default());
        let essence = given
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let notation = match essence.as_str() {
            "application/json" => Some(Notation::Json),
            "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => {
                Some(Notation::Yaml)
            }
            _ => None,
        };
        notation
            .filter(|notation| taken.contains(notation))
            .ok_or_else(|| {
                let detail = match given {
                    Some(given) => format!("the content type {given:?} is not understood here"),
                    None => "the content type is missing".to_owned(),
                };
                Fault::new(Code::UnsupportedMediaType, detail)
            })
    }

    async fn value(&mut self, notation: Notation) -> Result<Option<Value>, Fault> {
        let body = timeout(ARRIVES_WITHIN, self.whole_body())
            .await
            .map_err(|_| {
                Fault::new(
                    Code::RequestTimeout,
                    format!("the body did not arrive within {ARRIVES_WITHIN:?}"),
                )
            })??;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let text = std::str::from_utf8(&body)
            .map_err(|e| malformed(format!("the body is not UTF-8: {e}")))?;
        match notation {
            Notation::Json => serde_json::from_str(text)
                .map_err(|e| malformed(format!("the body is not JSON: {e}"))),
            Notation::Yaml => serde_yaml_ng::from_str(text)
                .map_err(|e| malformed(format!("the body is not YAML: {e}"))),
        }
        .map(Some)
    }

    async fn whole_body(&mut self) -> Result<BytesMut, Fault> {
        let mut body = BytesMut::new();
        while let Some(piece) = self.payload.next().await {
            let piece = piece
                .map_err(|e| Fault::new(Code::BrokenUpload, format!("the body broke off: {e}")))?;
            if body.len() + piece.len() > MAX_BODY {
                return Err(Fault::new(
                    Code::BodyTooLarge,
                    format!("the body has more than {MAX_BODY} bytes"),
                ));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

fn malformed(detail: impl Into<String>) -> Fault {
    Fault::new(Code::MalformedBody, detail)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .fold(String::new(), |base, segment| match segment {
            Segment::Seq { index } => format!("{base}/{index}"),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                format!("{base}/{}", name.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Unknown => base,
        })
}
