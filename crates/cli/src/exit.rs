//! The exit codes: the one table of them, as `ingest --help` prints it.

use std::fmt::Write;

use domain::run::RunState;

macro_rules! exits {
    ($($name:ident $code:literal $meaning:literal)*) => {
        /// How a command ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Exit {
            $(#[doc = $meaning] $name = $code,)*
        }

        impl Exit {
            /// All of them.
            pub const ALL: &[Exit] = &[$(Exit::$name,)*];

            /// What it means, in a few words.
            pub const fn meaning(self) -> &'static str {
                match self { $(Exit::$name => $meaning,)* }
            }
        }
    };
}

exits! {
    Ok 0 "done"
    Unexpected 1 "something unexpected: the platform failed, an answer that cannot be understood, or a failed test"
    Usage 2 "the command line cannot be used"
    Refused 3 "refused: not valid, in conflict, or against the client's plan"
    NotFound 4 "there is no such thing"
    NotAuthorised 5 "the token is missing, not good, or does not allow this"
    Unreachable 6 "the manager cannot be reached"
    RunWithRejects 10 "the run completed with rejects"
    RunFailed 11 "the run failed"
    RunCancelled 12 "the run was cancelled"
    RunSuspect 13 "the run is suspect: its sums differ"
    Interrupted 130 "interrupted while waiting for a run; the run goes on"
}

impl Exit {
    /// The code that the process exits with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// How a command that waits for a run ends when the run is in this state.
    pub const fn of_run(state: RunState) -> Exit {
        match state {
            RunState::Completed | RunState::Undone => Exit::Ok,
            RunState::CompletedWithRejects => Exit::RunWithRejects,
            RunState::Failed => Exit::RunFailed,
            RunState::Cancelled => Exit::RunCancelled,
            RunState::Suspect => Exit::RunSuspect,
            RunState::Queued
            | RunState::Claiming
            | RunState::Starting
            | RunState::Running
            | RunState::Paused
            | RunState::Draining
            | RunState::Verifying
            | RunState::TearingDown
            | RunState::Undoing => Exit::Unexpected,
        }
    }

    /// How a command ends that the manager refused with this HTTP status and code.
    pub fn of_refusal(status: u16, code: &str) -> Exit {
        match status {
            // the token is good, but the plan is not large enough
            403 if code == api::Code::RefusedByPlan.as_str() => Exit::Refused,
            401 | 403 => Exit::NotAuthorised,
            404 => Exit::NotFound,
            400..500 => Exit::Refused,
            _ => Exit::Unexpected,
        }
    }
}

/// What `ingest --help` says at its end.
pub fn help() -> String {
    let mut text = String::from("Exit codes:\n");
    for &exit in Exit::ALL {
        // writing to a String cannot fail
        let _ = writeln!(text, "  {:>3}  {}", exit.code(), exit.meaning());
    }
    text + "\nThe token is taken from --token-file, else INGEST_TOKEN, else what `ingest client register` saved, else the admin token of the installation on this machine."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_exit_by_who_has_to_act() {
        let of = |code: api::Code| Exit::of_refusal(code.status(), code.as_str());
        for (code, exit) in [
            (api::Code::InvalidSpec, Exit::Refused),
            (api::Code::RefusedByPlan, Exit::Refused),
            (api::Code::PlanNotFound, Exit::Refused),
            (api::Code::FileExists, Exit::Refused),
            (api::Code::Unauthenticated, Exit::NotAuthorised),
            (api::Code::InvalidToken, Exit::NotAuthorised),
            (api::Code::Forbidden, Exit::NotAuthorised),
            (api::Code::RegistrationClosed, Exit::NotAuthorised),
            (api::Code::RunNotFound, Exit::NotFound),
            (api::Code::Unexpected, Exit::Unexpected),
            (api::Code::CoreDmsUnavailable, Exit::Unexpected),
        ] {
            assert_eq!(of(code), exit, "{code}");
        }
        for &code in api::Code::ALL {
            assert_ne!(of(code), Exit::Ok, "{code}");
        }
    }

    #[test]
    fn every_end_of_a_run_has_a_code_of_its_own_but_that_who_wanted_an_undo_has_it() {
        let codes: Vec<u8> = RunState::ALL
            .into_iter()
            .filter(|state| state.is_final())
            .map(|state| Exit::of_run(state).code())
            .collect();
        assert_eq!(codes, [0, 10, 11, 12, 13, 0]);
    }
}
