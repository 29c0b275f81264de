//! The embedded core DMS: a process of its own, with a directory and a key in the home. One that runs already is
//! adopted; one that dies is started again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::error::{Culprit, Failure};
use domain::ports::CoreDms;
use domain::worker::DmsEndpoint;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::ElasticDms;
use super::process::Process;
use crate::home::{HomePaths, write_private};
use crate::{Program, StartError, ids};

/// How long a server may take to answer after its start: it reads back what was not yet committed.
const START_LIMIT: Duration = Duration::from_secs(60);
/// So often it is asked whether it is up.
const LOOK: Duration = Duration::from_millis(20);
/// How long one such question may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// Wait before it is started again; doubled each time it does not come up.
const BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// Any free port of the loopback interface.
const ANY_ADDRESS: &str = "127.0.0.1:0";

/// The embedded core DMS of a home.
pub(crate) struct Embedded {
    program: Program,
    data: PathBuf,
    key: PathBuf,
    log: PathBuf,
    process: Process,
    dms: Arc<ElasticDms>,
}

/// What is needed to start one.
struct Site<'a> {
    program: &'a Program,
    data: &'a PathBuf,
    key: &'a PathBuf,
    log: &'a PathBuf,
    /// Where the one before listened, if this manager has seen it. A server removes its file as it starts, so after a start
    /// that failed nothing else remembers.
    last: Option<&'a str>,
}

impl Embedded {
    /// Adopts the server of this home, or starts one; returns when it answers.
    pub(crate) async fn start(program: Program, paths: &HomePaths) -> Result<Self, StartError> {
        let (data, key, log) = (paths.coredms(), paths.coredms_key(), paths.coredms_log());
        let data = std::path::absolute(&data).unwrap_or(data);
        if !key.exists() {
            let written = write_private(&key, ids::secret().as_bytes());
            written.map_err(|source| StartError::HomeNotWritable {
                path: key.clone(),
                source,
            })?;
        }
        let site = Site {
            program: &program,
            data: &data,
            key: &key,
            log: &log,
            last: None,
        };
        let (process, endpoint) = site.up().await?;
        let dms = Arc::new(ElasticDms::new(endpoint)?);
        Ok(Self {
            program,
            data,
            key,
            log,
            process,
            dms,
        })
    }

    /// The server behind its port.
    pub(crate) fn dms(&self) -> Arc<ElasticDms> {
        self.dms.clone()
    }

    /// Keeps it up until `stop`, then ends it; says whether it ended in time.
    pub(crate) async fn keep(mut self, stop: CancellationToken, grace: Duration) -> bool {
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.process.end(grace).await,
                () = self.process.ended() => {}
            }
            tracing::warn!("the embedded core DMS has ended; it is started again");
            if !self.revive(&stop).await {
                return true;
            }
        }
    }

    /// Starts it again until it answers; false if the manager stops before.
    async fn revive(&mut self, stop: &CancellationToken) -> bool {
        let mut wait = BACKOFF;
        loop {
            let last = self.dms.endpoint().url;
            let site = Site {
                program: &self.program,
                data: &self.data,
                key: &self.key,
                log: &self.log,
                last: last.strip_prefix("http://"),
            };
            let up = tokio::select! {
                up = site.up() => up,
                () = stop.cancelled() => Ok((Process::find(&self.data).unwrap_or(Process::Adopted { pid: 0, data: self.data.clone() }), self.dms.endpoint())),
            };
            match up.and_then(|(process, endpoint)| self.dms.moved(endpoint).map(|()| process)) {
                Ok(process) => {
                    self.process = process;
                    return true;
                }
                Err(failure) => tracing::error!(
                    code = failure.code,
                    message = failure.message,
                    "the embedded core DMS does not start"
                ),
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = sleep(wait) => wait = (wait * 2).min(MAX_BACKOFF),
            }
        }
    }
}

impl Site<'_> {
    /// A process that answers, and where. The address of the one before is kept if it is still free, so that workers who
    /// know only that one find it again.
    async fn up(&self) -> Result<(Process, DmsEndpoint), Failure> {
        if let Some(process) = Process::find(self.data) {
            return self.answering(process).await;
        }
        let last = self
            .last
            .map(str::to_owned)
            .or_else(|| self.address())
            .unwrap_or_else(|| ANY_ADDRESS.to_owned());
        match self.answering(self.spawn(&last)?).await {
            Err(_) if last != ANY_ADDRESS => self.answering(self.spawn(ANY_ADDRESS)?).await,
            answer => answer,
        }
    }

    fn spawn(&self, listen: &str) -> Result<Process, Failure> {
        Process::spawn(self.program, self.data, listen, self.key, self.log).map_err(|error| {
            let message = format!(
                "the embedded core DMS {} cannot be started: {error}",
                self.program.path.display()
            );
            let next_step =
                "the operator has to install the program there, or set core_dms.url to a server";
            Failure::permanent("core_dms_program", Culprit::Platform, message, next_step)
        })
    }

    /// The address that the server wrote when it came up; perhaps of one that is gone.
    fn address(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.data.join("http.address")).ok()?;
        Some(text.trim().to_owned()).filter(|address| !address.is_empty())
    }

    async fn answering(&self, mut process: Process) -> Result<(Process, DmsEndpoint), Failure> {
        let limit = Instant::now() + START_LIMIT;
        loop {
            if let Some(endpoint) = self.answer().await {
                return Ok((process, endpoint));
            }
            let late = Instant::now() > limit;
            if process.has_ended() || late {
                if late {
                    process.end(Duration::ZERO).await;
                }
                return Err(self.failed(late));
            }
            sleep(LOOK).await;
        }
    }

    /// The endpoint, if a server of this home answers there.
    async fn answer(&self) -> Option<DmsEndpoint> {
        let endpoint = DmsEndpoint {
            url: format!("http://{}", self.address()?),
            api_key_file: Some(self.key.clone()),
            username: None,
            password_file: None,
            ca_file: None,
        };
        let dms = ElasticDms::new(endpoint.clone()).ok()?;
        timeout(ANSWER_LIMIT, dms.identify())
            .await
            .ok()?
            .ok()
            .map(|_| endpoint)
    }

    fn failed(&self, late: bool) -> Failure {
        let what = if late {
            format!("did not answer within {START_LIMIT:?}")
        } else {
            "ended at once".to_owned()
        };
        let log = std::fs::read_to_string(self.log).unwrap_or_default();
        let last = log
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("its log is empty");
        let message = format!("the embedded core DMS {what}; its last words: {last}");
        let next_step = format!("read {}", self.log.display());
        Failure::transient("core_dms_start", Culprit::Platform, message, next_step)
    }
}
