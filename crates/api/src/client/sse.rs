//! Server-sent events: from pieces of bytes to events (WHATWG HTML, "event stream interpretation").

/// Most bytes of one event.
const MAX_EVENT_BYTES: usize = 8 << 20;

/// An event as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RawEvent {
    /// Its name.
    pub name: String,
    /// Its data; several lines are joined by newlines.
    pub data: String,
}

/// An event that goes on for too long.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event has more than {MAX_EVENT_BYTES} bytes")]
pub(super) struct TooLong;

/// Cuts a stream of bytes into events.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    event: RawEvent,
    has_data: bool,
}

impl Parser {
    /// Takes the next piece and gives the events that it completes.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Vec<RawEvent>, TooLong> {
        let mut events = Vec::new();
        for part in piece.split_inclusive(|&b| b == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.len() + self.event.data.len() > MAX_EVENT_BYTES {
                return Err(TooLong);
            }
            if self.line.last() == Some(&b'\n') {
                let line = std::mem::take(&mut self.line);
                events.extend(self.end_line(&String::from_utf8_lossy(&line)));
            }
        }
        Ok(events)
    }

    fn end_line(&mut self, line: &str) -> Option<RawEvent> {
        let line = line.trim_end_matches(['\n', '\r']);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event.name = value.to_owned(),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // a comment (its field is empty), or a field that we do not use
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = ": hello\n\nevent: run\ndata: {\"a\":\ndata: 1}\n\nevent: sample\r\ndata:x\r\nid: 7\r\n\r\nevent: unfinished\ndata: y\n";

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let event = |name: &str, data: &str| RawEvent {
            name: name.into(),
            data: data.into(),
        };
        let expected = [event("run", "{\"a\":\n1}"), event("sample", "x")];
        for size in 1..TEXT.len() {
            let mut parser = Parser::default();
            let cut: Vec<_> = TEXT
                .as_bytes()
                .chunks(size)
                .flat_map(|piece| parser.push(piece).unwrap())
                .collect();
            assert_eq!(cut, expected, "pieces of {size}");
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; MAX_EVENT_BYTES];
        assert_eq!(parser.push(&piece), Ok(Vec::new()));
        assert_eq!(parser.push(b"x"), Err(TooLong));
    }
}
