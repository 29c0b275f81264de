//! A window in the consumer's hands, and how its acknowledgement comes back.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::sync::watch;

use crate::{batch::Batch, frame::Version};

/// One event, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number within the window, as the client counts (beats begin with 1).
    pub sequence: u32,
    /// The text of a JSON document. Not checked: what is no JSON is for the consumer to set aside.
    pub json: Bytes,
}

/// The events of one window, at least one.
#[derive(Debug)]
pub struct Window {
    /// In the order in which they were sent.
    pub events: Vec<Event>,
    /// Who sent them.
    pub peer: SocketAddr,
    /// To say that they are durable.
    pub ack: Acknowledger,
}

/// Says how much of a window is durable. Dropped before all of it is, it closes the connection: the client connects
/// anew and sends again what was not acknowledged.
#[derive(Debug)]
pub struct Acknowledger {
    durable: watch::Sender<usize>,
    events: usize,
}

impl Acknowledger {
    /// The first `count` events of the window are durable. Never takes back: a smaller number than before changes nothing.
    pub fn up_to(&mut self, count: usize) {
        let count = count.min(self.events);
        self.durable.send_if_modified(|durable| {
            let more = count > *durable;
            *durable = count.max(*durable);
            more
        });
    }

    /// All events of the window are durable.
    pub fn all(mut self) {
        self.up_to(self.events);
    }
}

/// A connection's side of a window that was handed out.
#[derive(Debug)]
pub(crate) struct Pending {
    version: Version,
    sequences: Box<[u32]>,
    durable: watch::Receiver<usize>,
    /// How many events the client has been told of.
    told: usize,
}

/// What there is to tell the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub ack: Ack,
    /// Nothing more will come for this window.
    pub whole: bool,
}

/// An acknowledgement; sequence 0 is one of nothing, which keeps the client waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ack {
    pub version: Version,
    pub sequence: u32,
}

impl Ack {
    /// As it is sent.
    pub fn to_bytes(self) -> [u8; 6] {
        let [a, b, c, d] = self.sequence.to_be_bytes();
        let version = match self.version {
            Version::V1 => b'1',
            Version::V2 => b'2',
        };
        [version, b'A', a, b, c, d]
    }
}

impl Pending {
    /// Splits a batch into what the consumer gets and what the connection keeps.
    pub fn new(batch: Batch, peer: SocketAddr) -> (Window, Self) {
        let (sender, durable) = watch::channel(0);
        let sequences = batch.events.iter().map(|event| event.sequence).collect();
        let ack = Acknowledger {
            durable: sender,
            events: batch.events.len(),
        };
        let window = Window {
            events: batch.events,
            peer,
            ack,
        };
        (
            window,
            Self {
                version: batch.version,
                sequences,
                durable,
                told: 0,
            },
        )
    }

    /// Waits until more is durable, which is then to be told; `None` when the consumer gave up. Loses nothing when it
    /// is cancelled.
    pub async fn progress(&mut self) -> Option<Progress> {
        self.durable.changed().await.ok()?;
        self.told = *self.durable.borrow_and_update();
        Some(Progress {
            ack: self.last_told(),
            whole: self.told == self.sequences.len(),
        })
    }

    /// What keeps the client waiting: the last acknowledgement again, or one of nothing. Never anything new: the whole
    /// window acknowledged twice would be taken for an acknowledgement of the next.
    pub fn last_told(&self) -> Ack {
        let last = self
            .told
            .checked_sub(1)
            .and_then(|last| self.sequences.get(last));
        Ack {
            version: self.version,
            sequence: last.copied().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(sequences: &[u32]) -> (Window, Pending) {
        let events = sequences.iter().map(|&sequence| Event {
            sequence,
            json: Bytes::new(),
        });
        let batch = Batch {
            version: Version::V2,
            events: events.collect(),
        };
        Pending::new(batch, SocketAddr::from(([127, 0, 0, 1], 5044)))
    }

    fn told(sequence: u32, whole: bool) -> Option<Progress> {
        let version = Version::V2;
        Some(Progress {
            ack: Ack { version, sequence },
            whole,
        })
    }

    #[tokio::test]
    async fn acknowledgements_carry_the_sequence_of_the_last_durable_event() {
        let (mut window, mut pending) = pending(&[11, 12, 13]);
        window.ack.up_to(2);
        assert_eq!(pending.last_told().sequence, 0);
        assert_eq!(pending.progress().await, told(12, false));
        window.ack.all();
        assert_eq!(pending.last_told().sequence, 12);
        assert_eq!(pending.progress().await, told(13, true));
    }

    #[tokio::test]
    async fn an_acknowledgement_is_never_taken_back_nor_more_than_there_is() {
        let (mut window, mut pending) = pending(&[1, 2, 3]);
        window.ack.up_to(2);
        window.ack.up_to(1);
        assert_eq!(pending.progress().await, told(2, false));
        window.ack.up_to(usize::MAX);
        assert_eq!(pending.progress().await, told(3, true));
    }

    #[tokio::test]
    async fn a_dropped_window_is_given_up_after_what_was_acknowledged() {
        let (mut window, mut pending) = pending(&[1, 2]);
        window.ack.up_to(1);
        drop(window);
        assert_eq!(pending.progress().await, told(1, false));
        assert_eq!(pending.progress().await, None);
    }

    #[test]
    fn an_acknowledgement_is_six_bytes() {
        let ack = Ack {
            version: Version::V2,
            sequence: 0x0102_0304,
        };
        assert_eq!(&ack.to_bytes(), b"2A\x01\x02\x03\x04");
    }
}
