//! What Filebeat and Logstash say of themselves, and what follows from it.
//!
//! Sources: Filebeat's `GET /stats`, Logstash's `GET /_node/stats/pipelines`. What the counters prove, and what not, is in
//! `reports/elastic-engine.md`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

use crate::plan::{FILEBEAT_API_PORT, LOGSTASH_API_PORT};
use crate::render::{DOCUMENTS, REJECTS};

const TIMEOUT: Duration = Duration::from_secs(5);

/// The newest counters of both. They begin with the containers, of which a run has one pair.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counters {
    /// Frames that Logstash has acknowledged to Filebeat, each once.
    pub acked: u64,
    /// Frames that Filebeat has read, and which are not acknowledged.
    pub active: u64,
    /// Events that came to Logstash; a frame that is sent again counts again.
    pub events_in: u64,
    /// Events that left the filters for the outputs.
    pub events_out: u64,
    /// What filters made of events, beyond one for each: negative if they dropped some.
    pub grown: i64,
    /// Events in the queue.
    pub queued: u64,
    /// Events that were given to the output of documents.
    pub documents_in: u64,
    /// Events that were given to the output of rejects.
    pub rejected: u64,
    /// What became of the documents.
    pub documents: Documents,
    /// Bulk requests, and the statuses of their answers.
    pub bulk: BulkRequests,
    /// Time that the output of documents was busy, in milliseconds.
    pub output_ms: u64,
}

/// What the core DMS did with documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Documents {
    /// Written.
    pub successes: u64,
    /// There already (409), or of an error that is not for the dead letter queue.
    pub non_retryable_failures: u64,
    /// Refused for good, and put into the dead letter queue.
    pub dlq_routed: u64,
    /// Attempts that are made again.
    pub retryable_failures: u64,
}

/// Bulk requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BulkRequests {
    /// Answered, every document written.
    pub successes: u64,
    /// Answered, with errors of documents.
    pub with_errors: u64,
    /// Not answered, or answered with an error.
    pub failures: u64,
    /// Answers by HTTP status.
    pub responses: BTreeMap<String, u64>,
}

impl Counters {
    /// Whether everything that was to be sent, so many frames, has gone its way to the end.
    pub fn is_complete(&self, frames: u64) -> bool {
        self.acked >= frames && self.active == 0 && self.events_in >= frames && self.is_drained()
    }

    /// Whether Logstash has nothing left to do of what came to it.
    pub fn is_drained(&self) -> bool {
        let answered = self.documents.successes
            + self.documents.non_retryable_failures
            + self.documents.dlq_routed;
        self.queued == 0
            && self.expected_out() == i128::from(self.events_out)
            && self.documents_in + self.rejected == self.events_out
            && answered == self.documents_in
    }

    fn expected_out(&self) -> i128 {
        i128::from(self.events_in) + i128::from(self.grown)
    }

    /// Events between Filebeat and an outcome.
    pub fn under_way(&self) -> u64 {
        let answered = self.documents.successes
            + self.documents.non_retryable_failures
            + self.documents.dlq_routed
            + self.rejected;
        let left = self.expected_out() - i128::from(answered);
        self.active + self.queued + u64::try_from(left).unwrap_or(0)
    }

    /// Bulk requests that were made.
    pub fn requests(&self) -> u64 {
        self.bulk.successes + self.bulk.with_errors + self.bulk.failures
    }

    /// Mean time of a bulk request, in milliseconds.
    pub fn bulk_ms(&self) -> f64 {
        self.output_ms as f64 / self.requests().max(1) as f64
    }

    /// Answers that ask for patience.
    pub fn pushed_back(&self) -> u64 {
        self.answers("429") + self.answers("503")
    }

    /// Answers with this status.
    pub fn answers(&self, status: &str) -> u64 {
        self.bulk.responses.get(status).copied().unwrap_or(0)
    }

    /// Events that filters dropped: what is left if nothing else explains it.
    pub fn dropped(&self) -> u64 {
        u64::try_from(-self.grown).unwrap_or(0)
    }
}

/// Asks the containers.
#[derive(Debug, Clone)]
pub struct Monitor {
    http: reqwest::Client,
}

impl Monitor {
    /// Nothing is connected yet.
    pub fn new() -> Self {
        Self {
            http: reqwest::Client::new(),
        }
    }

    /// The counters of the two at these addresses; the error says who does not answer.
    pub async fn ask(&self, filebeat: IpAddr, logstash: IpAddr) -> Result<Counters, String> {
        let (filebeat, logstash) = tokio::join!(
            self.get::<Filebeat>(filebeat, FILEBEAT_API_PORT, "stats"),
            self.get::<Logstash>(logstash, LOGSTASH_API_PORT, "_node/stats/pipelines"),
        );
        let logstash = logstash.map_err(|e| format!("Logstash does not answer: {e}"))?;
        let filebeat = filebeat.map_err(|e| format!("Filebeat does not answer: {e}"))?;
        Ok(counters(&filebeat, &logstash))
    }

