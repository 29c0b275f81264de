//! The parser: what clients send is found, however it comes in pieces; nothing that anybody sends does harm.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod common;

use common::{compressed, json, pairs, window};
use lumberjack::{
    Event, Limits, ProtocolError,
    frame::{Frame, Parser, Version},
};
use proptest::{collection::vec, prelude::*, sample::Index};

fn event(sequence: u32, json: &str) -> Frame {
    let json = json.to_owned().into();
    Frame::Event(Event { sequence, json })
}

/// Parses what comes in these pieces: the frames, and the error that ended it.
fn parse<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limits: Limits,
) -> (Vec<Frame>, Option<ProtocolError>) {
    let mut parser = Parser::new(limits);
    let mut frames = Vec::new();
    for piece in pieces {
        parser.buffer().extend_from_slice(piece);
        loop {
            match parser.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

fn refused(bytes: &[u8], limits: Limits) -> ProtocolError {
    let (frames, error) = parse([bytes], limits);
    assert_eq!(frames, []);
    error.expect("an error")
}

#[test]
fn what_beats_send_is_found() {
    let inner = [json(1, "{\"a\":1}"), json(2, "{}")].concat();
    let bytes = [window(2), compressed(&inner), window(1), json(7, "[]")].concat();
    let frames = [
        Frame::Window(Version::V2, 2),
        event(1, "{\"a\":1}"),
        event(2, "{}"),
        Frame::Window(Version::V2, 1),
        event(7, "[]"),
    ];
    assert_eq!(
        parse([&bytes[..]], Limits::default()),
        (frames.into(), None)
    );
}

#[test]
fn key_value_events_become_json_objects() {
    let bytes = [
        b"1W\0\0\0\x02".to_vec(),
        pairs(1, &[("line", "a \"b\"\n"), ("host", "x"), ("host", "y")]),
        pairs(2, &[]),
    ]
    .concat();
    let frames = [
        Frame::Window(Version::V1, 2),
        event(1, r#"{"line":"a \"b\"\n","host":"y"}"#),
        event(2, "{}"),
    ];
    assert_eq!(
        parse([&bytes[..]], Limits::default()),
        (frames.into(), None)
    );
}

#[test]
fn text_that_is_no_utf8_is_kept_in_json_events_and_replaced_in_key_values() {
    let mut bytes = [json(1, b"\"\xff\""), pairs(2, &[("k", "?")])].concat();
    *bytes.last_mut().unwrap() = 0xff;
    let raw = Event {
        sequence: 1,
        json: b"\"\xff\"".as_slice().into(),
    };
    let frames = [Frame::Event(raw), event(2, "{\"k\":\"\u{fffd}\"}")];
    assert_eq!(
        parse([&bytes[..]], Limits::default()),
        (frames.into(), None)
    );
}

#[test]
fn what_is_no_frame_is_refused() {
    use ProtocolError as E;
    let limits = Limits::default();
    assert_eq!(refused(b"\x16\x03\x01", limits), E::Version(0x16));
    assert!(
        refused(b"\x16", limits)
            .to_string()
            .contains("looks like TLS")
    );
    assert_eq!(refused(b"2A\0\0\0\x01", limits), E::FrameType(b'A'));
    assert_eq!(refused(b"2C\0\0\0\x04abcd", limits), E::Compression);
    let nested = compressed(&compressed(&json(1, "{}")));
    assert_eq!(refused(&nested, limits), E::NestedCompression);
    let mut cut = json(1, "{}");
    cut.pop();
    assert_eq!(refused(&compressed(&cut), limits), E::Truncated);
}

#[test]
fn a_zlib_stream_that_is_cut_off_is_refused() {
    let whole = compressed(&json(1, "{}"));
    let mut cut = whole[..whole.len() - 2].to_vec();
    cut[5] -= 2;
    assert_eq!(refused(&cut, Limits::default()), ProtocolError::Compression);
}

#[test]
fn limits_hold_as_soon_as_a_length_is_known() {
    use ProtocolError as E;
    let limits = Limits {
        window_events: 10,
        frame_bytes: 100,
        window_bytes: 1000,
        ..Limits::default()
    };
    assert_eq!(
        refused(&window(11), limits),
        E::WindowEvents {
            events: 11,
            limit: 10
        }
    );
    for header in [&b"2J\0\0\0\x01\xff\xff\xff\xff"[..], b"2C\xff\xff\xff\xff"] {
        let bytes = u32::MAX as usize;
        assert_eq!(refused(header, limits), E::FrameBytes { bytes, limit: 100 });
    }
    let key = b"1D\0\0\0\x01\0\0\0\x01\xff\xff\xff\xf0";
    assert!(matches!(refused(key, limits), E::FrameBytes { .. }));
    let many = b"1D\0\0\0\x01\xff\xff\xff\xff";
    assert_eq!(
        refused(many, limits),
        E::Pairs {
            pairs: u32::MAX,
            limit: 1024
        }
    );
}

#[test]
fn a_decompression_bomb_is_expanded_to_the_limit_only() {
    let limits = Limits {
        frame_bytes: 1 << 20,
        window_bytes: 1 << 20,
        ..Limits::default()
    };
    let bomb = compressed(&vec![b'2'; 100 << 20]);
    assert!(bomb.len() < limits.frame_bytes);
    assert_eq!(
        refused(&bomb, limits),
        ProtocolError::WindowBytes { limit: 1 << 20 }
    );
}

/// Frames as bytes, beside what is to be found in them.
fn frame() -> impl Strategy<Value = (Vec<u8>, Vec<Frame>)> {
    let text = "[a-z\"\u{e9}\u{1f600}]{0,20}";
    let simple = prop_oneof![
        (0..1000_u32).prop_map(|n| (window(n), Frame::Window(Version::V2, n))),
        (any::<u32>(), text).prop_map(|(n, text)| (json(n, &text), event(n, &text))),
        (any::<u32>(), text).prop_map(|(n, text)| {
            let object = serde_json::json!({ "k": text }).to_string();
            (pairs(n, &[("k", &text)]), event(n, &object))
        }),
    ];
    (vec(simple, 1..5), any::<bool>()).prop_map(|(simple, compress)| {
        let (bytes, frames): (Vec<_>, Vec<_>) = simple.into_iter().unzip();
        let bytes = bytes.concat();
        (if compress { compressed(&bytes) } else { bytes }, frames)
    })
}

fn split<'a>(mut bytes: &'a [u8], at: &[Index]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for index in at {
        let (piece, rest) = bytes.split_at(index.index(bytes.len() + 1));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(parts in vec(frame(), 0..8), at in vec(any::<Index>(), 0..20)) {
        let (bytes, frames): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let (bytes, frames) = (bytes.concat(), frames.concat());
        let limits = Limits::default();
        prop_assert_eq!(&parse(split(&bytes, &at), limits), &(frames.clone(), None));
        prop_assert_eq!(parse(bytes.chunks(1), limits), (frames, None));
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..300), version in any::<bool>(), kind in "[WJDCA]") {
        let limits = Limits { window_bytes: 1 << 16, ..Limits::default() };
        let begun = [&[if version { b'1' } else { b'2' }], kind.as_bytes(), &bytes].concat();
        parse([&bytes[..]], limits);
        let at_once = parse([&begun[..]], limits);
        prop_assert_eq!(parse(begun.chunks(1), limits), at_once);
    }

    #[test]
    fn damaged_frames_do_no_harm(
        parts in vec(frame(), 1..4),
        damage in vec((any::<Index>(), any::<u8>()), 1..10),
    ) {
        let mut bytes = parts.into_iter().flat_map(|(bytes, _)| bytes).collect::<Vec<_>>();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let limits = Limits { window_bytes: 1 << 16, ..Limits::default() };
        let at_once = parse([&bytes[..]], limits);
        prop_assert_eq!(parse(bytes.chunks(1), limits), at_once);
    }

    #[test]
    fn no_more_than_the_limit_comes_out_of_a_compressed_frame(length in 0..5000_usize) {
        let limits = Limits { window_bytes: 2000, ..Limits::default() };
        let (frames, error) = parse([&compressed(&json(1, "x".repeat(length)))[..]], limits);
        // the header of the event counts too
        prop_assert_eq!(frames.len() == 1, length + 10 <= 2000);
        prop_assert_eq!(error.is_some(), length + 10 > 2000);
    }
}
