//! One file under the file input's eyes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use flate2::read::MultiGzDecoder;
use wrangling::Field;

use super::Feed;
use super::sincedb::FileId;
use crate::codec::{Decoder, Fields, Lines};

/// So much is read at once.
const CHUNK: usize = 32 << 10;

/// A file with its codec and what it holds back.
#[derive(Debug)]
pub struct FileReader {
    /// Which file it is.
    pub id: FileId,
    /// Bytes read so far, including what is held back.
    read: u64,
    lines: Lines,
    decoder: Decoder,
    defaults: Arc<[(String, Field)]>,
    heard: Instant,
    events: Vec<Fields>,
}

impl FileReader {
    /// A reader of a file from `position` on.
    pub fn new(
        id: FileId,
        position: u64,
        lines: Lines,
        decoder: Decoder,
        defaults: Arc<[(String, Field)]>,
    ) -> Self {
        Self {
            id,
            read: position,
            lines,
            decoder,
            defaults,
            heard: Instant::now(),
            events: Vec::new(),
        }
    }

    /// Up to where the file's lines were handed over.
    pub fn position(&self) -> u64 {
        self.read - self.lines.pending() as u64
    }

    /// Reads what there is; whether that was anything.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&mut self, path: &Path, feed: &Feed) -> io::Result<bool> {
        let mut file = File::open(path)?;
        let packed = path
            .extension()
            .is_some_and(|extension| extension == "gz" || extension == "gzip");
        if packed {
            // a compressed file is read as a whole or not at all
            if self.read > 0 {
                return Ok(false);
            }
            let size = file.metadata()?.len();
            self.copy(&mut MultiGzDecoder::new(file), feed)?;
            if feed.is_stopped() {
                return Ok(true);
            }
            self.end(feed);
            self.read = size;
            return Ok(true);
        }
        file.seek(SeekFrom::Start(self.read))?;
        self.copy(&mut file, feed)
    }

    fn copy(&mut self, source: &mut dyn Read, feed: &Feed) -> io::Result<bool> {
        let mut buffer = vec![0; CHUNK];
        let before = self.read;
        while !feed.is_stopped() {
            let read = match source.read(&mut buffer)? {
                0 => break,
                read => read,
            };
            self.read += read as u64;
            let (decoder, events) = (&mut self.decoder, &mut self.events);
            let chunk = buffer.get(..read).unwrap_or_default();
            self.lines.push(chunk, |line| decoder.line(line, events));
            feed.send(&mut self.events, &self.defaults);
        }
        let any = self.read > before;
        if any {
            self.heard = Instant::now();
        }
        Ok(any)
    }

    /// The file has ended: what is held back becomes events.
    pub fn end(&mut self, feed: &Feed) {
        if let Some(rest) = self.lines.take() {
            self.decoder.line(&rest, &mut self.events);
        }
        self.release(feed);
    }

    /// Hands over what the codec holds back.
    pub fn release(&mut self, feed: &Feed) {
        self.decoder.flush(&mut self.events);
        feed.send(&mut self.events, &self.defaults);
    }

    /// Hands over what the codec holds back if there was silence for long enough.
    pub fn release_after_silence(&mut self, feed: &Feed) {
        let silence = self.decoder.auto_flush();
        if silence.is_some_and(|silence| self.heard.elapsed() >= silence) {
            self.release(feed);
        }
    }
}