    /// The counters of Logstash alone.
    pub async fn ask_logstash(&self, logstash: IpAddr) -> Result<Counters, String> {
        let path = "_node/stats/pipelines";
        let logstash = self.get(logstash, LOGSTASH_API_PORT, path).await?;
        Ok(counters(&Filebeat::default(), &logstash))
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        address: IpAddr,
        port: u16,
        path: &str,
    ) -> Result<T, String> {
        let url = format!("http://{}/{path}", std::net::SocketAddr::new(address, port));
        let answer = self.http.get(url).timeout(TIMEOUT).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        match answer {
            Ok(answer) => answer.json().await,
            Err(error) => Err(error),
        }
        .map_err(|error| error.without_url().to_string())
    }
}

fn counters(filebeat: &Filebeat, logstash: &Logstash) -> Counters {
    let pipeline = logstash.pipelines.get("main").cloned().unwrap_or_default();
    let output = |id: &str| {
        let found = pipeline.plugins.outputs.iter().find(|it| it.id == id);
        found.cloned().unwrap_or_default()
    };
    let documents = output(DOCUMENTS);
    let filters = pipeline.plugins.filters.iter();
    let grown = filters.map(|it| difference(it.events.out, it.events.r#in));
    Counters {
        acked: filebeat.libbeat.output.events.acked,
        active: filebeat.libbeat.pipeline.events.active,
        events_in: pipeline.events.r#in,
        events_out: pipeline.events.out,
        grown: grown.sum(),
        queued: pipeline.queue.events_count,
        documents_in: documents.events.r#in,
        rejected: output(REJECTS).events.r#in,
        documents: documents.documents,
        bulk: documents.bulk_requests,
        output_ms: documents.events.duration_in_millis,
    }
}

fn difference(a: u64, b: u64) -> i64 {
    i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(0)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filebeat {
    libbeat: Libbeat,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Libbeat {
    output: BeatsOutput,
    pipeline: BeatsPipeline,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BeatsOutput {
    events: Acked,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Acked {
    acked: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BeatsPipeline {
    events: Active,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Active {
    active: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Logstash {
    pipelines: BTreeMap<String, Pipeline>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Pipeline {
    events: Events,
    plugins: Plugins,
    queue: Queue,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Queue {
    events_count: u64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Events {
    r#in: u64,
    out: u64,
    duration_in_millis: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Plugins {
    filters: Vec<Plugin>,
    outputs: Vec<Plugin>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Plugin {
    id: String,
    events: Events,
    documents: Documents,
    bulk_requests: BulkRequests,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Ten frames: two dropped, one rejected, one refused, one there already, five written.
    fn answers() -> (Value, Value) {
        let filebeat = json!({
            "filebeat": { "harvester": { "running": 0 } },
            "libbeat": { "output": { "events": { "acked": 10 } }, "pipeline": { "events": { "active": 0 } } },
        });
        let logstash = json!({ "pipelines": { "main": {
            "events": { "in": 10, "filtered": 10, "out": 8, "duration_in_millis": 5 },
            "queue": { "events_count": 0 },
            "plugins": {
                "filters": [
                    { "id": "a", "name": "json", "events": { "in": 10, "out": 10 } },
                    { "id": "b", "name": "drop", "events": { "in": 2, "out": 0 } },
                ],
                "outputs": [
                    { "id": "sent", "events": { "in": 7, "out": 7 } },
                    { "id": "rejects", "events": { "in": 1, "out": 1 } },
                    { "id": "documents", "events": { "in": 7, "out": 7, "duration_in_millis": 40 },
                      "documents": { "successes": 5, "non_retryable_failures": 1, "dlq_routed": 1 },
                      "bulk_requests": { "successes": 1, "with_errors": 1, "responses": { "200": 2 } } },
                ],
            },
        } } });
        (filebeat, logstash)
    }

    fn read((filebeat, logstash): (Value, Value)) -> Counters {
        counters(
            &serde_json::from_value(filebeat).unwrap(),
            &serde_json::from_value(logstash).unwrap(),
        )
    }

    #[test]
    fn all_that_was_sent_has_gone_its_way() {
        let counters = read(answers());
        assert!(counters.is_complete(10));
        assert!(!counters.is_complete(11));
        assert_eq!((counters.dropped(), counters.under_way()), (2, 0));
        assert_eq!((counters.requests(), counters.bulk_ms()), (2, 20.0));
        assert_eq!(counters.answers("200"), 2);
    }

    #[test]
    fn nothing_is_complete_while_a_single_event_is_somewhere() {
        for (pointer, value) in [
            ("/libbeat/output/events/acked", 9),
            ("/libbeat/pipeline/events/active", 1),
            ("/pipelines/main/queue/events_count", 1),
            ("/pipelines/main/events/in", 11),
            ("/pipelines/main/events/out", 7),
            ("/pipelines/main/plugins/outputs/1/events/in", 0),
            ("/pipelines/main/plugins/outputs/2/events/in", 6),
            ("/pipelines/main/plugins/outputs/2/documents/successes", 4),
        ] {
            let (mut filebeat, mut logstash) = answers();
            let place = filebeat.pointer_mut(pointer);
            let place = place.or_else(|| logstash.pointer_mut(pointer));
            *place.unwrap() = value.into();
            assert!(!read((filebeat, logstash)).is_complete(10), "{pointer}");
        }
    }

    #[test]
    fn counters_that_are_not_there_yet_are_nothing() {
        let counters = read((json!({}), json!({ "pipelines": { "main": {} } })));
        assert_eq!(counters, Counters::default());
        assert!(!counters.is_complete(1) && counters.is_complete(0));
    }
}
