//! Entries: an event, why it was refused, and by whom.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::event;

/// One dead letter.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When the event was refused.
    pub entry_time: Timestamp,
    /// The name of the plugin that refused it: `elasticsearch`.
    pub plugin_type: String,
    /// The plugin's id.
    pub plugin_id: String,
    /// Why, as the plugin says it.
    pub reason: String,
    /// The event's fields without `@metadata`. Timestamps are texts (ISO 8601); numbers that JSON cannot tell exactly are the
    /// nearest double.
    pub fields: Map<String, Value>,
    /// The event's `@metadata`.
    pub metadata: Map<String, Value>,
}

impl Entry {
    /// The bytes that Logstash keeps: five parts, each with its length before it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let time = event::iso8601(self.entry_time);
        let event = event::encode(&self.fields, &self.metadata);
        let parts = [
            time.as_bytes(),
            &event,
            self.plugin_type.as_bytes(),
            self.plugin_id.as_bytes(),
            self.reason.as_bytes(),
        ];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| 4 + part.len()).sum());
        for part in parts {
            // what is too long for it is too long for an entry
            bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// What is wrong with its bytes.
    pub(super) fn decode(mut bytes: &[u8]) -> Result<Self, String> {
        let time = text(part(&mut bytes, "entry time")?, "entry time")?;
        let entry_time = time
            .parse()
            .map_err(|error| format!("`{time}` is no entry time: {error}"))?;
        let (fields, metadata) = event::decode(part(&mut bytes, "event")?)?;
        let mut next =
            |name: &str| -> Result<String, String> { text(part(&mut bytes, name)?, name) };
        Ok(Self {
            entry_time,
            plugin_type: next("plugin type")?,
            plugin_id: next("plugin id")?,
            reason: next("reason")?,
            fields,
            metadata,
        })
    }
}

/// The next part of an entry.
fn part<'a>(bytes: &mut &'a [u8], name: &str) -> Result<&'a [u8], String> {
    let missing = || format!("the entry ends within its {name}");
    let (length, rest) = bytes.split_first_chunk().ok_or_else(missing)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (part, rest) = rest.split_at_checked(length).ok_or_else(missing)?;
    *bytes = rest;
    Ok(part)
}

fn text(bytes: &[u8], name: &str) -> Result<String, String> {
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned)
        .map_err(|error| format!("the {name} is no text: {error}"))
}
