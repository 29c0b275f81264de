//! Jobs, their revisions, validation, search.

use domain::ids::{ClientId, JobRef};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::{Client, ClientError};
use crate::{
    JobInfo, JobSummary, Page, PageQuery, Preview, PreviewRequest, PutJob, RevisionInfo,
    RevisionSummary, TestReport, Validation,
};

/// A job spec's text and what it is written in.
#[derive(Debug, Clone, Copy)]
pub enum SpecText<'a> {
    /// JSON.
    Json(&'a str),
    /// YAML.
    Yaml(&'a str),
}

impl<'a> SpecText<'a> {
    fn parts(self) -> (&'static str, &'a str) {
        match self {
            Self::Json(text) => ("application/json", text),
            Self::Yaml(text) => ("application/yaml", text),
        }
    }
}

impl Client {
    /// A client's jobs.
    pub async fn jobs(
        &self,
        client: &ClientId,
        page: &PageQuery,
    ) -> Result<Page<JobSummary>, ClientError> {
        self.json(
            self.request(Method::GET, &["v1", "clients", client.as_str(), "jobs"])
                .query(page),
        )
        .await
    }

    /// A job.
    pub async fn job(&self, job: &JobRef) -> Result<JobInfo, ClientError> {
        self.json(self.of_job(Method::GET, job, &[])).await
    }

    /// Puts a spec: makes the job, or a new revision of it, or nothing if it says the same.
    pub async fn put_job(&self, job: &JobRef, spec: SpecText<'_>) -> Result<PutJob, ClientError> {
        let (content_type, text) = spec.parts();
        let request = self
            .of_job(Method::PUT, job, &[])
            .header(CONTENT_TYPE, content_type);
        self.json(request.body(text.to_owned())).await
    }

    /// Removes a job with its staged files and its runs; its documents stay. Not while a run is under way.
    pub async fn delete_job(&self, job: &JobRef) -> Result<(), ClientError> {
        self.done(self.of_job(Method::DELETE, job, &[])).await
    }

    /// A job's revisions, the newest first.
    pub async fn revisions(
        &self,
        job: &JobRef,
        page: &PageQuery,
    ) -> Result<Page<RevisionSummary>, ClientError> {
        self.json(self.of_job(Method::GET, job, &["revisions"]).query(page))
            .await
    }

    /// One revision.
    pub async fn revision(&self, job: &JobRef, number: u32) -> Result<RevisionInfo, ClientError> {
        self.json(self.of_job(Method::GET, job, &["revisions", &number.to_string()]))
            .await
    }

    /// What is wrong with a spec (or, without one, with the stored spec), and the index template that follows from it.
    pub async fn validate(
        &self,
        job: &JobRef,
        spec: Option<SpecText<'_>>,
    ) -> Result<Validation, ClientError> {
        let request = self.of_job(Method::POST, job, &["validate"]);
        self.json(with_spec(request, spec)).await
    }

    /// How the tests of a spec (or, without one, of the stored spec) go; nothing is stored.
    pub async fn test_job(
        &self,
        job: &JobRef,
        spec: Option<SpecText<'_>>,
    ) -> Result<TestReport, ClientError> {
        self.json(with_spec(self.of_job(Method::POST, job, &["test"]), spec))
            .await
    }

    /// What the pipeline makes of the first records of a sample; nothing is stored.
    pub async fn preview(
        &self,
        job: &JobRef,
        request: &PreviewRequest,
    ) -> Result<Preview, ClientError> {
        self.json(self.of_job(Method::POST, job, &["preview"]).json(request))
            .await
    }

    /// Searches a job's documents with a body of the Elasticsearch query language; gives the answer as it came.
    pub async fn search(&self, job: &JobRef, query: &Value) -> Result<Value, ClientError> {
        self.json(self.of_job(Method::POST, job, &["search"]).json(query))
            .await
    }

    /// A request below a job.
    pub(super) fn of_job(
        &self,
        method: Method,
        job: &JobRef,
        below: &[&str],
    ) -> reqwest::RequestBuilder {
        self.request(method, &job_path(job, below))
    }
}

/// The request with a spec as its body, if there is one.
fn with_spec(
    request: reqwest::RequestBuilder,
    spec: Option<SpecText<'_>>,
) -> reqwest::RequestBuilder {
    match spec.map(SpecText::parts) {
        Some((content_type, text)) => request
            .header(CONTENT_TYPE, content_type)
            .body(text.to_owned()),
        None => request,
    }
}

/// The segments of a path below a job.
pub(super) fn job_path<'a>(job: &'a JobRef, below: &[&'a str]) -> Vec<&'a str> {
    [
        &[
            "v1",
            "clients",
            job.client.as_str(),
            "jobs",
            job.job.as_str(),
        ],
        below,
    ]
    .concat()
}
