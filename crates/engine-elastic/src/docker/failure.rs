//! What can go wrong with Docker, as failures that say what to do.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use bollard::errors::Error;
use domain::error::{Culprit, Failure};

/// Codes of the failures; stable, for programs.
pub mod code {
    /// Nothing listens where Docker should be, or it hung up.
    pub const AWAY: &str = "docker_away";
    /// The user that the manager runs as may not use Docker.
    pub const DENIED: &str = "docker_denied";
    /// Docker did not answer in time.
    pub const SLOW: &str = "docker_slow";
    /// Docker is older than what the platform can use.
    pub const TOO_OLD: &str = "docker_too_old";
    /// The configured address is none that can be used.
    pub const BAD_ADDRESS: &str = "docker_bad_address";
    /// Docker refused a request.
    pub const REFUSED: &str = "docker_refused";
    /// Docker could not do what it was asked for.
    pub const FAILED: &str = "docker_failed";
    /// Something is there, or in use, that does not belong to the run.
    pub const CONFLICT: &str = "docker_conflict";
    /// Docker has no room left on its disk.
    pub const DISK_FULL: &str = "disk_full";
    /// The image is not on the host, and could not be pulled.
    pub const IMAGE_MISSING: &str = "image_missing";
    /// A network of the operator's is not there.
    pub const NETWORK_MISSING: &str = "network_missing";
    /// A container used more memory than it may, and was ended.
    pub const CONTAINER_OOM: &str = "container_oom";
    /// A container ended with an error.
    pub const CONTAINER_FAILED: &str = "container_failed";
    /// A file of the run's folder could not be written.
    pub const LOG_UNWRITABLE: &str = "log_unwritable";
}

/// A call that did not succeed.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The HTTP status, where Docker answered.
    pub status: Option<u16>,
    /// The same for people.
    pub failure: Failure,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.failure
    }
}

/// None where Docker answered with one of these statuses, which means that there is nothing to do or to tell.
pub(super) fn unless<T>(
    statuses: &[u16],
    result: Result<T, Refusal>,
) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Refusal {
            status: Some(status),
            ..
        }) if statuses.contains(&status) => Ok(None),
        Err(refusal) => Err(refusal.failure),
    }
}

pub(super) fn transient(code: &str, message: String, next_step: impl Into<String>) -> Failure {
    Failure::transient(code, Culprit::Platform, message, next_step)
}

pub(super) fn permanent(code: &str, message: String, next_step: impl Into<String>) -> Failure {
    Failure::permanent(code, Culprit::Platform, message, next_step)
}

/// Docker did not answer within this time.
pub(super) fn slow(host: &str, doing: &str, within: Duration) -> Refusal {
    let failure = transient(
        code::SLOW,
        format!(
            "Docker at {host} did not answer in {}s: {doing}",
            within.as_secs_f32()
        ),
        "look at the load and the disk of Docker's host, and at Docker's own log; it is tried again",
    );
    Refusal {
        status: None,
        failure,
    }
}

/// Explains an error of the client.
pub(super) fn explain(host: &str, doing: &str, error: &Error) -> Refusal {
    let status = match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    };
    let failure = match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } => answered(doing, *status_code, message),
        Error::DockerStreamError { error } => answered(doing, 500, error),
        Error::SocketNotFoundError(_) => away(host, doing, "there is no such socket"),
        Error::RequestTimeoutError => {
            return slow(host, doing, Duration::from_secs(super::CLIENT_SECONDS));
        }
        Error::UnsupportedURISchemeError { .. }
        | Error::URLParseError { .. }
        | Error::InvalidURIError { .. }
        | Error::InvalidURIPartsError { .. } => permanent(
            code::BAD_ADDRESS,
            format!("{host:?} is no address of Docker that can be used: {error}"),
            "set DOCKER_HOST to unix:///path/of/docker.sock or to tcp://host:port",
        ),
        other => match io_kind(other) {
            Some(io::ErrorKind::PermissionDenied) => denied(host),
            Some(kind) => away(host, doing, &kind.to_string()),
            None if hung_up(other) => away(host, doing, "it hung up"),
            None => transient(
                code::FAILED,
                format!("Docker at {host} gave an answer that cannot be read: {doing}: {other}"),
                "see whether that is really Docker, and which version of it",
            ),
        },
    };
    Refusal { status, failure }
}

