//! Finds the bytes that structure a csv text: delimiters, quotes and line feeds, 64 bytes at a time.
//!
//! Values are short, so a search for each one's end would cost more than it finds. Here every 64 bytes become one word with
//! a bit for each structural byte; the comparisons are written so that the compiler uses vector instructions.

use super::Dialect;

const WIDTH: usize = 64;

/// The structural bytes of a text, in order.
#[derive(Debug)]
pub struct Marks<'t> {
    bytes: &'t [u8],
    dialect: Dialect,
    /// Where the word of `mask` begins.
    base: usize,
    mask: u64,
    /// Where the next word begins.
    next: usize,
}

impl<'t> Marks<'t> {
    /// The structural bytes of `bytes`.
    pub fn new(bytes: &'t [u8], dialect: Dialect) -> Self {
        Self {
            bytes,
            dialect,
            base: 0,
            mask: 0,
            next: 0,
        }
    }

    /// Offset of the next one.
    #[inline]
    pub fn next(&mut self) -> Option<usize> {
        while self.mask == 0 {
            let rest = self
                .bytes
                .get(self.next..)
                .filter(|rest| !rest.is_empty())?;
            self.mask = match rest.first_chunk::<WIDTH>() {
                Some(chunk) => mask(chunk, self.dialect),
                None => mask_of_tail(rest, self.dialect),
            };
            self.base = self.next;
            self.next += WIDTH;
        }
        let at = self.base + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(at)
    }
}

fn mask_of_tail(rest: &[u8], dialect: Dialect) -> u64 {
    let structural = |b: u8| b == dialect.delimiter || b == dialect.quote || b == b'\n';
    rest.iter()
        .enumerate()
        .fold(0, |mask, (i, &b)| mask | (u64::from(structural(b)) << i))
}

#[inline]
fn mask(chunk: &[u8; WIDTH], dialect: Dialect) -> u64 {
    let mut found = [0_u8; WIDTH];
    for (to, &b) in found.iter_mut().zip(chunk) {
        *to =
            u8::from(b == dialect.delimiter) | u8::from(b == dialect.quote) | u8::from(b == b'\n');
    }
    // eight bytes of 0 or 1 become eight bits: the product collects them in its highest byte
    const COLLECT: u64 = 0x0102_0408_1020_4080;
    let (words, _) = found.as_chunks::<8>();
    words.iter().enumerate().fold(0, |mask, (i, word)| {
        mask | ((u64::from_le_bytes(*word).wrapping_mul(COLLECT) >> 56) << (8 * i))
    })
}
