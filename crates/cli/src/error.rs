//! Why a command failed: what happened, what to do next, and the exit code.

use std::io;
use std::path::PathBuf;

use api::{ClientError, Code, Problem};
use serde_json::{Value, json};

use crate::exit::Exit;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A call of the API failed.
    #[error("{source}")]
    Api {
        /// How.
        source: ClientError,
        /// Where the token came from, in words; none if none was sent.
        token_from: Option<String>,
    },
    /// The command line cannot be used.
    #[error("{message}")]
    Usage {
        /// Why.
        message: String,
        /// What to do instead.
        next_step: String,
    },
    /// What was handed over is not valid; nothing was sent.
    #[error("{message}")]
    Invalid {
        /// What is wrong, and where.
        message: String,
    },
    /// A file on this side cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The manager could not be reached again while a run was watched.
    #[error("the manager could not be reached again: {reason}")]
    LostSight {
        /// The last thing that happened.
        reason: String,
        /// The run that was watched.
        run: String,
    },
    /// The platform, or a part of it, did not start or ended badly.
    #[error("{message} ({code})")]
    Serve {
        /// Stable, for programs.
        code: String,
        /// What happened.
        message: String,
    },
    /// What came could not be written to standard output.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
    /// What came could not be rendered as JSON or YAML.
    #[error("the answer cannot be written: {0}")]
    Render(String),
}

impl From<ClientError> for CliError {
    fn from(source: ClientError) -> Self {
        Self::Api {
            source,
            token_from: None,
        }
    }
}

impl CliError {
    /// A thing that is not there, said by this side.
    pub fn not_found(code: Code, detail: impl Into<String>, next_step: impl Into<String>) -> Self {
        let problem = Problem::new(code, detail).with_next_step(next_step);
        ClientError::Problem(Box::new(problem)).into()
    }

    /// The exit code that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Api { source, .. } => match source {
                ClientError::Problem(problem) => Exit::of_refusal(problem.status, &problem.code),
                ClientError::Unreachable { .. } | ClientError::TimedOut { .. } => Exit::Unreachable,
                ClientError::NotUnderstood { .. } => Exit::Unexpected,
                ClientError::File { .. } | ClientError::Misconfigured(_) => Exit::Usage,
            },
            Self::Usage { .. } | Self::File { .. } => Exit::Usage,
            Self::Invalid { .. } => Exit::Refused,
            Self::LostSight { .. } => Exit::Unreachable,
            Self::Serve { .. } | Self::Render(_) => Exit::Unexpected,
            // whoever read our output has seen enough
            Self::Output(e) if e.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Output(_) => Exit::Unexpected,
        }
    }

    /// The problem document, if the manager sent one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Api { source, .. } => source.problem(),
            _ => None,
        }
    }

    /// What to do next.
    pub fn next_step(&self) -> Option<String> {
        match self {
            Self::Api { source, token_from } => api_next_step(source, token_from.as_deref()),
            Self::Usage { next_step, .. } => Some(next_step.clone()),
            Self::LostSight { run, .. } => Some(format!(
                "the run goes on by itself; look again with `ingest run watch {run}`"
            )),
            Self::Invalid { .. }
            | Self::File { .. }
            | Self::Serve { .. }
            | Self::Output(_)
            | Self::Render(_) => None,
        }
    }

    /// Stable, for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::Api { source, .. } => match source {
                ClientError::Problem(problem) => &problem.code,
                ClientError::Unreachable { .. } => "unreachable",
                ClientError::TimedOut { .. } => "timed_out",
                ClientError::NotUnderstood { .. } => "not_understood",
                ClientError::File { .. } => "file",
                ClientError::Misconfigured(_) => "usage",
            },
            Self::Usage { .. } => "usage",
            Self::Invalid { .. } => "invalid",
            Self::File { .. } => "file",
            Self::LostSight { .. } => "unreachable",
            Self::Serve { code, .. } => code,
            Self::Output(_) => "output",
            Self::Render(_) => "render",
        }
    }

    /// For programs: the manager's problem document as it came, or one of our own in its likeness.
    pub fn to_json(&self) -> Value {
        let own = || {
            let mut own = json!({ "type": "about:blank", "title": self.exit().meaning(), "detail": self.to_string(), "code": self.code() });
            if let Some(next_step) = self.next_step() {
                own["next_step"] = next_step.into();
            }
            own
        };
        self.problem()
            .and_then(|problem| serde_json::to_value(problem).ok())
            .unwrap_or_else(own)
    }
}

fn api_next_step(source: &ClientError, token_from: Option<&str>) -> Option<String> {
    match source {
        ClientError::Problem(problem) => {
            let own = problem.next_step.clone();
            // a list of what is wrong says more than what its code means
            let listed = !(problem.violations.is_empty() && problem.refusals.is_empty());
            let code = || problem.known_code().filter(|_| !listed);
            let meaning = || code().map(|code| code.meaning().to_owned());
            let step = own.or_else(meaning)?;
            let about_token = matches!(problem.status, 401 | 403)
                && problem.code != Code::RefusedByPlan.as_str();
            Some(match (about_token, token_from) {
                (true, Some(from)) => format!("{step} The token that was sent is from {from}."),
                (true, None) => format!(
                    "{step} No token was found: give one by --token-file or INGEST_TOKEN, or register with `ingest client register`."
                ),
                (false, _) => step,
            })
        }
        ClientError::Unreachable { .. } | ClientError::TimedOut { .. } => Some(
            "start the platform with `ingest up`, or name its address by --server or INGEST_SERVER"
                .into(),
        ),
        ClientError::NotUnderstood { .. } => Some(
            "check that --server (or INGEST_SERVER) is the address of an ingestion manager of this version".into(),
        ),
        ClientError::File { .. } | ClientError::Misconfigured(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_exit_by_what_happened() {
        let unreachable = ClientError::Unreachable {
            url: "http://x".into(),
            reason: "refused".into(),
        };
        let missing =
            CliError::not_found(Code::RunNotFound, "acme/flights has no run", "start one");
        let output = |kind| CliError::Output(io::Error::from(kind));
        for (error, exit, code) in [
            (unreachable.into(), Exit::Unreachable, "unreachable"),
            (missing, Exit::NotFound, "run_not_found"),
            (
                CliError::Invalid {
                    message: "line 1".into(),
                },
                Exit::Refused,
                "invalid",
            ),
            (
                CliError::Usage {
                    message: "x".into(),
                    next_step: "y".into(),
                },
                Exit::Usage,
                "usage",
            ),
            (output(io::ErrorKind::BrokenPipe), Exit::Ok, "output"),
            (
                output(io::ErrorKind::StorageFull),
                Exit::Unexpected,
                "output",
            ),
        ] {
            assert_eq!((error.exit(), error.code()), (exit, code), "{error}");
        }
    }

    #[test]
    fn a_refused_token_is_named_by_where_it_came_from() {
        let problem = Problem::new(Code::InvalidToken, "the token is not known");
        let source = ClientError::Problem(Box::new(problem));
        let error = CliError::Api {
            source,
            token_from: Some("INGEST_TOKEN".into()),
        };
        assert!(error.next_step().unwrap().contains("INGEST_TOKEN"));
        assert_eq!(error.to_json()["code"], "invalid_token");
    }
}
