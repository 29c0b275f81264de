//! What goes over the wire, one resource a file. Times are milliseconds since the epoch (`…_ms`), sizes bytes.
//!
//! Where a resource is the domain's own value (a sample, a reject, a report, a ledger), it is sent as that; the types here
//! are those that the API shows differently from how the platform keeps them.

mod client;
mod job;
mod page;
mod preview;
mod run;
mod system;
mod token;
mod undo;
mod upload;
mod usage;

pub use client::{ClientInfo, ClientPatch, NewClient, Registered};
pub use job::{JobInfo, JobSummary, PutJob, PutOutcome, RevisionInfo, RevisionSummary, Validation};
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, Page, PageQuery};
pub use preview::{
    Conflict, ConflictEffect, DEFAULT_PREVIEW_RECORDS, MAX_PREVIEW_RECORDS, MAX_SAMPLE_BYTES,
    Preview, PreviewCheck, PreviewRequest, SampleContent, TestReport,
};
pub use run::{RunEvent, RunInfo};
pub use system::{CodeInfo, PlanInfo, Ready, ReadyPart};
pub use token::{CreatedToken, NewInvitation, NewToken, TokenInfo};
pub use undo::NewUndo;
pub use upload::{UploadProgress, UploadQuery};
pub use usage::{UsageDay, UsageInfo, UsageQuery};
