//! Reads Ruby's syntax of regular expressions.

use std::iter::Peekable;
use std::str::Chars;

use super::Unsupported;
use super::set::Set;
use super::syntax::{Assert, Repeat, Tree};

/// Deeper nesting is left to other engines.
const MAX_DEPTH: usize = 100;

const DIGIT: &[(char, char)] = &[('0', '9')];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
const SPACE: &[(char, char)] = &[('\t', '\r'), (' ', ' ')];
const HEX: &[(char, char)] = &[('0', '9'), ('A', 'F'), ('a', 'f')];

/// The tree of an expression and how many groups capture: those with names. Without them groups have numbers, which is left
/// to other engines. `across_lines`: `.` also matches line feeds.
pub(super) fn parse(source: &str, across_lines: bool) -> Result<(Tree, usize), Unsupported> {
    let mut parser = Parser {
        chars: source.chars().peekable(),
        groups: 0,
        numbers: false,
        folds: false,
        across_lines,
        depth: 0,
    };
    let tree = parser.choice()?;
    match parser.chars.next() {
        None if parser.numbers && parser.groups == 0 => Err(Unsupported),
        None => Ok((tree, parser.groups)),
        Some(_) => Err(Unsupported),
    }
}

struct Parser<'s> {
    chars: Peekable<Chars<'s>>,
    groups: usize,
    /// Whether a group has no name.
    numbers: bool,
    /// `(?i)`
    folds: bool,
    /// `(?m)`
    across_lines: bool,
    depth: usize,
}

