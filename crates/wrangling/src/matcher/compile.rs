//! From the tree to instructions.

use super::set::{First, Set};
use super::syntax::{Assert, Repeat, Tree};
use super::{Matcher, Unsupported, factor};

/// More instructions are left to other engines.
const MAX_INSTS: usize = 1 << 14;

/// One instruction. Those without a target go on with the next one.
#[derive(Debug, Clone)]
pub(super) enum Inst {
    /// This byte has to follow.
    Byte(u8),
    /// The text has to follow.
    Literal(Box<str>),
    /// A member of each set has to follow.
    Sets(Box<[usize]>),
    /// Members of the set, so many times.
    Loop {
        set: usize,
        repeat: Repeat,
        /// What comes after it begins with one of these.
        after: usize,
        /// Giving back what was taken cannot help.
        possessive: bool,
        /// It takes anything, and only this byte can follow.
        needle: Option<u8>,
    },
    /// Goes on at one of two places: at the first if it can begin there, and later at the second.
    Split {
        first: usize,
        second: usize,
        /// What can stand at each of them.
        firsts: (usize, usize),
    },
    Jump(usize),
    /// Notes the place.
    Save(usize),
    Assert(Assert),
    Behind {
        set: usize,
        negated: bool,
    },
    /// The next instructions, up to `End`, have to match here, or must not; goes on at `next`.
    Ahead {
        negated: bool,
        next: usize,
    },
    /// The next instructions, up to `End`, are matched once and for all; goes on at `next`.
    Atomic {
        next: usize,
    },
    /// The end of the whole or of a part.
    End,
}

/// Compiles a tree.
pub(super) fn compile(tree: &Tree, groups: usize) -> Result<Matcher, Unsupported> {
    let mut compiler = Compiler::default();
    compiler.emit(tree)?;
    compiler.push(Inst::End)?;
    let start = compiler.link();
    Ok(Matcher {
        anchored: matches!(
            compiler.insts.first(),
            Some(Inst::Assert(Assert::TextStart))
        ),
        insts: compiler.insts,
        sets: compiler.sets,
        firsts: compiler.firsts,
        start,
        slots: 2 * (groups + 1),
    })
}

#[derive(Default)]
struct Compiler {
    insts: Vec<Inst>,
    sets: Vec<Set>,
    firsts: Vec<First>,
}

impl Compiler {
    fn push(&mut self, inst: Inst) -> Result<usize, Unsupported> {
        if self.insts.len() >= MAX_INSTS {
            return Err(Unsupported);
        }
        self.insts.push(inst);
        Ok(self.insts.len() - 1)
    }

    fn set(&mut self, set: &Set) -> usize {
        if let Some(known) = self.sets.iter().position(|known| known == set) {
            return known;
        }
        self.sets.push(set.clone());
        self.sets.len() - 1
    }

    fn emit(&mut self, tree: &Tree) -> Result<(), Unsupported> {
        match tree {
            Tree::Empty => {}
            Tree::Literal(text) => {
                self.push(match text.as_bytes() {
                    [byte] => Inst::Byte(*byte),
                    _ => Inst::Literal(text.as_str().into()),
                })?;
            }
            Tree::Set(set) => {
                let set = self.set(set);
                self.push(Inst::Sets([set].into()))?;
            }
            Tree::Sequence(items) => {
                // neighbouring sets in one instruction
                for items in items.chunk_by(|a, b| [a, b].iter().all(|t| matches!(t, Tree::Set(_))))
                {
                    let set = |item: &Tree| match item {
                        Tree::Set(set) => Some(self.set(set)),
                        _ => None,
                    };
                    match items.iter().map(set).collect::<Option<Box<[usize]>>>() {
                        Some(sets) => drop(self.push(Inst::Sets(sets))?),
                        None => items.iter().try_for_each(|item| self.emit(item))?,
                    }
                }
            }
            Tree::Choice(branches) => match factor::choice(branches) {
                Tree::Choice(branches) => self.choice(&branches)?,
                factored => self.emit(&factored)?,
            },
            Tree::Group(number, inner) => {
                self.push(Inst::Save(2 * number))?;
                self.emit(inner)?;
                self.push(Inst::Save(2 * number + 1))?;
            }
            Tree::Repeat(inner, repeat) => self.repeat(inner, *repeat)?,
            Tree::Atomic(inner) => {
                let at = self.push(Inst::Atomic { next: 0 })?;
                self.part(inner, at)?;
            }
            Tree::Assert(assert) => {
                self.push(Inst::Assert(*assert))?;
            }
            Tree::Ahead { tree, negated } => {
                let at = self.push(Inst::Ahead {
                    negated: *negated,
                    next: 0,
                })?;
                self.part(tree, at)?;
            }
            Tree::Behind { set, negated } => {
                let set = self.set(set);
                self.push(Inst::Behind {
                    set,
                    negated: *negated,
                })?;
            }
        }
        Ok(())
    }

