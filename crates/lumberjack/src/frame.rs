//! The frames of the protocol: a state machine over bytes, without input or output.
//!
//! A frame is a version (`1` or `2`), a type and a body; numbers are unsigned, 32 bits, big endian:
//!
//! | type | body |
//! |---|---|
//! | `W` window | number of events that follow |
//! | `J` JSON event | sequence, length, JSON text |
//! | `D` key-value event | sequence, number of pairs, then each key and value as length and text |
//! | `C` compressed | length, zlib stream of further frames |
//! | `A` acknowledgement (only ever sent to clients) | sequence |

use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use serde_json::{Map, Value};

use crate::{Event, Limits, ProtocolError};

/// Pairs in a key-value event: more than any shipper sends, and few enough to look at again with every read.
const MAX_PAIRS: u32 = 1024;

/// First byte of every frame. Clients of version 1 want to be answered in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Key-value events, as Logstash's `lumberjack` output sends them.
    V1,
    /// JSON events, as beats send them.
    V2,
}

/// What the parser finds. Compressed frames are seen only as what is in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Announces that many events.
    Window(Version, u32),
    /// An event; a key-value event has been written as a JSON object of strings.
    Event(Event),
}

/// Cuts bytes into frames, whatever pieces they come in.
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    received: BytesMut,
    /// The rest of a compressed frame, which comes before anything received after it.
    inflated: Bytes,
}

impl Parser {
    /// A parser at the beginning of a stream.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            received: BytesMut::new(),
            inflated: Bytes::new(),
        }
    }

    /// Where to append what is received.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.received
    }

    /// The next frame; `None` when more bytes are needed. After an error the stream cannot be read on.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, ProtocolError> {
        loop {
            if !self.inflated.is_empty() {
                let span = scan(&self.inflated, &self.limits)?.ok_or(ProtocolError::Truncated)?;
                let body = self.inflated.split_to(span.end).split_off(span.start);
                return match span.kind.read(body) {
                    Body::Frame(frame) => Ok(Some(frame)),
                    Body::Compressed(_) => Err(ProtocolError::NestedCompression),
                };
            }
            let Some(span) = scan(&self.received, &self.limits)? else {
                return Ok(None);
            };
            let body = self.received.split_to(span.end).split_off(span.start);
            match span.kind.read(body.freeze()) {
                Body::Frame(frame) => return Ok(Some(frame)),
                Body::Compressed(body) => self.inflated = inflate(&body, self.limits.window_bytes)?,
            }
        }
    }
}

/// Where in the bytes the first frame's payload is.
struct Span {
    kind: Kind,
    start: usize,
    end: usize,
}

/// A frame's type, with what its header says.
enum Kind {
    Window(Version, u32),
    Json(u32),
    Pairs(u32),
    Compressed,
}

enum Body {
    Frame(Frame),
    Compressed(Bytes),
}

impl Kind {
    fn read(self, payload: Bytes) -> Body {
        let (sequence, json) = match self {
            Self::Window(version, events) => return Body::Frame(Frame::Window(version, events)),
            Self::Compressed => return Body::Compressed(payload),
            Self::Json(sequence) => (sequence, payload),
            Self::Pairs(sequence) => (sequence, pairs_as_json(&payload)),
        };
        Body::Frame(Frame::Event(Event { sequence, json }))
    }
}

