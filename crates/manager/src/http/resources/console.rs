//! `/`: the console, a page for people that uses the API like any other client.

use actix_web::HttpResponse;
use actix_web::http::{Method, header};

use super::super::fault::Fault;
use super::super::route::{Access, Route};

/// Everything the page needs comes with it, from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/",
            Access::Public,
            "console",
            "The console",
            |_| {
                Box::pin(file(
                    "text/html; charset=utf-8",
                    include_str!("../../console/index.html"),
                ))
            },
        )
        .gives_content(&["text/html"]),
        Route::new(
            Method::GET,
            "/console.js",
            Access::Public,
            "console_script",
            "The console's script",
            |_| {
                Box::pin(file(
                    "text/javascript; charset=utf-8",
                    include_str!("../../console/console.js"),
                ))
            },
        )
        .gives_content(&["text/javascript"]),
        Route::new(
            Method::GET,
            "/console.css",
            Access::Public,
            "console_style",
            "The console's style",
            |_| {
                Box::pin(file(
                    "text/css; charset=utf-8",
                    include_str!("../../console/console.css"),
                ))
            },
        )
        .gives_content(&["text/css"]),
    ]
}

async fn file(content_type: &'static str, content: &'static str) -> Result<HttpResponse, Fault> {
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(content))
}
