//! The resources, one file each: its part of the table of routes, and what carries them out.

mod audit;
mod clients;
mod console;
mod invitations;
mod jobs;
mod log;
mod preview;
mod rejects;
mod removal;
mod replay;
mod revisions;
mod run_events;
mod run_output;
mod runs;
mod search;
mod staging;
mod steer;
mod system;
mod tests;
mod tokens;
mod undo;
mod usage;
mod validate;

use std::sync::LazyLock;

use super::route::{Access, Route};

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let parts = [
        system::routes(),
        console::routes(),
        clients::routes(),
        tokens::routes(),
        usage::routes(),
        invitations::routes(),
        jobs::routes(),
        revisions::routes(),
        validate::routes(),
        preview::routes(),
        tests::routes(),
        search::routes(),
        staging::routes(),
        runs::routes(),
        steer::routes(),
        undo::routes(),
        replay::routes(),
        run_output::routes(),
        log::routes(),
        rejects::routes(),
        run_events::routes(),
        audit::routes(),
    ];
    let mut routes: Vec<Route> = parts.into_iter().flatten().collect();
    routes.sort_by_key(|route| route.path);
    routes
});

/// The table of all routes, by path.
pub(super) fn routes() -> &'static [Route] {
    &ROUTES
}

/// A route as tools and tests see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// The HTTP method.
    pub method: String,
    /// The path, with its variable parts in braces.
    pub path: &'static str,
    /// Its name.
    pub operation: &'static str,
    /// Who may use it: `public`, `registration`, `any_token`, `own_client` or `admin`.
    pub access: &'static str,
}

/// The table of all routes, as tools and tests see it.
pub fn route_infos() -> Vec<RouteInfo> {
    let info = |route: &Route| RouteInfo {
        method: route.method.to_string(),
        path: route.path,
        operation: route.id,
        access: match route.access {
            Access::Public => "public",
            Access::Registration => "registration",
            Access::AnyToken => "any_token",
            Access::OwnClient => "own_client",
            Access::Admin => "admin",
        },
    };
    routes().iter().map(info).collect()
}
