//! One route: address, who may use it, what it takes and gives. The table of all routes makes the server, its
//! documentation, and the test of who may do what.

use actix_web::HttpResponse;
use actix_web::http::Method;
use futures::future::LocalBoxFuture;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::call::Call;
use super::fault::Fault;

/// Carries a request out.
pub(crate) type Handler = fn(Call) -> LocalBoxFuture<'static, Result<HttpResponse, Fault>>;

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Public,
    /// Depends on the configuration: the route decides.
    Registration,
    /// Every client, and admins.
    AnyToken,
    /// The client that the path names, and admins.
    OwnClient,
    /// Admins.
    Admin,
}

/// A query parameter or a header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    pub name: &'static str,
    pub place: &'static str,
    pub kind: &'static str,
    pub doc: &'static str,
}

impl Param {
    pub(crate) const fn query(name: &'static str, kind: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            place: "query",
            kind,
            doc,
        }
    }
    pub(crate) const fn header(name: &'static str, kind: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            place: "header",
            kind,
            doc,
        }
    }
}

const PAGE: [Param; 2] = [
    Param::query(
        "limit",
        "integer",
        "At most so many entries, 1 to 1000. Default 100.",
    ),
    Param::query("after", "string", "The `next` of the page before."),
];

/// What a request's body is.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    Nothing,
    Json(SchemaOf),
    /// A job spec, as JSON or YAML.
    Spec {
        required: bool,
    },
    /// Any bytes, as a stream.
    Bytes,
}

/// What a good answer's body is.
#[derive(Clone, Copy)]
pub(crate) enum Gives {
    Nothing,
    Json(SchemaOf),
    /// One of these content types, without a schema.
    Content(&'static [&'static str]),
}

/// One route.
pub(crate) struct Route {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    pub id: &'static str,
    pub summary: &'static str,
    pub params: Vec<Param>,
    pub takes: Takes,
    pub status: u16,
    pub gives: Gives,
    pub handler: Handler,
}

impl Route {
    pub(crate) fn new(
        method: Method,
        path: &'static str,
        access: Access,
        id: &'static str,
        summary: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            access,
            id,
            summary,
            params: Vec::new(),
            takes: Takes::Nothing,
            status: 204,
            gives: Gives::Nothing,
            handler,
        }
    }

    /// It gives pages.
    pub(crate) fn paged(mut self) -> Self {
        self.params.extend(PAGE);
        self
    }

    pub(crate) fn param(mut self, param: Param) -> Self {
        self.params.push(param);
        self
    }

    pub(crate) fn takes<T: JsonSchema>(mut self) -> Self {
        self.takes = Takes::Json(|generator| generator.subschema_for::<T>());
        self
    }

    pub(crate) fn takes_spec(mut self, required: bool) -> Self {
        self.takes = Takes::Spec { required };
        self
    }

    pub(crate) fn takes_bytes(mut self) -> Self {
        self.takes = Takes::Bytes;
        self
    }

    pub(crate) fn gives<T: JsonSchema>(mut self, status: u16) -> Self {
        self.status = status;
        self.gives = Gives::Json(|generator| generator.subschema_for::<T>());
        self
    }

    pub(crate) fn gives_content(mut self, types: &'static [&'static str]) -> Self {
        self.status = 200;
        self.gives = Gives::Content(types);
        self
    }
}
