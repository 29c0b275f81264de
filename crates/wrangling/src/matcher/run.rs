//! Carries out the instructions.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use super::compile::Inst;
use super::set::First;
use super::syntax::Assert;
use super::{Matcher, Outcome};

/// No place.
const NONE: usize = usize::MAX;

/// What is left to try, and what to undo before.
#[derive(Debug, Clone, Copy)]
enum Choice {
    /// Go on at this instruction and place.
    At(usize, usize),
    /// Give back one more of what the loop before this instruction took: `low` at least stays.
    Less {
        inst: usize,
        low: usize,
        place: usize,
    },
    /// Have the loop at this instruction take one more; so many more it may.
    More {
        inst: usize,
        place: usize,
        left: u32,
    },
    /// A slot had this place.
    Undo(usize, usize),
}

/// One search.
struct Run<'r> {
    matcher: &'r Matcher,
    text: &'r str,
    slots: &'r mut [usize],
    stack: BumpVec<'r, Choice>,
    /// How often another choice may still be tried.
    steps: u64,
}

/// The steps are spent.
struct Spent;

impl Matcher {
    /// Searches for the first match from the byte `from` on. `slots` must be [`Self::slots`] long; it tells then where match and groups begin and end
    /// (bytes; `usize::MAX` for groups without part in it).
    pub(crate) fn search(
        &self,
        text: &str,
        from: usize,
        slots: &mut [usize],
        steps: u64,
        bump: &Bump,
    ) -> Outcome {
        let mut run = Run {
            matcher: self,
            text,
            slots,
            stack: BumpVec::with_capacity_in(64, bump),
            steps,
        };
        let mut start = from;
        loop {
            if self.start.has(text.as_bytes().get(start).copied()) {
                run.slots.fill(NONE);
                run.stack.clear();
                match run.part(0, start, 0) {
                    Ok(Some(end)) => {
                        if let Some(place) = run.slots.get_mut(0) {
                            *place = start;
                        }
                        if let Some(place) = run.slots.get_mut(1) {
                            *place = end;
                        }
                        return Outcome::Found;
                    }
                    Ok(None) => {}
                    Err(Spent) => return Outcome::GaveUp,
                }
            }
            if self.anchored || start >= text.len() {
                return Outcome::Nothing;
            }
            start = next_char(text, start);
        }
    }
}

