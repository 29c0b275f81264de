//! What becomes of events that Elasticsearch refuses for good.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Item;
use super::ruby::inspect;
use crate::dead_letters::{Entry, Kept, Queue};

/// Where refused events go.
#[derive(Debug)]
pub struct Refusals {
    /// The output's id.
    plugin_id: String,
    /// The text with the event's metadata, as JSON.
    metadata: usize,
    /// `None` if they are only logged.
    queue: Option<Arc<Queue>>,
}

/// Why an event was refused.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// The status of the document.
    pub status: u16,
    /// Elasticsearch's `error.type`.
    pub kind: &'a str,
    /// Elasticsearch's `error.reason`.
    pub reason: &'a str,
    /// What was asked for: `index`, `create`, …
    pub action: &'a str,
    /// What the action says besides; `None` is nothing.
    pub parameters: Vec<(&'a str, Option<String>)>,
}

impl Refusals {
    /// Refusals of the output `plugin_id`. If they are kept, the events' metadata is added to the texts that it asks for.
    pub fn new(plugin_id: String, queue: Option<Arc<Queue>>, texts: &mut Vec<String>) -> Self {
        let metadata = texts.len();
        if queue.is_some() {
            texts.push("%{[@metadata]}".to_owned());
        }
        Self {
            plugin_id,
            metadata,
            queue,
        }
    }

    /// Puts an event to the dead letters, or to the log if there are none; false if that cannot be done.
    pub fn refuse(&self, item: &Item, refusal: &Refusal<'_>) -> bool {
        // an event that is nested too deep to be read again is kept as it was sent
        let fields = serde_json::from_slice(&item.data).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&item.data).into_owned();
            Map::from_iter([("message".to_owned(), text.into())])
        });
        let reason = refusal.text(&fields);
        let Some(queue) = &self.queue else {
            tracing::warn!("{reason}");
            return true;
        };
        // an event without metadata leaves the text as it is
        let metadata: Map<String, Value> =
            serde_json::from_str(item.text(self.metadata)).unwrap_or_default();
        if metadata.contains_key("dead_letter_queue") {
            tracing::warn!(
                reason,
                "an event that comes from a dead letter queue is not kept in one again"
            );
            return true;
        }
        let status = refusal.status;
        let entry = Entry {
            entry_time: jiff::Timestamp::now(),
            plugin_type: "elasticsearch".to_owned(),
            plugin_id: self.plugin_id.clone(),
            reason,
            fields,
            metadata,
        };
        match queue.keep(&entry) {
            Ok(Kept::Stored) => {
                let (kind, reason) = (refusal.kind, refusal.reason);
                tracing::warn!(
                    status,
                    kind,
                    reason,
                    "an event can never be stored; it goes to the dead letters"
                );
                true
            }
            Ok(Kept::Dropped) => true,
            Err(error) => {
                tracing::error!(%error, "a dead letter cannot be kept");
                false
            }
        }
    }

    /// Makes the dead letters outlive a crash; false if that cannot be done.
    pub fn persist(&self) -> bool {
        let synced = self.queue.as_ref().map_or(Ok(()), |queue| queue.sync());
        if let Err(error) = &synced {
            tracing::error!(%error, "dead letters cannot be made durable");
        }
        synced.is_ok()
    }

    /// No more events will come.
    pub fn close(&self) {
        if let Some(Err(error)) = self.queue.as_ref().map(|queue| queue.close()) {
            tracing::error!(%error, "the dead letter queue cannot be finished");
        }
    }
}

impl Refusal<'_> {
    /// The reason as Logstash words it: the action and the answer as Ruby shows them.
    fn text(&self, event: &Map<String, Value>) -> String {
        let mut text = format!(
            "Could not index event to Elasticsearch. status: {}, action: [",
            self.status
        );
        inspect(&self.action.into(), &mut text);
        let parameters = self.parameters.iter().map(|(name, value)| {
            let mut shown = format!(":{name}=>");
            inspect(&value.as_deref().into(), &mut shown);
            shown
        });
        text.push_str(&format!(
            ", {{{}}}, ",
            parameters.collect::<Vec<_>>().join(", ")
        ));
        inspect(&Value::Object(event.clone()), &mut text);
        text.push_str("], response: ");
        let error = json!({"type": self.kind, "reason": self.reason});
        let response = json!({self.action: {"status": self.status, "error": error}});
        inspect(&response, &mut text);
        text
    }
}
