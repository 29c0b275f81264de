//! A manager in this process, and what the tests ask it with.

mod ports;

use std::sync::Arc;
use std::time::Duration;

use api::{Client, ClientOptions, NewClient, SpecText};
use domain::ids::{ClientId, JobRef, RunId};
use domain::run::{Outcome, Run, RunState};
use domain::store::{Metadata, Versioned};
use manager::config::{Config, Layers};
use manager::{Ended, HomePaths, Manager, StartError};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use ports::{FakeDms, FakeMode, PlainPreviewer, StillEngine};

/// A manager on a port of its own.
pub struct Server {
    pub home: HomePaths,
    pub url: String,
    pub admin: Client,
    pub admin_token: String,
    pub metadata: Metadata,
    pub dms: Arc<FakeDms>,
    stop: CancellationToken,
    task: JoinHandle<Result<Ended, StartError>>,
    _dir: tempfile::TempDir,
}

pub const SPEC: &str =
    r#"{"mode":"batch","format":{"type":"csv"},"destination":{"index":"flights"}}"#;

impl Server {
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// With these lines in its configuration.
    pub async fn with(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = HomePaths::new(dir.path().join("home"));
        let text = format!("listen = \"127.0.0.1:0\"\ngrace_period = \"2s\"\n{config}");
        let config = Config::parse(&text, &Layers::default()).unwrap();
        let (stop, dms) = (CancellationToken::new(), Arc::new(FakeDms::default()));
        let (tell, ready) = oneshot::channel();
        let builder = Manager::builder(home.clone(), config, Arc::new(FakeMode))
            .engine(Arc::new(StillEngine))
            .previewer(Arc::new(PlainPreviewer))
            .dms(dms.clone())
            .stop(stop.clone())
            .on_ready(|started| tell.send(started.clone()).unwrap());
        let task = tokio::spawn(builder.serve());
        let Ok(started) = ready.await else {
            panic!("did not start: {:?}", task.await)
        };
        let admin_token = started.admin_token.unwrap();
        let url = format!("sqlite:{}", home.metadata().display());
        Self {
            admin: client(&started.url, Some(admin_token.clone())),
            url: started.url,
            admin_token,
            metadata: Metadata::new(metastore::connect(&url).await.unwrap()),
            home,
            dms,
            stop,
            task,
            _dir: dir,
        }
    }

    pub fn anonymous(&self) -> Client {
        client(&self.url, None)
    }

    pub fn bearing(&self, token: &str) -> Client {
        client(&self.url, Some(token.to_owned()))
    }

    /// Registers a client; gives its token.
    pub async fn register(&self, id: &str) -> String {
        self.admin
            .register(&new_client(id))
            .await
            .unwrap()
            .token
            .token
    }

    /// Registers a client with a job; gives its typed client.
    pub async fn with_job(&self, job: &str) -> Client {
        let job = job_ref(job);
        let own = self.bearing(&self.register(job.client.as_str()).await);
        own.put_job(&job, SpecText::Json(SPEC)).await.unwrap();
        own
    }

    /// Has a run end as the supervisor would have it.
    pub async fn end(&self, run: &RunId) {
        loop {
            let Versioned { value, version } = self.metadata.run(run).await.unwrap().unwrap();
            let ended = Run {
                state: RunState::Completed,
                outcome: Some(Outcome::Completed),
                finished_ms: Some(1),
                ..value
            };
            if self
                .metadata
                .update(
                    Versioned {
                        value: ended,
                        version,
                    },
                    None,
                )
                .await
                .is_ok()
            {
                return;
            }
        }
    }

    pub async fn stop(self) -> Ended {
        self.stop.cancel();
        self.task.await.unwrap().unwrap()
    }

    /// Any request: its status, its headers, its body as JSON (null if it is none).
    pub async fn raw(
        &self,
        request: reqwest::RequestBuilder,
    ) -> (u16, reqwest::header::HeaderMap, Value) {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        (
            status,
            headers,
            serde_json::from_slice(&body).unwrap_or(Value::Null),
        )
    }

    pub fn request(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
    ) -> reqwest::RequestBuilder {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        let request = http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

fn client(url: &str, token: Option<String>) -> Client {
    Client::new(ClientOptions::new(url, token)).unwrap()
}

pub fn new_client(id: &str) -> NewClient {
    NewClient {
        id: id.parse().unwrap(),
        name: None,
        contact: None,
        plan: None,
    }
}

pub fn client_id(id: &str) -> ClientId {
    id.parse().unwrap()
}

/// `client/job`.
pub fn job_ref(name: &str) -> JobRef {
    let (client, job) = name.split_once('/').unwrap();
    JobRef {
        client: client.parse().unwrap(),
        job: job.parse().unwrap(),
    }
}

/// What a call was refused with.
pub fn code<T: std::fmt::Debug>(result: Result<T, api::ClientError>) -> String {
    result
        .unwrap_err()
        .problem()
        .map(|problem| problem.code.clone())
        .unwrap_or_default()
}

/// A problem document without what is different every time.
pub fn stable(mut problem: Value) -> Value {
    problem["request_id"] = json!("[id]");
    problem
}
