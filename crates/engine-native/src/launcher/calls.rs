//! Calls to a worker's monitoring interface.

use std::time::Duration;

use domain::worker::{Command, RunFolder, WorkerAddress, WorkerStatus};

/// A worker that does not answer within this is silent.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Speaks to workers.
pub struct Calls {
    http: reqwest::Client,
}

impl Calls {
    /// Nothing is connected yet.
    pub fn new() -> Self {
        Self {
            http: reqwest::Client::new(),
        }
    }

    /// Asks for the status.
    pub async fn status(
        &self,
        folder: &RunFolder,
        address: &WorkerAddress,
    ) -> Result<WorkerStatus, String> {
        let request = self.http.get(format!("{}/v1/status", address.url));
        let answer = self.send(request, folder).await?;
        answer
            .json()
            .await
            .map_err(|e| format!("its answer makes no sense: {}", innermost(&e)))
    }

    /// Passes a command on.
    pub async fn command(
        &self,
        folder: &RunFolder,
        address: &WorkerAddress,
        command: Command,
    ) -> Result<(), String> {
        let name = match command {
            Command::Pause => "pause",
            Command::Resume => "resume",
            Command::Cancel => "cancel",
            Command::Suspend => "suspend",
        };
        let request = self.http.post(format!("{}/v1/{name}", address.url));
        self.send(request, folder).await.map(drop)
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        folder: &RunFolder,
    ) -> Result<reqwest::Response, String> {
        let path = folder.token();
        let token = tokio::fs::read_to_string(&path)
            .await
            .map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
        let answer = request
            .bearer_auth(token.trim_end())
            .timeout(TIMEOUT)
            .send()
            .await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        answer.map_err(|e| innermost(&e))
    }
}

/// The cause that says most.
fn innermost(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
