//! Watching a run to its end, with progress on standard error.

mod follow;
mod progress;

use api::{Client, ClientError, RunEvent, RunInfo};
use domain::ids::{JobRef, RunId};
use futures::StreamExt;
use futures::stream::BoxStream;
use std::time::Duration;

use crate::commands::Context;
use crate::connect::Role;
use crate::error::CliError;
use follow::{Ended, Source, follow};
use progress::Progress;

/// How watching ended.
pub enum Watched {
    /// The run has ended.
    Ended(Box<RunInfo>),
    /// Whoever watched does not want to any more.
    Interrupted,
}

/// The manager as a source of news; found anew for each call, as it may come back at another address.
struct Manager<'a> {
    context: &'a Context,
    job: &'a JobRef,
    run: &'a RunId,
}

impl Manager<'_> {
    fn api(&self) -> Result<Client, ClientError> {
        let role = Role::Client(&self.job.client);
        self.context.client(role).map_err(|e| match e {
            CliError::Api { source, .. } => source,
            other => ClientError::Misconfigured(other.to_string()),
        })
    }
}

impl Source for Manager<'_> {
    async fn events(
        &self,
    ) -> Result<BoxStream<'static, Result<RunEvent, ClientError>>, ClientError> {
        Ok(self.api()?.events(self.job, self.run).await?.boxed())
    }

    async fn run(&self) -> Result<RunInfo, ClientError> {
        self.api()?.run(self.job, self.run).await
    }

    async fn pause(&self, delay: Duration) {
        tokio::time::sleep(delay).await;
    }
}

/// Watches a run until it has ended, or until ctrl-c.
pub async fn watch(context: &Context, job: &JobRef, run: &RunId) -> Result<Watched, CliError> {
    let manager = Manager { context, job, run };
    let mut progress = Progress::new(&context.out);
    let ended = tokio::select! {
        ended = follow(&manager, |run| progress.show(run)) => ended,
        signal = tokio::signal::ctrl_c() => {
            signal?;
            progress.clear();
            return Ok(Watched::Interrupted);
        }
    };
    progress.clear();
    match ended {
        Ended::Run(run) => Ok(Watched::Ended(run)),
        Ended::Refused(error) => Err(error.into()),
        Ended::Lost(error) => Err(CliError::LostSight {
            reason: error.to_string(),
            run: format!("{job}/{run}"),
        }),
    }
}