impl Parser<'_> {
    fn eat(&mut self, c: char) -> bool {
        self.chars.next_if_eq(&c).is_some()
    }

    fn next(&mut self) -> Result<char, Unsupported> {
        self.chars.next().ok_or(Unsupported)
    }

    fn choice(&mut self) -> Result<Tree, Unsupported> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Unsupported);
        }
        let flags = (self.folds, self.across_lines);
        let mut branches = vec![self.sequence()?];
        while self.eat('|') {
            branches.push(self.sequence()?);
        }
        (self.folds, self.across_lines) = flags;
        self.depth -= 1;
        Ok(match branches.pop() {
            Some(only) if branches.is_empty() => only,
            Some(last) => {
                branches.push(last);
                Tree::Choice(branches)
            }
            None => Tree::Empty,
        })
    }

    fn sequence(&mut self) -> Result<Tree, Unsupported> {
        let mut items: Vec<Tree> = Vec::new();
        while let Some(c) = self.chars.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let atom = self.atom()?;
            items.push(self.quantified(atom)?);
        }
        Ok(match items.pop() {
            None => Tree::Empty,
            Some(only) if items.is_empty() => only,
            Some(last) => {
                items.push(last);
                Tree::Sequence(joined(items))
            }
        })
    }

    fn atom(&mut self) -> Result<Tree, Unsupported> {
        Ok(match self.next()? {
            '(' => self.group()?,
            '[' => Tree::Set(self.class()?),
            '.' if self.across_lines => Tree::Set(Set::new(&[], true)),
            '.' => Tree::Set(Set::new(&[('\n', '\n')], true)),
            '^' => Tree::Assert(Assert::LineStart),
            '$' => Tree::Assert(Assert::LineEnd),
            '\\' => self.escape()?,
            '*' | '+' | '?' => return Err(Unsupported),
            c => self.literal(c),
        })
    }

    fn literal(&self, c: char) -> Tree {
        match self.folds && c.is_alphabetic() {
            true => Tree::Set(Set::new(&cases(c), false)),
            false => Tree::Literal(c.to_string()),
        }
    }

    fn escape(&mut self) -> Result<Tree, Unsupported> {
        let set = |ranges, negated| Tree::Set(Set::new(ranges, negated));
        Ok(match self.next()? {
            'd' => set(DIGIT, false),
            'D' => set(DIGIT, true),
            'w' => set(WORD, false),
            'W' => set(WORD, true),
            's' => set(SPACE, false),
            'S' => set(SPACE, true),
            'h' => set(HEX, false),
            'H' => set(HEX, true),
            'A' => Tree::Assert(Assert::TextStart),
            'z' => Tree::Assert(Assert::TextEnd),
            'Z' => Tree::Assert(Assert::LastLineEnd),
            'b' => Tree::Assert(Assert::WordBoundary),
            'B' => Tree::Assert(Assert::NoWordBoundary),
            c => self.literal(control(c)?),
        })
    }

    /// After `(`.
    fn group(&mut self) -> Result<Tree, Unsupported> {
        if !self.eat('?') {
            self.numbers = true;
            return self.rest_of_group();
        }
        match self.next()? {
            ':' => self.rest_of_group(),
            '>' => Ok(Tree::Atomic(Box::new(self.rest_of_group()?))),
            mark @ ('=' | '!') => Ok(Tree::Ahead {
                tree: Box::new(self.rest_of_group()?),
                negated: mark == '!',
            }),
            '<' => match self.chars.peek() {
                Some(mark @ ('=' | '!')) => {
                    let negated = *mark == '!';
                    self.chars.next();
                    self.behind(negated)
                }
                _ => self.named(),
            },
            '#' => {
                self.chars.by_ref().find(|c| *c == ')');
                Ok(Tree::Empty)
            }
            flag => self.flags(flag),
        }
    }

    fn rest_of_group(&mut self) -> Result<Tree, Unsupported> {
        let inner = self.choice()?;
        self.eat(')').then_some(inner).ok_or(Unsupported)
    }

    fn behind(&mut self, negated: bool) -> Result<Tree, Unsupported> {
        let set = match self.rest_of_group()? {
            Tree::Set(set) => set,
            Tree::Literal(text) => {
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Set::new(&[(c, c)], false),
                    _ => return Err(Unsupported),
                }
            }
            _ => return Err(Unsupported),
        };
        Ok(Tree::Behind { set, negated })
    }

    fn named(&mut self) -> Result<Tree, Unsupported> {
        let name: String = self.chars.by_ref().take_while(|c| *c != '>').collect();
        if name.is_empty() {
            return Err(Unsupported);
        }
        self.groups += 1;
        let number = self.groups;
        Ok(Tree::Group(number, Box::new(self.rest_of_group()?)))
    }

    /// `(?i)` for what follows in the group, `(?i:…)`.
    fn flags(&mut self, first: char) -> Result<Tree, Unsupported> {
        let (mut on, mut flag) = (true, first);
        let before = (self.folds, self.across_lines);
        loop {
            match flag {
                'i' => self.folds = on,
                'm' => self.across_lines = on,
                '-' => on = false,
                ')' => return Ok(Tree::Empty),
                ':' => {
                    let inner = self.rest_of_group();
                    (self.folds, self.across_lines) = before;
                    return inner;
                }
                _ => return Err(Unsupported),
            }
            flag = self.next()?;
        }
    }

    /// After `[`.
    fn class(&mut self) -> Result<Set, Unsupported> {
        let negated = self.eat('^');
        let mut ranges: Vec<(char, char)> = Vec::new();
        let mut is_first = true;
        loop {
            let low = match self.next()? {
                ']' if !is_first => break,
                '[' => match self.eat(':') {
                    true => {
                        ranges.extend(self.posix()?);
                        continue;
                    }
                    false => return Err(Unsupported),
                },
                '&' if self.chars.peek() == Some(&'&') => return Err(Unsupported),
                '\\' => match self.class_escape()? {
                    Ok(c) => c,
                    Err(of_class) => {
                        ranges.extend(of_class);
                        is_first = false;
                        continue;
                    }
                },
                c => c,
            };
            is_first = false;
            ranges.push((low, self.range_end(low)?));
        }
        if self.folds {
            let letters = |range: &(char, char)| {
                let ends = [range.0, range.1];
                ends.iter().all(char::is_ascii)
            };
            if !ranges.iter().all(letters) {
                return Err(Unsupported);
            }
            let folded: Vec<(char, char)> = (0..=0x7f_u8)
                .map(char::from)
                .filter(|c| ranges.iter().any(|(low, high)| (*low..=*high).contains(c)))
                .flat_map(cases)
                .collect();
            return Ok(Set::new(&folded, negated));
        }
        Ok(Set::new(&ranges, negated))
    }

    /// The end of a range that begins with `low`, which is `low` if there is no range.
    fn range_end(&mut self, low: char) -> Result<char, Unsupported> {
        let mut ahead = self.chars.clone();
        let is_range = ahead.next() == Some('-') && !matches!(ahead.next(), None | Some(']'));
        if !is_range {
            return Ok(low);
        }
        self.chars.next();
        let high = match self.next()? {
            '\\' => self.class_escape()?.map_err(|_| Unsupported)?,
            '[' => return Err(Unsupported),
            c => c,
        };
        (low <= high).then_some(high).ok_or(Unsupported)
    }

    /// A character, or the ranges of a class.
    fn class_escape(&mut self) -> Result<Result<char, Vec<(char, char)>>, Unsupported> {
        Ok(match self.next()? {
            'd' => Err(DIGIT.to_vec()),
            'w' => Err(WORD.to_vec()),
            's' => Err(SPACE.to_vec()),
            'h' => Err(HEX.to_vec()),
            'S' => Err(complement(SPACE)),
            'D' => Err(complement(DIGIT)),
            'W' => Err(complement(WORD)),
            'b' => Ok('\u{8}'),
            c => Ok(control(c)?),
        })
    }

    /// `[:alpha:]` after `[:`.
    fn posix(&mut self) -> Result<Vec<(char, char)>, Unsupported> {
        let name: String = self.chars.by_ref().take_while(|c| *c != ':').collect();
        if !self.eat(']') {
            return Err(Unsupported);
        }
        // the others are Unicode's in Ruby
        let ranges: &[(char, char)] = match name.as_str() {
            "xdigit" => HEX,
            _ => return Err(Unsupported),
        };
        Ok(ranges.to_vec())
    }

    fn quantified(&mut self, mut tree: Tree) -> Result<Tree, Unsupported> {
        while let Some((min, max)) = self.counts()? {
            let lazy = self.eat('?');
            let possessive = !lazy && self.eat('+');
            let repeat = Repeat {
                min,
                max,
                greedy: !lazy,
            };
            tree = Tree::Repeat(Box::new(tree), repeat);
            if possessive {
                tree = Tree::Atomic(Box::new(tree));
            }
        }
        Ok(tree)
    }

    /// The counts of a quantifier, if there is one.
    fn counts(&mut self) -> Result<Option<(u32, Option<u32>)>, Unsupported> {
        Ok(match self.chars.peek() {
            Some('*') => {
                self.chars.next();
                Some((0, None))
            }
            Some('+') => {
                self.chars.next();
                Some((1, None))
            }
            Some('?') => {
                self.chars.next();
                Some((0, Some(1)))
            }
            Some('{') => {
                let inner: String = self
                    .chars
                    .clone()
                    .skip(1)
                    .take_while(|c| *c != '}')
                    .collect();
                let closed = self.chars.clone().nth(inner.chars().count() + 1) == Some('}');
                match interval(&inner).filter(|_| closed) {
                    Some((min, max)) => {
                        self.chars.by_ref().find(|c| *c == '}');
                        // in Ruby `{n}+` is no possessive, but a repetition of a repetition
                        if self.chars.peek() == Some(&'+') || max.is_some_and(|max| max < min) {
                            return Err(Unsupported);
                        }
                        Some((min, max))
                    }
                    None => None,
                }
            }
            _ => None,
        })
    }
}

