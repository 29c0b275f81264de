//! Runs: start, look, steer, and what they leave.

use domain::file::FileRecord;
use domain::ids::{JobRef, RunId};
use domain::monitor::Sample;
use domain::reject::{Reject, RejectCause};
use domain::report::Report;
use domain::run::UndoPreview;
use reqwest::header::ACCEPT;
use reqwest::{Method, RequestBuilder};

use super::{Client, ClientError};
use crate::{NewUndo, Page, PageQuery, RunInfo};

/// Which part of a run's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPart {
    /// Its last so many lines.
    Tail(u32),
    /// So many bytes from an offset on.
    Range {
        /// The offset of the first byte.
        offset: u64,
        /// At most so many.
        bytes: u64,
    },
}

impl Client {
    /// Asks for a run of a job. It waits its turn; see its state.
    pub async fn start(&self, job: &JobRef) -> Result<RunInfo, ClientError> {
        self.json(self.of_job(Method::POST, job, &["start"])).await
    }

    /// The same under a key: the same key gives the same run for a day.
    pub async fn start_once(&self, job: &JobRef, key: &str) -> Result<RunInfo, ClientError> {
        let request = self.of_job(Method::POST, job, &["start"]);
        self.json(request.header("idempotency-key", key)).await
    }

    /// A job's runs, the newest first.
    pub async fn runs(&self, job: &JobRef, page: &PageQuery) -> Result<Page<RunInfo>, ClientError> {
        self.json(self.of_job(Method::GET, job, &["runs"]).query(page))
            .await
    }

    /// A run.
    pub async fn run(&self, job: &JobRef, run: &RunId) -> Result<RunInfo, ClientError> {
        self.json(self.of_run(Method::GET, job, run, &[])).await
    }

    /// Has a run hold.
    pub async fn pause(&self, job: &JobRef, run: &RunId) -> Result<RunInfo, ClientError> {
        self.json(self.of_run(Method::POST, job, run, &["pause"]))
            .await
    }

    /// Has a run go on.
    pub async fn resume(&self, job: &JobRef, run: &RunId) -> Result<RunInfo, ClientError> {
        self.json(self.of_run(Method::POST, job, run, &["resume"]))
            .await
    }

    /// Calls a run off. What has arrived by then stays and is accounted for.
    pub async fn cancel(&self, job: &JobRef, run: &RunId) -> Result<RunInfo, ClientError> {
        self.json(self.of_run(Method::POST, job, run, &["cancel"]))
            .await
    }

    /// Asks for a run over the rejected records of another, under the job's newest revision.
    pub async fn replay(&self, job: &JobRef, run: &RunId) -> Result<RunInfo, ClientError> {
        self.json(self.of_run(Method::POST, job, run, &["replay"]))
            .await
    }

    /// What an undo of a run, or of one of its files, would do.
    pub async fn preview_undo(
        &self,
        job: &JobRef,
        run: &RunId,
        file: Option<&str>,
    ) -> Result<UndoPreview, ClientError> {
        let file = file.map(|file| ("file", file));
        self.json(
            self.of_run(Method::GET, job, run, &["undo"])
                .query(file.as_slice()),
        )
        .await
    }

    /// Has documents of a run that has ended removed; see its state.
    pub async fn undo(
        &self,
        job: &JobRef,
        run: &RunId,
        undo: &NewUndo,
    ) -> Result<RunInfo, ClientError> {
        self.json(self.of_run(Method::POST, job, run, &["undo"]).json(undo))
            .await
    }

    /// The report of a run that has ended.
    pub async fn report(&self, job: &JobRef, run: &RunId) -> Result<Report, ClientError> {
        self.json(
            self.of_run(Method::GET, job, run, &["report"])
                .header(ACCEPT, "application/json"),
        )
        .await
    }

    /// The same as a self-contained page.
    pub async fn report_html(&self, job: &JobRef, run: &RunId) -> Result<String, ClientError> {
        self.text(
            self.of_run(Method::GET, job, run, &["report"])
                .query(&[("format", "html")]),
        )
        .await
    }

    /// A run's files with their ledgers, in the manifest's order.
    pub async fn files(
        &self,
        job: &JobRef,
        run: &RunId,
        page: &PageQuery,
    ) -> Result<Page<FileRecord>, ClientError> {
        self.json(self.of_run(Method::GET, job, run, &["files"]).query(page))
            .await
    }

    /// The job monitor's samples, thinned out to at most `max_points`.
    pub async fn series(
        &self,
        job: &JobRef,
        run: &RunId,
        max_points: u32,
    ) -> Result<Vec<Sample>, ClientError> {
        let request = self
            .of_run(Method::GET, job, run, &["series"])
            .query(&[("max_points", max_points)]);
        Ok(self.json::<Page<Sample>>(request).await?.items)
    }

    /// The workers' log.
    pub async fn logs(
        &self,
        job: &JobRef,
        run: &RunId,
        part: LogPart,
    ) -> Result<String, ClientError> {
        let request = self.of_run(Method::GET, job, run, &["logs"]);
        self.text(match part {
            LogPart::Tail(lines) => request.query(&[("tail", lines)]),
            LogPart::Range { offset, bytes } => {
                request.query(&[("offset", offset), ("bytes", bytes)])
            }
        })
        .await
    }

    /// Rejected records, in the order that they were met.
    pub async fn rejects(
        &self,
        job: &JobRef,
        run: &RunId,
        page: &PageQuery,
    ) -> Result<Page<Reject>, ClientError> {
        self.json(self.of_run(Method::GET, job, run, &["rejects"]).query(page))
            .await
    }

    /// Rejects by cause, the commonest first, each with at most `samples` examples.
    pub async fn reject_causes(
        &self,
        job: &JobRef,
        run: &RunId,
        samples: u32,
    ) -> Result<Vec<RejectCause>, ClientError> {
        let request = self
            .of_run(Method::GET, job, run, &["rejects", "causes"])
            .query(&[("samples", samples)]);
        Ok(self.json::<Page<RejectCause>>(request).await?.items)
    }

    /// A request below a run.
    fn of_run(&self, method: Method, job: &JobRef, run: &RunId, below: &[&str]) -> RequestBuilder {
        self.of_job(method, job, &[&["runs", run.as_str()], below].concat())
    }
}
