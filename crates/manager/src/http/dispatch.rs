//! What every request goes through: its id, who it comes from, whether they may, the handler, the log.

use std::time::{Duration, Instant};

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, guard, web};
use api::Code;
use domain::ids::ClientId;

use super::call::{Call, no_client, segment};
use super::fault::Fault;
use super::resources::routes;
use super::route::{Access, Route};
use super::state::AppState;
use crate::auth::{Identity, identify};
use crate::ids;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken over from a request.
const MAX_REQUEST_ID: usize = 64;

/// Puts all routes into a server.
pub(crate) fn configure(service: &mut web::ServiceConfig) {
    let routes = routes();
    let mut paths: Vec<&'static str> = routes.iter().map(|route| route.path).collect();
    paths.dedup();
    for path in paths {
        let mut resource = web::resource(path);
        let mut methods = Vec::new();
        for route in routes.iter().filter(|route| route.path == path) {
            methods.push(route.method.to_string());
            let handle =
                move |request: HttpRequest, payload: web::Payload| answer(route, request, payload);
            let of_method = web::route().guard(guard::Method(route.method.clone()));
            resource = resource.route(of_method.to(handle));
        }
        let allow = methods.join(", ");
        resource = resource.default_service(web::to(move |request: HttpRequest| {
            refuse_method(request, allow.clone())
        }));
        service.service(resource);
    }
    service.default_service(web::to(refuse_path));
}

/// What is known of a request before it is looked at.
struct Context {
    id: String,
    began: Instant,
}

impl Context {
    fn begin(request: &HttpRequest) -> Self {
        let sane = |id: &&str| {
            (1..=MAX_REQUEST_ID).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
        };
        let given = request
            .headers()
            .get(&REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(sane);
        Self {
            id: given.map_or_else(ids::ulid, str::to_owned),
            began: Instant::now(),
        }
    }

    /// The answer with everything that all answers have; counted and logged.
    fn finish(
        self,
        request: &HttpRequest,
        operation: &str,
        result: Result<HttpResponse, Fault>,
    ) -> HttpResponse<BoxBody> {
        let mut response = result.unwrap_or_else(|mut fault| {
            fault.0.instance = Some(request.path().to_owned());
            fault.0.request_id = Some(self.id.clone());
            fault.response()
        });
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            headers.insert(REQUEST_ID, id);
        }
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        if response.status() == actix_web::http::StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let (status, took) = (response.status().as_u16(), self.began.elapsed());
        if let Some(app) = request.app_data::<web::Data<AppState>>() {
            app.metrics.answered(operation, status, took);
        }
        log(request, operation, &self.id, status, took);
        response
    }
}

fn log(request: &HttpRequest, operation: &str, request_id: &str, status: u16, took: Duration) {
    let (method, path, ms) = (request.method(), request.path(), took.as_millis() as u64);
    if status >= 500 {
        tracing::warn!(operation, request_id, status, ms, %method, path, "request failed");
    } else {
        tracing::debug!(operation, request_id, status, ms, %method, path, "request");
    }
}

async fn answer(
    route: &'static Route,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let context = Context::begin(&request);
    let result = carry_out(route, &request, payload, context.id.clone()).await;
    context.finish(&request, route.id, result)
}

async fn refuse_method(request: HttpRequest, allow: String) -> HttpResponse {
    let detail = format!("{} takes {allow}, not {}", request.path(), request.method());
    let mut response = Context::begin(&request).finish(
        &request,
        "none",
        Err(Fault::new(Code::MethodNotAllowed, detail)),
    );
    if let Ok(allow) = HeaderValue::from_str(&allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

async fn refuse_path(request: HttpRequest) -> HttpResponse {
    let fault = Fault::new(
        Code::NoSuchRoute,
        format!("there is nothing at {}", request.path()),
    );
    Context::begin(&request).finish(&request, "none", Err(fault))
}

async fn carry_out(
    route: &'static Route,
    request: &HttpRequest,
    payload: web::Payload,
    request_id: String,
) -> Result<HttpResponse, Fault> {
    let app = request
        .app_data::<web::Data<AppState>>()
        .ok_or_else(|| Fault::internal("the server has no state"))?
        .clone();
    let now_ms = app.now_ms();
    let who = match route.access {
        // what everybody may see is shown whatever token comes with the request
        Access::Public => Identity::Anonymous,
        _ => who(&app, request, now_ms).await?,
    };
    allow(route.access, &who, request)?;
    let call = Call {
        app,
        request: request.clone(),
        payload,
        who,
        request_id,
        now_ms,
    };
    (route.handler)(call).await
}

/// Who a request comes from. A token that is not good is refused, also where none is needed.
async fn who(app: &AppState, request: &HttpRequest, now_ms: i64) -> Result<Identity, Fault> {
    let Some(header) = request.headers().get(header::AUTHORIZATION) else {
        return Ok(Identity::Anonymous);
    };
    let text = header.to_str().unwrap_or_default();
    let token = text
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let known = match token {
        Some(token) => identify(&app.metadata, token, now_ms).await?,
        None => None,
    };
    known.ok_or_else(|| {
        Fault::new(
            Code::InvalidToken,
            "the token is unknown, malformed, expired or revoked",
        )
    })
}

fn allow(access: Access, who: &Identity, request: &HttpRequest) -> Result<(), Fault> {
    let forbidden = |needed: &str| {
        Err(Fault::new(
            Code::Forbidden,
            format!("this takes {needed} token"),
        ))
    };
    let unauthenticated = || Err(Fault::new(Code::Unauthenticated, "this takes a token"));
    match (access, who) {
        (Access::Public | Access::Registration, _)
        | (_, Identity::Admin(_))
        | (Access::AnyToken, Identity::Client(..)) => Ok(()),
        (Access::AnyToken | Access::OwnClient | Access::Admin, Identity::Anonymous) => {
            unauthenticated()
        }
        (Access::AnyToken | Access::OwnClient, Identity::Invited(_)) => {
            forbidden("a client's or an admin's")
        }
        (Access::Admin, Identity::Client(..) | Identity::Invited(_)) => forbidden("an admin's"),
        (Access::OwnClient, Identity::Client(own, _)) => {
            let asked = ClientId::try_from(segment(request, "client")?)?;
            // another's is not told from one that does not exist
            if asked == *own {
                Ok(())
            } else {
                Err(no_client(&asked))
            }
        }
    }
}
