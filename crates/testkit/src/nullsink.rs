//! A sink for measuring: takes Elasticsearch's `_bulk`, counts the documents, acknowledges them, and forgets them.
//!
//! Plain threads, one a connection. `GET /_sink/stats` tells the counts, `POST /_sink/reset` sets them to 0. It proves
//! nothing about documents: for that there is the embedded core DMS, or a real Elasticsearch.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use flate2::bufread::GzDecoder;

use crate::http::{Kind, Reader, field, go_on};

/// How the sink behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// How long it takes over each `_bulk`.
    pub latency: Duration,
    /// Every so-manieth `_bulk` is answered 429 and not counted; 0: none.
    pub status_429_every: u64,
}

/// What arrived.
#[derive(Debug, Default)]
pub struct Counts {
    documents: AtomicU64,
    requests: AtomicU64,
    refused: AtomicU64,
    wire_bytes: AtomicU64,
    plain_bytes: AtomicU64,
}

impl Counts {
    /// Documents acknowledged.
    pub fn documents(&self) -> u64 {
        self.documents.load(Relaxed)
    }

    /// `_bulk` requests that arrived, the refused ones included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// The counts as JSON.
    fn to_json(&self) -> String {
        let [documents, requests, refused, wire, plain] =
            self.all().map(|count| count.load(Relaxed));
        format!(
            r#"{{"documents":{documents},"requests":{requests},"refused":{refused},"wire_bytes":{wire},"plain_bytes":{plain}}}"#
        )
    }

    fn reset(&self) {
        for count in self.all() {
            count.store(0, Relaxed);
        }
    }

    fn all(&self) -> [&AtomicU64; 5] {
        [
            &self.documents,
            &self.requests,
            &self.refused,
            &self.wire_bytes,
            &self.plain_bytes,
        ]
    }
}

/// A listening sink; its threads end with the process.
#[derive(Debug)]
pub struct NullSink {
    /// Where it listens.
    pub address: SocketAddr,
    /// What has arrived so far.
    pub counts: Arc<Counts>,
}

impl NullSink {
    /// Listens on `address`; port 0 is any free one.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn start(address: &str, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let counts = Arc::new(Counts::default());
        let sink = Self {
            address: listener.local_addr()?,
            counts: Arc::clone(&counts),
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counts = Arc::clone(&counts);
                thread::spawn(move || {
                    if let Err(error) = serve(&stream, options, &counts) {
                        eprintln!("a connection ended: {error}");
                    }
                });
            }
        });
        Ok(sink)
    }
}

fn serve(stream: &TcpStream, options: Options, counts: &Counts) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream;
    let mut requests = Reader::new(stream);
    let (mut plain, mut answer) = (Vec::new(), Vec::new());
    while let Some(request) = requests.next(Kind::Request, |head| go_on(stream, head))? {
        let (method, target) = request.target();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        answer.clear();
        let mut status = "200 OK";
        if path.ends_with("/_bulk") {
            let number = counts.requests.fetch_add(1, Relaxed) + 1;
            thread::sleep(options.latency);
            if number.is_multiple_of(options.status_429_every) {
                counts.refused.fetch_add(1, Relaxed);
                status = "429 Too Many Requests";
                answer.extend_from_slice(REFUSED);
            } else {
                let body = request.body();
                let body = unpacked(&request.head(), &body, &mut plain)?;
                counts
                    .wire_bytes
                    .fetch_add(request.wire.len() as u64, Relaxed);
                counts.plain_bytes.fetch_add(body.len() as u64, Relaxed);
                let documents = acknowledge(&body, query.contains("filter_path"), &mut answer)?;
                counts.documents.fetch_add(documents, Relaxed);
            }
        } else {
            answer.extend_from_slice(other(&method, path, counts).as_bytes());
        }
        let length = answer.len();
        if method == "HEAD" {
            answer.clear();
        }
        let head = format!(
            "HTTP/1.1 {status}\r\nx-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        answer.splice(0..0, head.into_bytes());
        writer.write_all(&answer)?;
    }
    Ok(())
}

/// The answers to what clients ask besides `_bulk`.
fn other(method: &str, path: &str, counts: &Counts) -> String {
    match path {
        "/" => INFO.into(),
        "/_cluster/health" => HEALTH.into(),
        "/_sink/stats" => counts.to_json(),
        "/_sink/reset" if method == "POST" => {
            counts.reset();
            counts.to_json()
        }
        _ => r#"{"acknowledged":true}"#.into(),
    }
}

/// The body, decompressed if its head says so.
fn unpacked<'a>(head: &str, body: &'a [u8], plain: &'a mut Vec<u8>) -> io::Result<Cow<'a, [u8]>> {
    if field(head, "content-encoding") != Some("gzip") {
        return Ok(Cow::Borrowed(body));
    }
    plain.clear();
    GzDecoder::new(body).read_to_end(plain)?;
    Ok(Cow::Borrowed(plain))
}

/// Writes the answer to a bulk body: every operation done. Returns how many there were.
fn acknowledge(body: &[u8], brief: bool, answer: &mut Vec<u8>) -> io::Result<u64> {
    answer.extend_from_slice(br#"{"took":1,"errors":false,"items":["#);
    let (mut documents, mut is_action, mut start) = (0, true, 0);
    for end in memchr::memchr_iter(b'\n', body) {
        let line = &body[start..end];
        start = end + 1;
        if line.is_empty() {
            continue;
        }
        if !is_action {
            is_action = true;
            continue;
        }
        let operation = operation(line)?;
        is_action = operation == "delete";
        if documents > 0 {
            answer.push(b',');
        }
        documents += 1;
        answer.extend_from_slice(b"{\"");
        answer.extend_from_slice(operation.as_bytes());
        answer.extend_from_slice(if brief { BRIEF } else { FULL });
    }
    if start < body.len() || !is_action {
        return Err(malformed("its last line has no end or no document"));
    }
    answer.extend_from_slice(b"]}");
    Ok(documents)
}

fn operation(line: &[u8]) -> io::Result<&'static str> {
    let name = line.split(|byte| *byte == b'"').nth(1).unwrap_or_default();
    ["create", "index", "update", "delete"]
        .into_iter()
        .find(|operation| operation.as_bytes() == name)
        .ok_or_else(|| malformed("a line is no action where one is expected"))
}

fn malformed(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("not a _bulk body: {why}"),
    )
}

const BRIEF: &[u8] = br#"":{"status":201}}"#;
const FULL: &[u8] = br#"":{"_index":"null","_id":"AAAAAAAAAAAAAAAAAAAA","_version":1,"result":"created","_shards":{"total":2,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1,"status":201}}"#;
const REFUSED: &[u8] = br#"{"error":{"type":"es_rejected_execution_exception","reason":"the sink was told to refuse this"},"status":429}"#;
const INFO: &str = r#"{"name":"null","cluster_name":"null","cluster_uuid":"AAAAAAAAAAAAAAAAAAAAAA","version":{"number":"8.19.8","build_flavor":"default","minimum_wire_compatibility_version":"7.17.0","minimum_index_compatibility_version":"7.0.0"},"tagline":"You Know, for Search"}"#;
const HEALTH: &str = r#"{"cluster_name":"null","status":"green","timed_out":false,"number_of_nodes":1,"number_of_data_nodes":1}"#;

#[cfg(test)]
mod tests;
