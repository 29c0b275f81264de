//! As much of HTTP/1.1 as the proxy and the sink need: cutting a byte stream into messages.

use std::{
    borrow::Cow,
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
};

use memchr::memmem;

/// What ends a message's body depends on this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Request,
    /// The answer to a request; one to `HEAD` has no body.
    Answer {
        to_head: bool,
    },
}

/// One message, as it was on the wire.
#[derive(Debug)]
pub struct Message<'a> {
    /// Head and body.
    pub wire: &'a [u8],
    head: usize,
    chunked: bool,
}

impl Message<'_> {
    /// The head without its last blank line; bytes that are no UTF-8 are replaced.
    pub fn head(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.wire[..self.head - 4])
    }

    /// The method and the target (path and query) of a request.
    pub fn target(&self) -> (String, String) {
        let head = self.head();
        let mut words = head.lines().next().unwrap_or_default().split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        (word(), word())
    }

    /// The body, its chunks joined.
    pub fn body(&self) -> Cow<'_, [u8]> {
        let body = &self.wire[self.head..];
        if !self.chunked {
            return Cow::Borrowed(body);
        }
        let (mut joined, mut at) = (Vec::with_capacity(body.len()), 0);
        while let Some((start, size)) = chunk(&body[at..]) {
            joined.extend_from_slice(&body[at + start..at + start + size]);
            at += start + size + 2;
        }
        Cow::Owned(joined)
    }
}

/// The value of a header field.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Tells a client to go on that waits for that before it sends its body.
pub fn go_on(mut client: &TcpStream, head: &str) -> io::Result<()> {
    match field(head, "expect") {
        Some(_) => client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n"),
        None => Ok(()),
    }
}

/// Reads messages from a stream, keeping what it read of the next one.
pub struct Reader<S> {
    stream: S,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that hold something.
    filled: usize,
    /// Length of the message that was handed out last.
    handed: usize,
}

impl<S: Read> Reader<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            filled: 0,
            handed: 0,
        }
    }

    /// The next message; `None` when the stream ends before one. `on_head` is called with its head before its body is
    /// read.
    pub fn next(
        &mut self,
        kind: Kind,
        on_head: impl FnOnce(&str) -> io::Result<()>,
    ) -> io::Result<Option<Message<'_>>> {
        self.buffer.copy_within(self.handed..self.filled, 0);
        self.filled -= self.handed;
        self.handed = 0;
        let Some(head) = self.head()? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).into_owned();
        on_head(&text)?;
        let chunked = field(&text, "transfer-encoding").is_some_and(|v| v.contains("chunked"));
        self.handed = match (body_length(&text, kind), chunked) {
            (Some(0), _) => head,
            (_, true) => self.chunks(head)?,
            (Some(length), false) => self.fill_to(head + length).map(|()| head + length)?,
            (None, false) => self.fill_to_end()?,
        };
        Ok(Some(Message {
            wire: &self.buffer[..self.handed],
            head,
            chunked: chunked && self.handed > head,
        }))
    }

    /// Reads up to the end of the head; its length.
    fn head(&mut self) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let from = usize::saturating_sub(searched, 3);
            if let Some(at) = memmem::find(&self.buffer[from..self.filled], b"\r\n\r\n") {
                return Ok(Some(from + at + 4));
            }
            searched = self.filled;
            if !self.fill()? {
                return match self.filled {
                    0 => Ok(None),
                    _ => Err(ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// Reads up to the end of the last chunk; the length of the message.
    fn chunks(&mut self, mut at: usize) -> io::Result<usize> {
        loop {
            if let Some((start, size)) = chunk(&self.buffer[at..self.filled]) {
                at += start + size + 2;
                self.fill_to(at)?;
            } else if self.buffer[at..self.filled].starts_with(b"0")
                && let Some(end) = memmem::find(&self.buffer[at..self.filled], b"\r\n\r\n")
            {
                return Ok(at + end + 4);
            } else if !self.fill()? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill_to(&mut self, length: usize) -> io::Result<()> {
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        if self.filled < length {
            self.stream
                .read_exact(&mut self.buffer[self.filled..length])?;
            self.filled = length;
        }
        Ok(())
    }

    fn fill_to_end(&mut self) -> io::Result<usize> {
        while self.fill()? {}
        Ok(self.filled)
    }

    /// Reads some more; false at the end of the stream.
    fn fill(&mut self) -> io::Result<bool> {
        const STEP: usize = 64 << 10;
        if self.buffer.len() < self.filled + STEP {
            self.buffer.resize(self.filled + STEP, 0);
        }
        let read = self.stream.read(&mut self.buffer[self.filled..])?;
        self.filled += read;
        Ok(read > 0)
    }
}

/// Length of the body that the head announces; `None` if it ends with the connection.
fn body_length(head: &str, kind: Kind) -> Option<usize> {
    let announced = field(head, "content-length").and_then(|value| value.parse().ok());
    match kind {
        Kind::Request if field(head, "transfer-encoding").is_some() => announced,
        Kind::Request => Some(announced.unwrap_or(0)),
        Kind::Answer { to_head: true } => Some(0),
        Kind::Answer { to_head: false } => {
            let status = head.split(' ').nth(1).unwrap_or_default();
            let bare = status.starts_with('1') || matches!(status, "204" | "304");
            if bare { Some(0) } else { announced }
        }
    }
}

/// Start and size of the data of the chunk at the start of `bytes`; `None` for the last one or half a line.
fn chunk(bytes: &[u8]) -> Option<(usize, usize)> {
    let line = memmem::find(bytes, b"\r\n")?;
    let size = std::str::from_utf8(&bytes[..line]).ok()?;
    let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
    (size > 0).then_some((line + 2, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes one by one, as the worst network does.
    struct Dribble<'a>(&'a [u8]);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(self.0.len()).min(1);
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn bodies(wire: &str, kind: Kind) -> io::Result<Vec<String>> {
        let mut reader = Reader::new(Dribble(wire.as_bytes()));
        let mut bodies = vec![];
        while let Some(message) = reader.next(kind, |_| Ok(()))? {
            bodies.push(String::from_utf8(message.body().into_owned()).unwrap());
        }
        Ok(bodies)
    }

    #[test]
    fn requests_are_cut_at_the_end_of_their_bodies() {
        let wire = "POST /_bulk HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello\
                    GET / HTTP/1.1\r\nhost: x\r\n\r\n\
                    PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n\
                    POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        let expected = vec!["hello", "", "abc0123456789", ""];
        assert_eq!(bodies(wire, Kind::Request).unwrap(), expected);
    }

    #[test]
    fn answers_are_cut_where_their_status_and_request_say() {
        let answer = Kind::Answer { to_head: false };
        let wire = "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok\
                    HTTP/1.1 200 OK\r\n\r\nto the end";
        assert_eq!(bodies(wire, answer).unwrap(), ["", "ok", "to the end"]);
        let wire = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
        assert_eq!(bodies(wire, Kind::Answer { to_head: true }).unwrap(), [""]);
    }

    #[test]
    fn half_a_message_is_an_error() {
        for wire in [
            "POST / HT",
            "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhell",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        ] {
            let error = bodies(wire, Kind::Request).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{wire}");
        }
    }
}