    /// A part that ends by itself, after the instruction at `at` that runs it.
    fn part(&mut self, tree: &Tree, at: usize) -> Result<(), Unsupported> {
        self.emit(tree)?;
        let after = self.push(Inst::End)? + 1;
        if let Some(Inst::Atomic { next } | Inst::Ahead { next, .. }) = self.insts.get_mut(at) {
            *next = after;
        }
        Ok(())
    }

    fn split(&mut self) -> Result<usize, Unsupported> {
        self.push(Inst::Split {
            first: 0,
            second: 0,
            firsts: (0, 0),
        })
    }

    fn aim(&mut self, at: usize, to: (usize, usize)) {
        match self.insts.get_mut(at) {
            Some(Inst::Split { first, second, .. }) => (*first, *second) = to,
            Some(Inst::Jump(target)) => *target = to.0,
            _ => {}
        }
    }

    fn choice(&mut self, branches: &[Tree]) -> Result<(), Unsupported> {
        let mut jumps = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            if index + 1 == branches.len() {
                self.emit(branch)?;
                break;
            }
            let split = self.split()?;
            self.emit(branch)?;
            jumps.push(self.push(Inst::Jump(0))?);
            self.aim(split, (split + 1, self.insts.len()));
        }
        let end = self.insts.len();
        for jump in jumps {
            self.aim(jump, (end, end));
        }
        Ok(())
    }

    fn repeat(&mut self, inner: &Tree, repeat: Repeat) -> Result<(), Unsupported> {
        if let Tree::Set(set) = inner {
            let set = self.set(set);
            self.push(Inst::Loop {
                set,
                repeat,
                after: 0,
                possessive: false,
                needle: None,
            })?;
            return Ok(());
        }
        for _ in 0..repeat.min {
            self.emit(inner)?;
        }
        let order = |body: usize, exit: usize| match repeat.greedy {
            true => (body, exit),
            false => (exit, body),
        };
        match repeat.max {
            None => {
                // a turn that takes nothing would never end
                if nullable(inner) {
                    return Err(Unsupported);
                }
                let split = self.split()?;
                self.emit(inner)?;
                self.push(Inst::Jump(split))?;
                self.aim(split, order(split + 1, self.insts.len()));
            }
            Some(max) => {
                let mut splits = Vec::new();
                for _ in repeat.min..max {
                    splits.push(self.split()?);
                    self.emit(inner)?;
                }
                let exit = self.insts.len();
                for split in splits {
                    self.aim(split, order(split + 1, exit));
                }
            }
        }
        Ok(())
    }

    /// Finds out what can stand where a decision is made. Returns what a match begins with.
    fn link(&mut self) -> First {
        let mut known = vec![None; self.insts.len() + 1];
        for at in 0..self.insts.len() {
            match self.insts.get(at).cloned() {
                Some(Inst::Split { first, second, .. }) => {
                    let firsts = (
                        self.first(first, &mut known),
                        self.first(second, &mut known),
                    );
                    let firsts = (self.intern(firsts.0), self.intern(firsts.1));
                    self.insts[at] = Inst::Split {
                        first,
                        second,
                        firsts,
                    };
                }
                Some(Inst::Loop { set, repeat, .. }) => {
                    let next = self.first(at + 1, &mut known);
                    let members = self.sets.get(set).map_or(First::ANY, Set::first);
                    // where it can end at once, it ends there
                    let rest = self.insts.iter().skip(at + 1);
                    let mut rest = rest.skip_while(|inst| matches!(inst, Inst::Save(_)));
                    let is_last = matches!(rest.next(), Some(Inst::End));
                    let possessive =
                        repeat.greedy && (is_last || !next.end && !next.meets(&members));
                    let takes_all = self.sets.get(set).is_some_and(Set::is_all);
                    let needle = next.only().filter(|_| takes_all && repeat.max.is_none());
                    let after = self.intern(next);
                    self.insts[at] = Inst::Loop {
                        set,
                        repeat,
                        after,
                        possessive,
                        needle,
                    };
                }
                _ => {}
            }
        }
        self.first(0, &mut known)
    }

    fn intern(&mut self, first: First) -> usize {
        if let Some(known) = self.firsts.iter().position(|known| *known == first) {
            return known;
        }
        self.firsts.push(first);
        self.firsts.len() - 1
    }

    /// What can stand at the instruction at `at`: more than that is harmless.
    fn first(&self, at: usize, known: &mut Vec<Option<First>>) -> First {
        if let Some(Some(first)) = known.get(at) {
            return *first;
        }
        // for what leads back here
        if let Some(slot) = known.get_mut(at) {
            *slot = Some(First::default());
        }
        let first = match self.insts.get(at) {
            Some(Inst::Byte(byte)) => {
                let mut first = First::default();
                first.add(*byte);
                first
            }
            Some(Inst::Literal(text)) => {
                let mut first = First::default();
                match text.bytes().next() {
                    Some(byte) => first.add(byte),
                    None => first = First::ANY,
                }
                first
            }
            Some(Inst::Sets(sets)) => {
                let set = sets.first().and_then(|set| self.sets.get(*set));
                set.map_or(First::ANY, Set::first)
            }
            Some(Inst::Loop { set, repeat, .. }) => {
                let mut first = self.sets.get(*set).map_or(First::ANY, Set::first);
                if repeat.min == 0 {
                    first.join(&self.first(at + 1, known));
                }
                first
            }
            Some(Inst::Split { first, second, .. }) => {
                let mut both = self.first(*first, known);
                both.join(&self.first(*second, known));
                both
            }
            Some(Inst::Jump(target)) => self.first(*target, known),
            Some(Inst::Save(_) | Inst::Assert(_) | Inst::Behind { .. }) => {
                self.first(at + 1, known)
            }
            Some(Inst::Ahead { next, .. }) => self.first(*next, known),
            // a part may take nothing, and then what follows it counts
            Some(Inst::Atomic { next }) => {
                let mut first = self.first(at + 1, known);
                if first.end {
                    first.join(&self.first(*next, known));
                }
                first
            }
            Some(Inst::End) | None => First::ANY,
        };
        if let Some(slot) = known.get_mut(at) {
            *slot = Some(first);
        }
        first
    }
}

/// Whether it can match the empty text.
fn nullable(tree: &Tree) -> bool {
    match tree {
        Tree::Literal(_) | Tree::Set(_) => false,
        Tree::Sequence(items) => items.iter().all(nullable),
        Tree::Choice(branches) => branches.iter().any(nullable),
        Tree::Group(_, inner) | Tree::Atomic(inner) => nullable(inner),
        Tree::Repeat(inner, repeat) => repeat.min == 0 || nullable(inner),
        Tree::Empty | Tree::Assert(_) | Tree::Ahead { .. } | Tree::Behind { .. } => true,
    }
}
