//! Finds records in text that comes piece by piece, where the bytes of a file do not show them: in other encodings than
//! UTF-8, over several lines, in arrays.

use domain::spec::{Format, Multiline, Neighbour};
use memchr::memrchr;
use wrangling::codec::LinePattern;

use super::elements::Elements;
use super::{Boundary, Broken, Framing};

/// Where a record begins or ends in a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Before this byte.
    Start(usize),
    /// Before this byte.
    End(usize),
}

/// Finds records. A piece is at most a line; a longer line comes in several.
#[derive(Debug)]
pub struct Finder {
    kind: Kind,
    /// Whether a record has begun.
    is_open: bool,
}

#[derive(Debug)]
enum Kind {
    Lines,
    Csv(Boundary),
    Multiline(Box<Joining>),
    Json(Elements),
}

/// Joins lines.
#[derive(Debug)]
struct Joining {
    pattern: LinePattern,
    negate: bool,
    next: bool,
    in_line: bool,
    /// Whether the line that is under way ends its record.
    is_last: bool,
}

impl Finder {
    /// For a file of a format. The failure is the reason why its pattern cannot be used, which the spec was refused for.
    pub fn new(format: &Format) -> Result<Self, String> {
        let kind = match Framing::of(format) {
            Framing::Lines => Kind::Lines,
            framing @ Framing::Csv(_) => Kind::Csv(Boundary::new(framing)),
            Framing::Json => Kind::Json(Elements::default()),
            Framing::Multiline => match &format.multiline {
                Some(multiline) => Kind::Multiline(Box::new(Joining::new(multiline)?)),
                None => Kind::Lines,
            },
        };
        Ok(Self {
            kind,
            is_open: false,
        })
    }

    /// Appends where records begin and end in the next piece. The failure is where no further record can be told.
    pub fn piece(&mut self, text: &[u8], edges: &mut Vec<Edge>) -> Result<(), Broken> {
        let is_line_end = memrchr(b'\n', text).is_some_and(|at| at + 1 == text.len());
        let (mut begins, mut ends) = (!self.is_open, is_line_end);
        match &mut self.kind {
            Kind::Json(elements) => return elements.piece(text, edges),
            Kind::Lines => {}
            Kind::Csv(boundary) => ends = boundary.first(text).is_some(),
            Kind::Multiline(joining) => {
                (begins, ends) = joining.piece(text, is_line_end);
                if begins && self.is_open {
                    edges.push(Edge::End(0));
                }
                begins |= !self.is_open;
            }
        }
        if begins {
            edges.push(Edge::Start(0));
        }
        if ends {
            edges.push(Edge::End(text.len()));
        }
        self.is_open = !ends;
        Ok(())
    }

    /// The file has ended. A record that is under way ends with it, unless the failure says that it is none.
    pub fn end(&self) -> Result<(), Broken> {
        match &self.kind {
            Kind::Json(elements) => elements.end(),
            _ => Ok(()),
        }
    }
}

impl Joining {
    fn new(multiline: &Multiline) -> Result<Self, String> {
        Ok(Self {
            pattern: multiline.compile()?,
            negate: multiline.negate,
            next: multiline.what == Neighbour::Next,
            in_line: false,
            is_last: false,
        })
    }

    /// Whether a record begins with this piece, and whether one ends with it.
    fn piece(&mut self, text: &[u8], is_line_end: bool) -> (bool, bool) {
        let mut begins = false;
        if !self.in_line {
            let line = text.strip_suffix(b"\n").unwrap_or(text);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let belongs = self.pattern.is_match(&String::from_utf8_lossy(line)) != self.negate;
            begins = !self.next && !belongs;
            self.is_last = self.next && !belongs;
        }
        self.in_line = !is_line_end;
        (begins, is_line_end && self.is_last)
    }
}
