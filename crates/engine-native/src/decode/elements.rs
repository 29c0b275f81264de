//! Finds the values of a JSON text: the elements of its arrays, or those that stand one after another.
//!
//! Only what tells values apart is looked at: brackets, strings, commas. Whether a value is JSON is for its decoder to
//! find. Where those marks do not fit together, nothing behind them can be trusted to be a value.

use memchr::memchr3;

use super::{Broken, Edge};

/// Brackets within brackets that are followed.
const MAX_DEPTH: usize = 1 << 16;

/// A scanner that remembers where it is between pieces.
#[derive(Debug, Default)]
pub struct Elements {
    /// Whether values are elements of an array.
    in_array: bool,
    state: State,
    /// The closing brackets that a value still needs.
    open: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between values.
    #[default]
    Between,
    /// After the bracket that opens an array.
    First,
    /// After a comma of the array.
    Next,
    /// After an element.
    After,
    /// In a value that is an object or a list, outside of its strings.
    Nested,
    /// In a string of a value.
    Text,
    /// After a backslash in a string.
    Escape,
    /// In a number or a word.
    Word,
}

impl Elements {
    /// Appends where values begin and end in the next piece.
    pub fn piece(&mut self, text: &[u8], edges: &mut Vec<Edge>) -> Result<(), Broken> {
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            match self.state {
                State::Text => {
                    let rest = text.get(at..).unwrap_or_default();
                    let Some(mark) = memchr3(b'"', b'\\', b'\n', rest) else {
                        return Ok(());
                    };
                    at += mark;
                    self.in_text(text.get(at).copied().unwrap_or_default(), at, edges)?;
                }
                State::Escape => self.state = State::Text,
                State::Nested => self.nested(byte, at, edges)?,
                State::Word if is_word(byte) => {}
                State::Word => {
                    edges.push(Edge::End(at));
                    self.state = self.after();
                    // what ended it is looked at again
                    continue;
                }
                _ if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') => {}
                _ => self.between(byte, at, edges)?,
            }
            at += 1;
        }
        Ok(())
    }

    /// The file has ended.
    pub fn end(&self) -> Result<(), Broken> {
        match self.state {
            State::Between => Ok(()),
            State::Word if !self.in_array => Ok(()),
            _ => Err(Broken::truncated()),
        }
    }

    /// The state after a value.
    fn after(&self) -> State {
        match self.in_array {
            true => State::After,
            false => State::Between,
        }
    }

    /// A byte outside of values.
    fn between(&mut self, byte: u8, at: usize, edges: &mut Vec<Edge>) -> Result<(), Broken> {
        self.state = match (self.state, byte) {
            (State::Between, b'[') => {
                self.in_array = true;
                State::First
            }
            (State::First | State::After, b']') => {
                self.in_array = false;
                State::Between
            }
            (State::After, b',') => State::Next,
            (State::After, _) => return Err(Broken::at(at, "a comma or ] is missing before it")),
            (_, b'{' | b'[' | b'"') => {
                edges.push(Edge::Start(at));
                match byte {
                    b'"' => State::Text,
                    _ => self.opened(byte, at)?,
                }
            }
            (_, byte) if is_word(byte) => {
                edges.push(Edge::Start(at));
                State::Word
            }
            _ => return Err(Broken::at(at, "no value begins with it")),
        };
        Ok(())
    }

    /// A byte of an object or a list.
    fn nested(&mut self, byte: u8, at: usize, edges: &mut Vec<Edge>) -> Result<(), Broken> {
        match byte {
            b'"' => self.state = State::Text,
            b'{' | b'[' => self.state = self.opened(byte, at)?,
            b'}' | b']' => {
                if self.open.pop() != Some(byte) {
                    return Err(Broken::at(at, "it closes what was not opened"));
                }
                self.closed(at, edges);
            }
            _ => {}
        }
        Ok(())
    }

    /// A quote, a backslash or a line feed in a string.
    fn in_text(&mut self, byte: u8, at: usize, edges: &mut Vec<Edge>) -> Result<(), Broken> {
        match byte {
            b'\\' => self.state = State::Escape,
            b'"' => self.closed(at, edges),
            _ => {
                return Err(Broken::at(
                    at,
                    "a string goes on beyond the end of its line",
                ));
            }
        }
        Ok(())
    }

    fn opened(&mut self, bracket: u8, at: usize) -> Result<State, Broken> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Broken::at(at, "it is in too many brackets"));
        }
        self.open.push(if bracket == b'{' { b'}' } else { b']' });
        Ok(State::Nested)
    }

    /// A bracket or a string is closed; the value too, if it was the outermost.
    fn closed(&mut self, at: usize, edges: &mut Vec<Edge>) {
        self.state = State::Nested;
        if self.open.is_empty() {
            edges.push(Edge::End(at + 1));
            self.state = self.after();
        }
    }
}

/// Whether a byte can be of a number or a word.
fn is_word(byte: u8) -> bool {
    !matches!(
        byte,
        b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'[' | b']' | b'{' | b'}' | b'"'
    )
}
