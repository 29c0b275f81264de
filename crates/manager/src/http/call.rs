//! One request on its way to its route's handler.

use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use api::{Code, DEFAULT_LIMIT, MAX_LIMIT, PageQuery};
use domain::EpochMs;
use domain::audit::AuditEntry;
use domain::client::Client;
use domain::ids::{ClientId, InvalidId, JobId, JobRef};
use domain::job::Job;
use domain::run::Run;
use domain::store::{Query, Versioned};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use super::state::AppState;
use crate::auth::Identity;
use crate::ids;

/// One request.
pub(crate) struct Call {
    pub app: web::Data<AppState>,
    pub request: HttpRequest,
    pub payload: web::Payload,
    pub who: Identity,
    pub request_id: String,
    pub now_ms: EpochMs,
}

impl Call {
    /// A part of the path.
    pub(crate) fn segment(&self, name: &str) -> Result<String, Fault> {
        segment(&self.request, name)
    }

    fn id<T: TryFrom<String, Error = InvalidId>>(&self, name: &str) -> Result<T, Fault> {
        Ok(T::try_from(self.segment(name)?)?)
    }

    /// The client that the path names.
    pub(crate) fn client_id(&self) -> Result<ClientId, Fault> {
        self.id("client")
    }

    /// The token, or the invitation, that the path names.
    pub(crate) fn token_id(&self) -> Result<domain::ids::TokenId, Fault> {
        self.id("token")
    }

    /// The job that the path names.
    pub(crate) fn job_ref(&self) -> Result<JobRef, Fault> {
        Ok(JobRef {
            client: self.client_id()?,
            job: self.id::<JobId>("job")?,
        })
    }

    /// The client that the path names, as it is stored.
    pub(crate) async fn client(&self) -> Result<Versioned<Client>, Fault> {
        let id = self.client_id()?;
        self.app
            .metadata
            .client(&id)
            .await?
            .ok_or_else(|| no_client(&id))
    }

    /// The job that the path names, as it is stored.
    pub(crate) async fn job(&self) -> Result<Versioned<Job>, Fault> {
        let job = self.job_ref()?;
        match self.app.metadata.job(&job).await? {
            Some(found) => Ok(found),
            None => {
                self.client().await?;
                Err(no_job(&job))
            }
        }
    }

    /// The run that the path names, as it is stored.
    pub(crate) async fn run(&self) -> Result<Versioned<Run>, Fault> {
        let (job, id) = (self.job_ref()?, self.id::<domain::ids::RunId>("run")?);
        match self
            .app
            .metadata
            .run(&id)
            .await?
            .filter(|run| run.value.job_ref() == job)
        {
            Some(found) => Ok(found),
            None => {
                self.job().await?;
                Err(Fault::new(
                    Code::RunNotFound,
                    format!("the job {job} has no run {id}"),
                ))
            }
        }
    }

    /// The query's parameters. Unknown ones are refused.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        match web::Query::<T>::from_query(self.request.query_string()) {
            Ok(query) => Ok(query.into_inner()),
            Err(e) => Err(Fault::new(Code::InvalidParameter, e.to_string())),
        }
    }

    /// Which page is asked for, of what belongs to `owner`.
    pub(crate) fn page_of(&self, owner: impl Into<String>) -> Result<Query, Fault> {
        let (limit, after) = page(self.query::<PageQuery>()?)?;
        Ok(Query {
            owner: Some(owner.into()),
            after,
            limit,
            ..Query::default()
        })
    }

    /// An audit entry for what this request does.
    pub(crate) fn audit(
        &self,
        action: &str,
        target: impl ToString,
        client: Option<&ClientId>,
        detail: Value,
    ) -> AuditEntry {
        AuditEntry {
            id: ids::ulid(),
            at_ms: self.now_ms,
            actor: self.who.actor(),
            action: action.to_owned(),
            target: target.to_string(),
            client: client.cloned(),
            request_id: Some(self.request_id.clone()),
            detail,
        }
    }
}

/// The variable parts of all paths.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Segments {
    client: Option<String>,
    token: Option<String>,
    job: Option<String>,
    revision: Option<String>,
    run: Option<String>,
    file: Option<String>,
}

/// A part of a request's path, unescaped.
pub(crate) fn segment(request: &HttpRequest, name: &str) -> Result<String, Fault> {
    let unusable = || {
        Fault::new(
            Code::InvalidParameter,
            format!("the path has no usable {name}"),
        )
    };
    let segments = web::Path::<Segments>::extract(request)
        .into_inner()
        .map_err(|_| unusable())?
        .into_inner();
    let found = match name {
        "client" => segments.client,
        "token" => segments.token,
        "job" => segments.job,
        "revision" => segments.revision,
        "run" => segments.run,
        "file" => segments.file,
        _ => None,
    };
    found.ok_or_else(unusable)
}

/// A page's limit and cursor.
pub(crate) fn page(query: PageQuery) -> Result<(u32, Option<String>), Fault> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Fault::new(
            Code::InvalidParameter,
            format!("limit: must be 1 to {MAX_LIMIT}, not {limit}"),
        ));
    }
    Ok((limit, query.after))
}

pub(crate) fn no_client(id: &ClientId) -> Fault {
    Fault::new(Code::ClientNotFound, format!("there is no client {id}"))
}

fn no_job(job: &JobRef) -> Fault {
    Fault::new(
        Code::JobNotFound,
        format!("the client {} has no job {}", job.client, job.job),
    )
}

/// A good answer in JSON.
pub(crate) fn json(status: u16, value: &impl Serialize) -> Result<HttpResponse, Fault> {
    let status = actix_web::http::StatusCode::from_u16(status).map_err(Fault::internal)?;
    let body = serde_json::to_vec(value).map_err(Fault::internal)?;
    Ok(HttpResponse::build(status)
        .content_type("application/json")
        .body(body))
}

/// A good answer without a body.
pub(crate) fn done() -> Result<HttpResponse, Fault> {
    Ok(HttpResponse::NoContent().finish())
}
