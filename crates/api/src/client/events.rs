//! A run's events as a typed stream.

use std::collections::VecDeque;

use domain::ids::{JobRef, RunId};
use futures::{Stream, TryStreamExt, stream};
use reqwest::header::ACCEPT;
use reqwest::{Method, Response};
use tokio::time::timeout;

use super::jobs::job_path;
use super::sse::{Parser, RawEvent};
use super::{Client, ClientError};
use crate::RunEvent;

/// A connection with what was read of it.
struct Connection {
    client: Client,
    response: Response,
    parser: Parser,
    ready: VecDeque<RawEvent>,
}

impl Client {
    /// What happens to a run: first as it is now, then every change of state and every sample; ends when the run has
    /// ended. An error ends the stream too; call again to go on.
    pub async fn events(
        &self,
        job: &JobRef,
        run: &RunId,
    ) -> Result<impl Stream<Item = Result<RunEvent, ClientError>> + Send + Unpin + use<>, ClientError>
    {
        let path = job_path(job, &["runs", run.as_str(), "events"]);
        let request = self
            .unlimited(Method::GET, &path)
            .header(ACCEPT, "text/event-stream");
        let response = timeout(self.options.timeout, self.send(request))
            .await
            .map_err(|_| self.stood_still())??;
        let connection = Connection {
            client: self.clone(),
            response,
            parser: Parser::default(),
            ready: VecDeque::new(),
        };
        let events = stream::try_unfold(connection, |mut connection| async {
            Ok(connection.next().await?.map(|event| (event, connection)))
        });
        Ok(Box::pin(
            events.try_filter_map(|event| async { Ok(event.known) }),
        ))
    }

    fn stood_still(&self) -> ClientError {
        ClientError::TimedOut {
            url: self.options.url.clone(),
            limit: self.options.idle_timeout,
        }
    }
}

/// An event; none inside if this version does not know its kind.
struct Parsed {
    known: Option<RunEvent>,
}

impl Connection {
    async fn next(&mut self) -> Result<Option<Parsed>, ClientError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return self.parse(&event).map(|known| Some(Parsed { known }));
            }
            let idle = self.client.options.idle_timeout;
            let piece = timeout(idle, self.response.chunk())
                .await
                .map_err(|_| self.client.stood_still())?;
            let Some(piece) = piece.map_err(|e| self.client.broken(&e))? else {
                return Ok(None);
            };
            let events = self
                .parser
                .push(&piece)
                .map_err(|e| self.not_understood(&e))?;
            self.ready.extend(events);
        }
    }

    fn parse(&self, event: &RawEvent) -> Result<Option<RunEvent>, ClientError> {
        Ok(match event.name.as_str() {
            "run" => Some(RunEvent::Run(
                serde_json::from_str(&event.data).map_err(|e| self.not_understood(&e))?,
            )),
            "sample" => Some(RunEvent::Sample(
                serde_json::from_str(&event.data).map_err(|e| self.not_understood(&e))?,
            )),
            _ => None,
        })
    }

    fn not_understood(&self, reason: &dyn std::fmt::Display) -> ClientError {
        ClientError::NotUnderstood {
            url: self.response.url().to_string(),
            status: self.response.status().as_u16(),
            reason: reason.to_string(),
        }
    }
}
