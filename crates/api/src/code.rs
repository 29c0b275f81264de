//! The codes of problem documents: the one place that says which there are, their HTTP status, and what they mean.

use std::fmt;

macro_rules! codes {
    ($($name:ident $text:literal $status:literal $title:literal $meaning:literal)*) => {
        /// A stable code for programs; see `/v1/errors` of a running manager for the list with explanations.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each one's meaning is its entry in the table, which Code::meaning gives")]
        pub enum Code {
            $($name,)*
        }

        impl Code {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The code as it is sent.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }

            /// A short summary; the same for every problem of this code.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// What it means and what to do about it.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$name => $meaning,)* }
            }
        }
    };
}

codes! {
    Unauthenticated "unauthenticated" 401 "A token is needed"
        "The request carries no bearer token. Send `Authorization: Bearer ing_…`."
    InvalidToken "invalid_token" 401 "The token is not good"
        "The token is unknown, malformed, expired or revoked. Use another one, or have one made."
    Forbidden "forbidden" 403 "The token does not allow this"
        "The token is good, but what was asked for takes an admin's."
    RegistrationClosed "registration_closed" 403 "Registration is not open"
        "Clients are registered by an admin here, or by an invitation. Ask the operator."
    RefusedByPlan "refused_by_plan" 403 "The client's plan forbids this"
        "One or more constraints of the client's plan would be broken; `refusals` names each with its limit and the actual value. Ask for less, make room, or ask the operator for another plan."
    NoSuchRoute "no_such_route" 404 "There is nothing at this address"
        "The path is none of the API's. `/v1/openapi.json` lists them."
    ClientNotFound "client_not_found" 404 "There is no such client"
        "No client has this id, or the token is not one of its own."
    TokenNotFound "token_not_found" 404 "There is no such token"
        "The client has no token of this id."
    InvitationNotFound "invitation_not_found" 404 "There is no such invitation"
        "No invitation has this id."
    JobNotFound "job_not_found" 404 "There is no such job"
        "The client has no job of this id. Put one there first."
    RevisionNotFound "revision_not_found" 404 "There is no such revision"
        "The job has no revision of this number."
    RunNotFound "run_not_found" 404 "There is no such run"
        "The job has no run of this id."
    FileNotFound "file_not_found" 404 "There is no such file"
        "The job's staging directory holds no file of this name. It may have been claimed by a run."
    ReportNotFound "report_not_found" 404 "There is no report"
        "The run has ended, but its report is not in its folder: it was removed, or could not be written."
    PlanNotFound "plan_not_found" 422 "There is no such plan"
        "The operator's configuration has no plan of this name; `/v1/plans` lists them."
    MethodNotAllowed "method_not_allowed" 405 "This address does not take this method"
        "The `Allow` header lists the methods that it takes."
    InvalidId "invalid_id" 400 "An id is not well formed"
        "Ids of clients and jobs are 1 to 63 of a-z, 0-9 and '-', beginning with a letter or a digit; those of runs and tokens are ULIDs in lower case."
    InvalidParameter "invalid_parameter" 400 "A parameter cannot be used"
        "A query parameter or a header is unknown, malformed or out of range; `detail` names it."
    InvalidFileName "invalid_file_name" 400 "A file's name cannot be used"
        "A staged file's name is a plain name, without path separators and control characters; `detail` states the rule that was broken."
    MalformedBody "malformed_body" 400 "The body cannot be read"
        "The body is not what its content type says (JSON, YAML, UTF-8), or does not have the fields that are needed."
    BrokenUpload "broken_upload" 400 "The upload broke off"
        "The connection ended before the body did. Nothing was stored; send the file again."
    ChecksumMismatch "checksum_mismatch" 422 "The content does not have the announced checksum"
        "The SHA-256 of what came differs from the header `X-Checksum-Sha256`. Nothing was stored; send the file again."
    BodyTooLarge "body_too_large" 413 "The body is too large"
        "Bodies may have 1 MiB, except uploads, which the client's plan limits."
    UnsupportedMediaType "unsupported_media_type" 415 "The content type is not understood"
        "Send `application/json`; a job spec may also be `application/yaml`."
    InvalidSpec "invalid_spec" 422 "The job spec is not valid"
        "`violations` lists everything that is wrong with it, each with its JSON pointer."
    InvalidProfile "invalid_profile" 422 "The profile is not valid"
        "`violations` lists everything that is wrong with it, each with its JSON pointer."
    PreviewBroke "preview_broke" 422 "The preview broke off"
        "The pipeline took too long or too much, or broke, with these records; `detail` says how. Preview fewer records to find the one that it fails on."
    QueryRefused "query_refused" 422 "The core DMS refused the query"
        "The core DMS does not understand the query, or cannot carry it out; `detail` is its own explanation."
    ClientExists "client_exists" 409 "The client exists already"
        "A client of this id is registered already. Choose another id."
    FileExists "file_exists" 409 "Another file of this name is staged"
        "A staged file is never replaced by one with other content. Delete it first, or give the new one another name."
    WrongOffset "wrong_offset" 409 "The upload does not go on where it broke off"
        "An upload that is continued begins where the one before has ended: ask for that by `GET` of the file's `upload`, and send the rest from there."
    UploadUnderWay "upload_under_way" 409 "The upload is under way"
        "The same file is being uploaded over another connection. Wait for its end."
    RunsUnderWay "runs_under_way" 409 "Runs are under way"
        "This cannot be removed while runs of it are under way. Cancel them, or wait for their end."
    JobBeingRemoved "job_being_removed" 409 "The job is being removed"
        "Its removal has begun: it takes no new revisions and starts no runs. If the removal broke off, ask for it again."
    RunEnded "run_ended" 409 "The run has ended"
        "A run that has ended, or is being undone, cannot be paused, resumed or cancelled."
    RunCancelled "run_cancelled" 409 "The run is being cancelled"
        "A run that was called off cannot be paused or resumed any more."
    RunNotEnded "run_not_ended" 409 "The run has not ended"
        "This takes a run that has ended: its report, its undo, its replay. Follow the run's `events`."
    NothingToReplay "nothing_to_replay" 409 "There is nothing to replay"
        "Only a run that completed with rejects, and whose files were put away, can be replayed. `detail` says what to do instead."
    Conflict "conflict" 409 "Somebody else changed it at the same time"
        "The change lost against others that were made at the same time. Read it again, and try again."
    RequestTimeout "request_timeout" 408 "The request took too long to arrive"
        "The request's bytes came too slowly, or stopped coming. Send it again."
    TooManyPreviews "too_many_previews" 429 "Too many previews are under way"
        "Only so many run at a time. Try again in some seconds."
    Unexpected "internal" 500 "The platform failed"
        "Something went wrong in the platform itself. The operator finds the request's id in the log."
    Storage "storage_failed" 507 "The platform's disk failed"
        "The home's disk is full or cannot be read or written. The operator has to make room, or mend it."
    MetadataStoreUnavailable "metadata_store_unavailable" 503 "The metadata store does not answer"
        "Nothing can be changed until it does. Runs under way go on. Try again later."
    CoreDmsUnavailable "core_dms_unavailable" 503 "The core DMS does not answer"
        "Nothing can be searched until it does. Runs under way wait for it. Try again later."
    NotReady "not_ready" 503 "The platform is not ready"
        "`detail` names the parts that are not ready. Try again later."
    StoppingDown "shutting_down" 503 "The platform is stopping"
        "No new requests are taken. Try again when it is up."
}

impl Code {
    /// The code that is sent as `text`.
    pub fn parse(text: &str) -> Option<Code> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// Address of its explanation: the `type` of its problem documents.
    pub fn type_uri(self) -> String {
        format!("/v1/errors#{}", self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_errors() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
        for &code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(code));
            assert!((400..600).contains(&code.status()), "{code}");
        }
        assert_eq!(Code::parse("nonesuch"), None);
    }
}