fn hung_up(error: &Error) -> bool {
    matches!(
        error,
        Error::HyperResponseError { .. } | Error::HyperLegacyError { .. }
    )
}

/// The kind of the input or output error at the bottom of it, if there is one.
fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    if let Error::IOError { err } = error {
        return Some(err.kind());
    }
    // a transparent error gives its inner one's source, so the inner one itself is looked at first
    if let Error::HyperLegacyError { err } = error {
        cause = err.source();
    }
    while let Some(it) = cause {
        if let Some(io) = it.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        cause = it.source();
    }
    None
}

fn away(host: &str, doing: &str, why: &str) -> Failure {
    transient(
        code::AWAY,
        format!("Docker at {host} cannot be reached: {why}; {doing}"),
        "start Docker there, or set DOCKER_HOST to where it is; runs go on by themselves when it is back",
    )
}

fn denied(host: &str) -> Failure {
    permanent(
        code::DENIED,
        format!("the manager's user may not use Docker at {host}"),
        "add the user to the group that owns the socket (usually `docker`) and start the manager again",
    )
}

/// What Docker's answer means.
fn answered(doing: &str, status: u16, message: &str) -> Failure {
    let said = format!("{doing}: Docker says: {}", message.trim());
    if message.contains("no space left on device") {
        return transient(
            code::DISK_FULL,
            said,
            "free space where Docker keeps its data (`docker system df` shows what uses it)",
        );
    }
    match status {
        404 if message.contains("No such image") => image_missing(said),
        409 | 403 if status == 409 || message.contains("active endpoints") => transient(
            code::CONFLICT,
            said,
            "see what else uses it; it is tried again",
        ),
        401 | 403 => permanent(
            code::DENIED,
            said,
            "see what restricts the use of Docker there",
        ),
        400..=499 => permanent(
            code::REFUSED,
            said,
            "correct what it names; if that is nothing you configured, report it with this message",
        ),
        _ => transient(
            code::FAILED,
            said,
            "look at Docker's own log; it is tried again",
        ),
    }
}

/// An image that is not there.
pub(super) fn image_missing(message: String) -> Failure {
    permanent(
        code::IMAGE_MISSING,
        message,
        "pull it by hand on Docker's host (`docker pull IMAGE`, or `docker load` where there is no network), or \
         configure an image that is there",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError {
            status_code,
            message: message.into(),
        }
    }

    #[test]
    fn every_trouble_has_a_code_and_a_next_step() {
        let cases = [
            (
                server(500, "write /x: no space left on device"),
                code::DISK_FULL,
                true,
            ),
            (
                server(404, "No such image: x:1"),
                code::IMAGE_MISSING,
                false,
            ),
            (server(400, "invalid mount config"), code::REFUSED, false),
            (server(409, "volume is in use"), code::CONFLICT, true),
            (
                server(403, "network x has active endpoints"),
                code::CONFLICT,
                true,
            ),
            (server(500, "oops"), code::FAILED, true),
            (Error::SocketNotFoundError("/x".into()), code::AWAY, true),
            (
                io::Error::from(io::ErrorKind::PermissionDenied).into(),
                code::DENIED,
                false,
            ),
            (
                io::Error::from(io::ErrorKind::ConnectionRefused).into(),
                code::AWAY,
                true,
            ),
            (Error::RequestTimeoutError, code::SLOW, true),
            (
                Error::UnsupportedURISchemeError {
                    uri: "ftp://x".into(),
                },
                code::BAD_ADDRESS,
                false,
            ),
        ];
        for (error, code, retryable) in cases {
            let failure = explain("unix:///x", "listing containers", &error).failure;
            assert_eq!(
                (failure.code.as_str(), failure.retryable),
                (code, retryable),
                "{error}"
            );
            assert!(!failure.next_step.is_empty());
        }
    }
}
