//! Buffers that go round instead of being allocated anew for each batch.

use std::sync::{Mutex, PoisonError};

/// A larger buffer is freed rather than kept: it was made for an exceptional record.
const MAX_KEPT_BYTES: usize = 8 << 20;

/// A pool of byte buffers.
#[derive(Debug)]
pub struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
    max_kept: usize,
}

impl Pool {
    /// A pool that keeps at most so many buffers.
    pub fn new(max_kept: usize) -> Self {
        Self {
            free: Mutex::new(Vec::new()),
            max_kept,
        }
    }

    /// An empty buffer, with the capacity of an earlier use if there was one.
    pub fn take(&self) -> Vec<u8> {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default()
    }

    /// Takes a buffer back.
    pub fn put(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.max_kept
            && buffer.capacity() > 0
            && buffer.capacity() <= MAX_KEPT_BYTES
        {
            free.push(buffer);
        }
    }
}