/// Finds the first frame, if all of it is there. A limit is enforced as soon as the length is known.
fn scan(input: &[u8], limits: &Limits) -> Result<Option<Span>, ProtocolError> {
    let mut rest = input;
    let Some((&version, after)) = rest.split_first() else {
        return Ok(None);
    };
    let version = match version {
        b'1' => Version::V1,
        b'2' => Version::V2,
        other => return Err(ProtocolError::Version(other)),
    };
    let Some((&kind, after)) = after.split_first() else {
        return Ok(None);
    };
    rest = after;
    let mut number = || take_u32(&mut rest);
    let (kind, length) = match kind {
        b'W' => {
            let Some(events) = number() else {
                return Ok(None);
            };
            within_window(events, limits)?;
            (Kind::Window(version, events), Some(0))
        }
        b'J' => {
            let (Some(sequence), Some(length)) = (number(), number()) else {
                return Ok(None);
            };
            (
                Kind::Json(sequence),
                Some(within_frame(length as usize, limits)?),
            )
        }
        b'D' => {
            let (Some(sequence), Some(pairs)) = (number(), number()) else {
                return Ok(None);
            };
            (Kind::Pairs(sequence), length_of_pairs(rest, pairs, limits)?)
        }
        b'C' => {
            let Some(length) = number() else {
                return Ok(None);
            };
            (
                Kind::Compressed,
                Some(within_frame(length as usize, limits)?),
            )
        }
        other => return Err(ProtocolError::FrameType(other)),
    };
    let start = input.len() - rest.len();
    Ok(length
        .filter(|length| *length <= rest.len())
        .map(|length| Span {
            kind,
            start,
            end: start + length,
        }))
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_be_bytes(*number))
}

/// A text with its length before it.
fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut after = *rest;
    let length = take_u32(&mut after)?;
    let (text, after) = after.split_at_checked(length as usize)?;
    *rest = after;
    Some(text)
}

fn within_window(events: u32, limits: &Limits) -> Result<(), ProtocolError> {
    let limit = limits.window_events;
    if events > limit {
        return Err(ProtocolError::WindowEvents { events, limit });
    }
    Ok(())
}

fn within_frame(bytes: usize, limits: &Limits) -> Result<usize, ProtocolError> {
    let limit = limits.frame_bytes;
    if bytes > limit {
        return Err(ProtocolError::FrameBytes { bytes, limit });
    }
    Ok(bytes)
}

/// How many bytes so many pairs take; `None` when they are not all there.
fn length_of_pairs(
    input: &[u8],
    pairs: u32,
    limits: &Limits,
) -> Result<Option<usize>, ProtocolError> {
    if pairs > MAX_PAIRS {
        return Err(ProtocolError::Pairs {
            pairs,
            limit: MAX_PAIRS,
        });
    }
    let mut length = 0;
    for _ in 0..pairs * 2 {
        let Some(text) = input.get(length..).and_then(|mut rest| take_u32(&mut rest)) else {
            return Ok(None);
        };
        length = within_frame(length + 4 + text as usize, limits)?;
    }
    Ok(Some(length))
}

/// Key-value pairs as the text of a JSON object; a later pair of the same key wins, as in Logstash.
fn pairs_as_json(mut payload: &[u8]) -> Bytes {
    let mut object = Map::new();
    while let (Some(key), Some(value)) = (take_text(&mut payload), take_text(&mut payload)) {
        let value = Value::String(String::from_utf8_lossy(value).into_owned());
        object.insert(String::from_utf8_lossy(key).into_owned(), value);
    }
    Value::Object(object).to_string().into()
}

/// Expands a whole zlib stream to no more than `limit` bytes. What follows the stream is of no meaning.
fn inflate(input: &[u8], limit: usize) -> Result<Bytes, ProtocolError> {
    let mut stream = Decompress::new(true);
    let most = limit.saturating_add(1);
    let mut output = Vec::with_capacity(input.len().saturating_mul(4).max(1024).min(most));
    loop {
        let taken = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        let rest = input.get(taken..).unwrap_or_default();
        let status = stream
            .decompress_vec(rest, &mut output, FlushDecompress::None)
            .map_err(|_| ProtocolError::Compression)?;
        if output.len() > limit {
            return Err(ProtocolError::WindowBytes { limit });
        }
        if status == Status::StreamEnd {
            return Ok(output.into());
        }
        if output.len() < output.capacity() {
            return Err(ProtocolError::Compression); // there was room: the stream is cut off
        }
        output.reserve(output.len().min(most - output.len()));
    }
}
