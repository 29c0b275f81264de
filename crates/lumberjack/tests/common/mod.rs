//! The client's side of the protocol, by hand.

#![allow(dead_code)] // no test target needs all of it

pub mod client;
pub mod listening;

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};

/// A frame of version 2 that announces so many events.
pub fn window(events: u32) -> Vec<u8> {
    [b"2W", &events.to_be_bytes()[..]].concat()
}

/// A JSON event.
pub fn json(sequence: u32, text: impl AsRef<[u8]>) -> Vec<u8> {
    let sequence = sequence.to_be_bytes();
    [b"2J", &sequence[..], &sized(text.as_ref())].concat()
}

/// A key-value event of version 1.
pub fn pairs(sequence: u32, pairs: &[(&str, &str)]) -> Vec<u8> {
    let count = u32::try_from(pairs.len()).unwrap().to_be_bytes();
    let mut frame = [b"1D", &sequence.to_be_bytes()[..], &count].concat();
    for (key, value) in pairs {
        frame.extend(sized(key.as_bytes()));
        frame.extend(sized(value.as_bytes()));
    }
    frame
}

/// Frames as one compressed frame.
pub fn compressed(frames: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(frames).unwrap();
    [b"2C", &sized(&encoder.finish().unwrap())[..]].concat()
}

/// A whole window with events numbered from 1.
pub fn whole_window(texts: &[&str]) -> Vec<u8> {
    let events: Vec<u8> = (1..)
        .zip(texts)
        .flat_map(|(n, text)| json(n, text))
        .collect();
    [window(u32::try_from(texts.len()).unwrap()), events].concat()
}

/// Bytes with their length before them.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], bytes].concat()
}