impl Run<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn first(&self, index: usize) -> &First {
        self.matcher.firsts.get(index).unwrap_or(&First::ANY)
    }

    /// Runs from an instruction to the `End` of its part; `base`: the height of the stack that belongs to others.
    fn part(&mut self, inst: usize, place: usize, base: usize) -> Result<Option<usize>, Spent> {
        let matcher = self.matcher;
        let (mut pc, mut at) = (inst, place);
        // where each instruction leads to; one that leads nowhere has failed
        while let Some(inst) = matcher.insts.get(pc) {
            let next = match inst {
                Inst::Jump(target) => Some((*target, at)),
                Inst::Save(slot) => {
                    self.save(*slot, at);
                    Some((pc + 1, at))
                }
                Inst::Byte(byte) => (self.byte(at) == Some(*byte)).then_some((pc + 1, at + 1)),
                Inst::Literal(literal) => {
                    let rest = self.text.as_bytes().get(at..).unwrap_or_default();
                    rest.starts_with(literal.as_bytes())
                        .then_some((pc + 1, at + literal.len()))
                }
                Inst::Sets(sets) => {
                    let step = |at, set: &usize| matcher.sets.get(*set)?.step(self.text, at);
                    sets.iter().try_fold(at, step).map(|at| (pc + 1, at))
                }
                Inst::Loop { .. } => self.repeat(pc, at, inst).map(|at| (pc + 1, at)),
                Inst::Split {
                    first,
                    second,
                    firsts,
                } => self.split(*first, *second, *firsts, at),
                Inst::Assert(assert) => assert.holds(self.text, at).then_some((pc + 1, at)),
                Inst::Behind { set, negated } => {
                    let set = matcher.sets.get(*set);
                    let ends = set.is_some_and(|set| set.ends(self.text, at));
                    (ends != *negated).then_some((pc + 1, at))
                }
                Inst::Ahead { negated, next } => {
                    self.ahead(pc + 1, at, *negated)?.then_some((*next, at))
                }
                Inst::Atomic { next } => {
                    let base = self.stack.len();
                    let end = self.part(pc + 1, at, base)?;
                    if end.is_some() {
                        self.settle(base);
                    }
                    end.map(|end| (*next, end))
                }
                Inst::End => return Ok(Some(at)),
            };
            (pc, at) = match next {
                Some(next) => next,
                None => match self.back(base)? {
                    Some(choice) => choice,
                    None => return Ok(None),
                },
            };
        }
        Ok(None)
    }

    #[inline]
    fn save(&mut self, slot: usize, at: usize) {
        if let Some(place) = self.slots.get_mut(slot) {
            self.stack.push(Choice::Undo(slot, *place));
            *place = at;
        }
    }

    /// The first of two ways that can begin here; the other one is kept for later if it can, too.
    #[inline]
    fn split(
        &mut self,
        first: usize,
        second: usize,
        firsts: (usize, usize),
        at: usize,
    ) -> Option<(usize, usize)> {
        let byte = self.byte(at);
        let later = self.first(firsts.1).has(byte);
        if self.first(firsts.0).has(byte) {
            if later {
                self.stack.push(Choice::At(second, at));
            }
            return Some((first, at));
        }
        later.then_some((second, at))
    }

    /// Whether what has to match ahead does, or what must not does not.
    fn ahead(&mut self, inst: usize, at: usize, negated: bool) -> Result<bool, Spent> {
        let base = self.stack.len();
        let found = self.part(inst, at, base)?.is_some();
        self.settle(base);
        if negated && found {
            // what it noted on the way was in vain
            self.undo(base);
        }
        Ok(found != negated)
    }

    /// A loop, as far as it goes at first.
    #[inline]
    fn repeat(&mut self, pc: usize, at: usize, inst: &Inst) -> Option<usize> {
        let Inst::Loop {
            set,
            repeat,
            after,
            possessive,
            ..
        } = inst
        else {
            return None;
        };
        let set = self.matcher.sets.get(*set)?;
        // the least that it must take
        let mut low = at;
        for _ in 0..repeat.min {
            low = set.step(self.text, low)?;
        }
        if !repeat.greedy {
            let left = repeat.max.map_or(u32::MAX, |max| max - repeat.min);
            return self.more(pc, low, left);
        }
        let high = match repeat.max {
            None => set.run(self.text, low),
            Some(max) => {
                let mut high = low;
                for _ in repeat.min..max {
                    match set.step(self.text, high) {
                        Some(next) => high = next,
                        None => break,
                    }
                }
                high
            }
        };
        if *possessive || high == low {
            return Some(high);
        }
        self.less(pc, low, high, *after)
    }

    /// The highest place down from `place` where what follows can begin.
    #[inline]
    fn less(&mut self, pc: usize, low: usize, mut place: usize, after: usize) -> Option<usize> {
        loop {
            let byte = self.byte(place);
            if !is_inside(byte) && self.first(after).has(byte) {
                if place > low {
                    self.stack.push(Choice::Less {
                        inst: pc,
                        low,
                        place: place - 1,
                    });
                }
                return Some(place);
            }
            if place == low {
                return None;
            }
            place -= 1;
        }
    }

    /// The lowest place up from `place` where what follows can begin.
    #[inline]
    fn more(&mut self, pc: usize, mut place: usize, mut left: u32) -> Option<usize> {
        let Some(Inst::Loop {
            set, after, needle, ..
        }) = self.matcher.insts.get(pc)
        else {
            return None;
        };
        if let Some(needle) = needle {
            let rest = self.text.as_bytes().get(place..).unwrap_or_default();
            return match memchr::memchr(*needle, rest) {
                Some(at) => {
                    let place = place + at;
                    self.stack.push(Choice::More {
                        inst: pc,
                        place,
                        left,
                    });
                    Some(place)
                }
                None => None,
            };
        }
        let set = self.matcher.sets.get(*set)?;
        loop {
            if self.first(*after).has(self.byte(place)) {
                if left > 0 {
                    self.stack.push(Choice::More {
                        inst: pc,
                        place,
                        left,
                    });
                }
                return Some(place);
            }
            match set.step(self.text, place) {
                Some(next) if left > 0 => (place, left) = (next, left - 1),
                _ => return None,
            }
        }
    }

    /// Takes the newest choice above `base`: the instruction and place to go on at.
    fn back(&mut self, base: usize) -> Result<Option<(usize, usize)>, Spent> {
        while self.stack.len() > base {
            let Some(choice) = self.stack.pop() else {
                break;
            };
            if !matches!(choice, Choice::Undo(..)) {
                self.steps = self.steps.checked_sub(1).ok_or(Spent)?;
            }
            let (inst, next) = match choice {
                Choice::At(inst, place) => return Ok(Some((inst, place))),
                Choice::Undo(slot, place) => {
                    if let Some(known) = self.slots.get_mut(slot) {
                        *known = place;
                    }
                    continue;
                }
                Choice::Less { inst, low, place } => {
                    let Some(Inst::Loop { after, .. }) = self.matcher.insts.get(inst) else {
                        continue;
                    };
                    (inst, self.less(inst, low, place, *after))
                }
                Choice::More { inst, place, left } => {
                    let Some(Inst::Loop { set, .. }) = self.matcher.insts.get(inst) else {
                        continue;
                    };
                    let taken = self
                        .matcher
                        .sets
                        .get(*set)
                        .and_then(|set| set.step(self.text, place));
                    match taken {
                        Some(next) => (inst, self.more(inst, next, left - 1)),
                        None => continue,
                    }
                }
            };
            if let Some(place) = next {
                return Ok(Some((inst + 1, place)));
            }
        }
        Ok(None)
    }

    /// Forgets the choices above `base`; what they noted can still be undone.
    fn settle(&mut self, base: usize) {
        let mut kept = base;
        for index in base..self.stack.len() {
            if let Some(choice @ Choice::Undo(..)) = self.stack.get(index).copied() {
                if let Some(place) = self.stack.get_mut(kept) {
                    *place = choice;
                }
                kept += 1;
            }
        }
        self.stack.truncate(kept);
    }

    fn undo(&mut self, base: usize) {
        while self.stack.len() > base {
            if let Some(Choice::Undo(slot, place)) = self.stack.pop()
                && let Some(known) = self.slots.get_mut(slot)
            {
                *known = place;
            }
        }
    }
}

