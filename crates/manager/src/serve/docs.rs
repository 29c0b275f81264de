//! `/docs/`: the API's description for people (Swagger UI, in the binary).

use actix_web::{Resource, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The pages.
pub(super) fn pages() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").config(Config::from("/v1/openapi.json"))
}

/// `/docs` without its slash.
pub(super) fn redirect() -> Resource {
    web::resource("/docs").route(web::get().to(|| async {
        actix_web::HttpResponse::PermanentRedirect()
            .insert_header(("Location", "/docs/"))
            .finish()
    }))
}
