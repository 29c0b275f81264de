//! From the wire to a [`Call`] and back: authentication, limits, compression, errors.

use super::{
    Call,
    answer::{Answer, Body},
    filter_path::FilterPath,
    router,
};
use crate::server::{
    error::{EsError, EsResult},
    store::Store,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use std::{
    collections::HashMap,
    io::Read,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// Largest request body, compressed or not, as Elasticsearch's `http.max_content_length`.
const MAX_BODY: usize = 100 << 20;
/// Bytes of bodies in memory at once; more are refused with 429, as Elasticsearch's indexing pressure.
const MAX_IN_FLIGHT: usize = 256 << 20;
/// Requests worked on at once; more wait.
const MAX_WORKERS: usize = 32;

/// The server behind the listener.
pub struct App {
    /// The data.
    pub store: Arc<Store>,
    /// The key that every request must show.
    api_key: Option<String>,
    in_flight: AtomicUsize,
    workers: Semaphore,
    /// When it started.
    pub started: Instant,
    /// Processor time at the last look.
    pub cpu: Mutex<Option<(Instant, f64)>>,
}

impl App {
    /// A server on this data.
    pub fn new(store: Arc<Store>, api_key: Option<String>) -> Self {
        Self {
            store,
            api_key,
            in_flight: AtomicUsize::new(0),
            workers: Semaphore::new(MAX_WORKERS),
            started: Instant::now(),
            cpu: Mutex::new(None),
        }
    }
}

/// Bytes counted as in memory until dropped.
struct InFlight(web::Data<App>, usize);

impl InFlight {
    fn add(&mut self, bytes: usize) -> EsResult<()> {
        self.1 += bytes;
        if self.0.in_flight.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_IN_FLIGHT {
            return Err(EsError::new(
                429,
                "es_rejected_execution_exception",
                format!(
                    "rejected execution: more than {MAX_IN_FLIGHT} bytes of requests in memory"
                ),
            ));
        }
        Ok(())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// Answers any request.
pub async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    app: web::Data<App>,
) -> HttpResponse {
    let filter = parameters(request.query_string())
        .get("filter_path")
        .map(|filter| FilterPath::new(filter));
    let head = request.method() == Method::HEAD;
    match answer(request, payload, app).await {
        Ok(answer) => respond(answer, filter, head),
        Err(error) => respond(Answer::with(error.status, error.body()), None, head),
    }
}

async fn answer(
    request: HttpRequest,
    payload: web::Payload,
    app: web::Data<App>,
) -> EsResult<Answer> {
    authenticate(&request, &app)?;
    let mut in_flight = InFlight(app.clone(), 0);
    let body = read(payload, &mut in_flight).await?;
    let gzip = match request
        .headers()
        .get(header::CONTENT_ENCODING)
        .map(|v| v.as_bytes())
    {
        None | Some(b"identity") => false,
        Some(b"gzip") => true,
        Some(_) => {
            return Err(EsError::new(
                415,
                "illegal_argument_exception",
                "only gzip is supported as Content-Encoding",
            ));
        }
    };
    let _worker = app
        .workers
        .acquire()
        .await
        .map_err(|e| EsError::internal("workers", e))?;
    let method = request.method().as_str().to_owned();
    let (path, parameters) = (
        segments(request.path())?,
        parameters(request.query_string()),
    );
    let data = app.clone();
    let work = move || {
        let body = if gzip {
            unpack(&body, &mut in_flight)?
        } else {
            body
        };
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as i64);
        let method = if method == "HEAD" { "GET" } else { &method };
        router::route(&Call {
            method,
            path,
            parameters,
            body,
            app: &data,
            now_ms,
        })
    };
    web::block(work)
        .await
        .map_err(|e| EsError::internal("worker", e))?
}

fn authenticate(request: &HttpRequest, app: &App) -> EsResult<()> {
    let Some(key) = &app.api_key else {
        return Ok(());
    };
    let shown = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok()?.strip_prefix("ApiKey "));
    match shown {
        Some(shown) if bool::from(shown.trim().as_bytes().ct_eq(key.as_bytes())) => Ok(()),
        _ => Err(EsError::new(
            401,
            "security_exception",
            "missing or wrong authentication credentials: `Authorization: ApiKey <key>` is required",
        )),
    }
}

fn too_large() -> EsError {
    EsError::new(
        413,
        "content_too_long_exception",
        format!("entity content is too long for the configured limit of {MAX_BODY} bytes"),
    )
}

async fn read(mut payload: web::Payload, in_flight: &mut InFlight) -> EsResult<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk
            .map_err(|e| EsError::illegal(format!("the request body could not be read: {e}")))?;
        if body.len() + chunk.len() > MAX_BODY {
            return Err(too_large());
        }
        in_flight.add(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn unpack(packed: &Bytes, in_flight: &mut InFlight) -> EsResult<Bytes> {
    let mut body = Vec::with_capacity(packed.len().saturating_mul(4).min(MAX_BODY));
    flate2::read::MultiGzDecoder::new(&packed[..])
        .take(MAX_BODY as u64 + 1)
        .read_to_end(&mut body)
        .map_err(|e| EsError::illegal(format!("the request body is not gzip: {e}")))?;
    if body.len() > MAX_BODY {
        return Err(too_large());
    }
    in_flight.add(body.len())?;
    Ok(body.into())
}

fn segments(path: &str) -> EsResult<Vec<String>> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            percent_encoding::percent_decode_str(segment)
                .decode_utf8()
                .map(Into::into)
                .map_err(|_| EsError::illegal(format!("the path [{path}] is not UTF-8")))
        })
        .collect()
}

fn parameters(query: &str) -> HashMap<String, String> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn respond(answer: Answer, filter: Option<FilterPath>, head: bool) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header(("X-elastic-product", "Elasticsearch"));
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.insert_header((header::RETRY_AFTER, "1"));
    }
    let (kind, body) = match answer.body {
        Body::Text(text) => ("text/plain; charset=UTF-8", text.into_bytes()),
        Body::Ready(bytes) => ("application/json", bytes),
        Body::Json(value) => {
            let value = match filter {
                Some(filter) => filter.apply(value),
                None => value,
            };
            ("application/json", value.to_string().into_bytes())
        }
    };
    response.insert_header((header::CONTENT_TYPE, kind));
    if head {
        response.finish()
    } else {
        response.body(body)
    }
}