impl Assert {
    fn holds(self, text: &str, at: usize) -> bool {
        let bytes = text.as_bytes();
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        match self {
            Self::LineStart => before.is_none_or(|byte| *byte == b'\n'),
            Self::LineEnd => bytes.get(at).is_none_or(|byte| *byte == b'\n'),
            Self::TextStart => at == 0,
            Self::TextEnd => at == bytes.len(),
            Self::LastLineEnd => bytes
                .get(at..)
                .is_some_and(|rest| matches!(rest, [] | [b'\n'])),
            Self::WordBoundary => is_boundary(text, at),
            Self::NoWordBoundary => !is_boundary(text, at),
        }
    }
}

fn is_boundary(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let before = at
        .checked_sub(1)
        .and_then(|at| bytes.get(at))
        .unwrap_or(&b' ');
    let after = bytes.get(at).unwrap_or(&b' ');
    if before.is_ascii() && after.is_ascii() {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        return is_word(before) != is_word(after);
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    let after = text.get(at..).and_then(|text| text.chars().next());
    before.is_some_and(is_word) != after.is_some_and(is_word)
}

/// Whether a byte stands inside of a character.
fn is_inside(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte & 0xC0 == 0x80)
}

fn next_char(text: &str, at: usize) -> usize {
    let after = text.as_bytes().get(at + 1..).unwrap_or_default();
    at + 1
        + after
            .iter()
            .take_while(|byte| is_inside(Some(**byte)))
            .count()
}
