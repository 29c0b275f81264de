//! Ruby's regular expressions by backtracking, made for log lines: what can be decided by the next byte is decided without
//! trying, single characters are repeated in tight loops, and what a repetition could give back in vain is never given back.
//!
//! It knows look-around, atomic groups and possessive quantifiers, which engines that are linear in time do not. In turn a
//! search is bounded by a number of steps: the caller asks another engine, or gives up, when they are spent.
//!
//! `syntax` is the tree that `parse` reads; `compile` (with `factor`) makes instructions of it (see [`Inst`]) that `run` carries out.

mod compile;
mod factor;
mod parse;
mod run;
mod set;
mod syntax;

use compile::Inst;
use set::First;

/// A compiled expression.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    insts: Vec<Inst>,
    sets: Vec<set::Set>,
    firsts: Vec<First>,
    /// What a match begins with.
    start: First,
    /// Whether it can only begin at the beginning of the text.
    anchored: bool,
    slots: usize,
}

/// What a search came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Found,
    Nothing,
    /// The steps were spent before it was known.
    GaveUp,
}

/// An expression that this matcher does not run; another engine may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsupported;

impl Matcher {
    /// Compiles an expression; `across_lines`: `.` also matches line feeds.
    pub(crate) fn compile(source: &str, across_lines: bool) -> Result<Self, Unsupported> {
        let (tree, groups) = parse::parse(source, across_lines)?;
        compile::compile(&tree, groups)
    }

    /// How many places a search tells: two for the whole match and for each group.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }
}

#[cfg(test)]
mod tests;