/// `n`, `n,`, `,m`, `n,m`
fn interval(text: &str) -> Option<(u32, Option<u32>)> {
    match text.split_once(',') {
        None => text.parse().ok().map(|count| (count, Some(count))),
        Some(("", "")) => None,
        Some(("", max)) => Some((0, Some(max.parse().ok()?))),
        Some((min, "")) => Some((min.parse().ok()?, None)),
        Some((min, max)) => Some((min.parse().ok()?, Some(max.parse().ok()?))),
    }
}

/// The character that a backslash and `c` mean.
fn control(c: char) -> Result<char, Unsupported> {
    Ok(match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'f' => '\u{c}',
        'v' => '\u{b}',
        'a' => '\u{7}',
        'e' => '\u{1b}',
        c if c.is_ascii_alphanumeric() => return Err(Unsupported),
        c => c,
    })
}

/// Both cases of a letter.
fn cases(c: char) -> Vec<(char, char)> {
    let (lower, upper) = (c.to_lowercase(), c.to_uppercase());
    lower.chain(upper).chain([c]).map(|c| (c, c)).collect()
}

/// All other characters; the ranges are sorted.
fn complement(ranges: &[(char, char)]) -> Vec<(char, char)> {
    let mut others = Vec::new();
    let mut next = 0_u32;
    for (low, high) in ranges {
        if let (Some(from), Some(to)) = (char::from_u32(next), before(*low))
            && from <= to
        {
            others.push((from, to));
        }
        next = u32::from(*high) + 1;
    }
    if let Some(from) = char::from_u32(next) {
        others.push((from, char::MAX));
    }
    others
}

fn before(c: char) -> Option<char> {
    u32::from(c).checked_sub(1).and_then(char::from_u32)
}

/// Neighbouring literals as one.
fn joined(items: Vec<Tree>) -> Vec<Tree> {
    let mut joined: Vec<Tree> = Vec::with_capacity(items.len());
    for item in items {
        match (joined.last_mut(), item) {
            (Some(Tree::Literal(text)), Tree::Literal(more)) => text.push_str(&more),
            (_, Tree::Empty) => {}
            (_, item) => joined.push(item),
        }
    }
    joined
}
