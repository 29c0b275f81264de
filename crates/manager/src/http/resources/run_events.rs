//! `…/runs/{run}/events`: what happens to a run, as server-sent events.

use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::{Method, header};
use actix_web::web::{self, Bytes};
use api::RunInfo;
use domain::ids::RunId;
use domain::run::Run;
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use supervisor::RunEvent;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::super::state::AppState;

/// So often a listener hears something: the run's end, should its event have been lost, else a comment.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/events",
            Access::OwnClient,
            "run_events",
            "Server-sent events: `run` (the run as it is now; first, at every change of state, and when what holds it up changes) and `sample`; ends with the run",
            |call| Box::pin(events(call)),
        )
        .gives_content(&["text/event-stream"]),
    ]
}

type Source = Pin<Box<dyn Stream<Item = RunEvent> + Send>>;

/// A listener, from one event to the next.
struct Listener {
    app: web::Data<AppState>,
    run: RunId,
    /// What to send first; the run as it was when the listener came.
    first: Option<Run>,
    source: Source,
    heartbeat: Interval,
    ended: bool,
}

async fn events(call: Call) -> Result<HttpResponse, Fault> {
    let id = call.run().await?.value.id;
    // listening first and reading then: nothing that happens in between is missed
    let source: Source = Box::pin(call.app.supervisor.subscribe(&id));
    let first = call.run().await?.value;
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat.reset();
    let listener = Listener {
        app: call.app,
        run: id,
        first: Some(first),
        source,
        heartbeat,
        ended: false,
    };
    let body = stream::unfold(listener, |mut listener| async {
        let piece = listener.next().await?;
        Some((Ok::<_, actix_web::Error>(piece), listener))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(body))
}

impl Listener {
    /// The next piece of the stream; none at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if let Some(run) = self.first.take() {
            return self.show(run).await;
        }
        let stop = self.app.stop.clone();
        tokio::select! {
            () = stop.cancelled() => None,
            event = self.source.next() => match event {
                Some(RunEvent::Sample(sample)) => event_text("sample", &sample),
                Some(RunEvent::State(_) | RunEvent::Held | RunEvent::Missed(_)) | None => self.read(event.is_none()).await,
            },
            _ = self.heartbeat.tick() => self.beat().await,
        }
    }

    /// The run as it is now. No further events come if the source has ended.
    async fn read(&mut self, source_ended: bool) -> Option<Bytes> {
        let run = self.stored().await?;
        self.ended |= source_ended;
        self.show(run).await
    }

    async fn beat(&mut self) -> Option<Bytes> {
        let run = self.stored().await?;
        if run.state.is_final() {
            self.show(run).await
        } else {
            Some(Bytes::from_static(b": still here\n\n"))
        }
    }

    /// None if the run is gone or cannot be read: the stream ends, its listener asks again.
    async fn stored(&self) -> Option<Run> {
        match self.app.metadata.run(&self.run).await {
            Ok(run) => run.map(|run| run.value),
            Err(error) => {
                tracing::warn!(run = %self.run, %error, "a stream of events ends");
                None
            }
        }
    }

    async fn show(&mut self, run: Run) -> Option<Bytes> {
        self.ended |= run.state.is_final();
        let sample = super::runs::newest_sample(self.app.folder(&run))
            .await
            .ok()
            .flatten();
        event_text("run", &RunInfo::new(run, sample))
    }
}

fn event_text(name: &str, data: &impl Serialize) -> Option<Bytes> {
    match serde_json::to_string(data) {
        Ok(json) => Some(Bytes::from(format!("event: {name}\ndata: {json}\n\n"))),
        Err(error) => {
            tracing::error!(%error, "an event cannot be written");
            None
        }
    }
}
