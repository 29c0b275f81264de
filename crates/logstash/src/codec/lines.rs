//! Cutting a stream of bytes into lines.

use memchr::memmem;

/// Holds back what is not ended by the delimiter yet.
#[derive(Debug)]
pub struct Lines {
    delimiter: Vec<u8>,
    pending: Vec<u8>,
}

impl Lines {
    /// Lines that end with `delimiter`.
    pub fn new(delimiter: &str) -> Self {
        Self {
            delimiter: delimiter.as_bytes().to_vec(),
            pending: Vec::new(),
        }
    }

    /// What ends a line.
    pub fn delimiter(&self) -> &[u8] {
        &self.delimiter
    }

    /// How many bytes are held back.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Takes more bytes and hands over the lines that are complete, without their delimiters.
    pub fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8])) {
        // a delimiter of several bytes may begin in what was held back
        let seen = self.pending.len().saturating_sub(self.delimiter.len() - 1);
        self.pending.extend_from_slice(bytes);
        let (mut start, mut from) = (0, seen);
        while let Some(found) = memmem::find(
            self.pending.get(from..).unwrap_or_default(),
            &self.delimiter,
        ) {
            let end = from + found;
            line(self.pending.get(start..end).unwrap_or_default());
            start = end + self.delimiter.len();
            from = start;
        }
        self.pending.drain(..start);
    }

    /// What is held back, which ends with this.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        Some(std::mem::take(&mut self.pending)).filter(|rest| !rest.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        let text = b"one\r\n\r\nthree\rx\r\nrest";
        for size in 1..text.len() {
            let (mut lines, mut found) = (Lines::new("\r\n"), Vec::new());
            for chunk in text.chunks(size) {
                lines.push(chunk, |line| {
                    found.push(String::from_utf8_lossy(line).into_owned())
                });
            }
            assert_eq!(found, ["one", "", "three\rx"], "{size}");
            assert_eq!(lines.take().unwrap(), b"rest");
        }
    }
}
