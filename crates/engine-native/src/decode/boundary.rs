//! Finds where whole records end, in bytes that come piece by piece.

use memchr::{memchr, memchr2, memrchr};

use super::{Dialect, Framing};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a record or of a value.
    ValueStart,
    /// In an unquoted value, or after the closing quote of a quoted one.
    Value,
    /// In a quoted value.
    Quoted,
    /// After a quote in a quoted value: its end, or the first half of an escaped quote.
    QuoteInQuoted,
}

/// A scanner that remembers where it is between pieces.
#[derive(Debug, Clone)]
pub struct Boundary {
    framing: Framing,
    state: State,
}

impl Boundary {
    /// A scanner at the beginning of a record.
    pub fn new(framing: Framing) -> Self {
        Self {
            framing,
            state: State::ValueStart,
        }
    }

    /// Takes the next piece and says after which of its bytes the last record in it ends.
    pub fn last(&mut self, piece: &[u8]) -> Option<usize> {
        let Framing::Csv(dialect) = self.framing else {
            return memrchr(b'\n', piece).map(|at| at + 1);
        };
        let outside = matches!(self.state, State::ValueStart | State::Value);
        if outside && memchr(dialect.quote, piece).is_none() {
            self.state = state_after(piece, self.state, dialect);
            return memrchr(b'\n', piece).map(|at| at + 1);
        }
        self.scan(piece, dialect, false)
    }

    /// Takes the next piece up to the end of the first record in it, and says after which byte that is. Without one the
    /// whole piece is taken.
    pub fn first(&mut self, piece: &[u8]) -> Option<usize> {
        match self.framing {
            Framing::Csv(dialect) => self.scan(piece, dialect, true),
            _ => memchr(b'\n', piece).map(|at| at + 1),
        }
    }

    fn scan(&mut self, piece: &[u8], dialect: Dialect, only_first: bool) -> Option<usize> {
        let (mut at, mut found) = (0, None);
        while let Some(rest) = piece.get(at..).filter(|rest| !rest.is_empty()) {
            match self.state {
                State::Quoted => match memchr(dialect.quote, rest) {
                    Some(quote) => {
                        self.state = State::QuoteInQuoted;
                        at += quote + 1;
                    }
                    None => return found,
                },
                State::QuoteInQuoted if rest.first() == Some(&dialect.quote) => {
                    self.state = State::Quoted;
                    at += 1;
                }
                State::QuoteInQuoted => self.state = State::Value,
                State::ValueStart | State::Value => match memchr2(dialect.quote, b'\n', rest) {
                    Some(mark) if rest.get(mark) == Some(&b'\n') => {
                        self.state = State::ValueStart;
                        at += mark + 1;
                        found = Some(at);
                        if only_first {
                            return found;
                        }
                    }
                    Some(mark) => {
                        let before =
                            state_after(rest.get(..mark).unwrap_or_default(), self.state, dialect);
                        self.state = if before == State::ValueStart {
                            State::Quoted
                        } else {
                            State::Value
                        };
                        at += mark + 1;
                    }
                    None => {
                        self.state = state_after(rest, self.state, dialect);
                        return found;
                    }
                },
            }
        }
        found
    }
}

/// The state after bytes that hold no quote.
fn state_after(bytes: &[u8], before: State, dialect: Dialect) -> State {
    match bytes.last() {
        None => before,
        Some(&last) if last == b'\n' || last == dialect.delimiter => State::ValueStart,
        Some(_) => State::Value,
    }
}
