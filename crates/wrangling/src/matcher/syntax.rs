//! The tree of an expression.

use super::set::Set;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Empty,
    Literal(String),
    Set(Set),
    Sequence(Vec<Tree>),
    /// The first one that leads to a match counts.
    Choice(Vec<Tree>),
    /// A group that captures, by number from 1.
    Group(usize, Box<Tree>),
    Repeat(Box<Tree>, Repeat),
    /// What is found first inside is final.
    Atomic(Box<Tree>),
    Assert(Assert),
    Ahead {
        tree: Box<Tree>,
        negated: bool,
    },
    /// A character before this place.
    Behind {
        set: Set,
        negated: bool,
    },
}

/// How often something is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repeat {
    pub(super) min: u32,
    /// None: without end.
    pub(super) max: Option<u32>,
    /// Rather more than less.
    pub(super) greedy: bool,
}

/// A condition on a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assert {
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    /// At the end, or before a line feed that is the end.
    LastLineEnd,
    WordBoundary,
    NoWordBoundary,
}
