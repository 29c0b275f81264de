//! Sets of characters, and of the bytes that something can begin with.

/// A set of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    /// What to do at a byte.
    table: [Step; 256],
    /// The members beyond ASCII.
    rest: Rest,
}

/// What a byte says of the character that begins there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Out,
    In,
    /// The whole character has to be read.
    Read,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rest {
    None,
    All,
    /// Inclusive ranges; `true`: all others.
    Ranges(Box<[(char, char)]>, bool),
}

impl Set {
    /// The characters in inclusive ranges, or all others.
    pub(super) fn new(ranges: &[(char, char)], negated: bool) -> Self {
        let contains = |c: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
        let mut table = [Step::Out; 256];
        let beyond: Vec<(char, char)> = ranges
            .iter()
            .filter(|(_, high)| !high.is_ascii())
            .copied()
            .collect();
        let rest = match (beyond.is_empty(), negated) {
            (true, false) => Rest::None,
            (true, true) => Rest::All,
            (false, _) => Rest::Ranges(beyond.into(), negated),
        };
        for (byte, step) in (0..=u8::MAX).zip(table.iter_mut()) {
            *step = match byte.is_ascii() {
                true if contains(char::from(byte)) != negated => Step::In,
                true => Step::Out,
                false => match rest {
                    Rest::None => Step::Out,
                    // any byte of such a character will do, as the text is UTF-8
                    Rest::All => Step::In,
                    Rest::Ranges(..) => Step::Read,
                },
            };
        }
        Self { table, rest }
    }

    /// Where the text goes on after a member at `at`.
    #[inline]
    pub(super) fn step(&self, text: &str, at: usize) -> Option<usize> {
        let byte = *text.as_bytes().get(at)?;
        match self.table.get(usize::from(byte)) {
            Some(Step::In) if byte.is_ascii() => Some(at + 1),
            Some(Step::In | Step::Read) => {
                let c = text.get(at..)?.chars().next()?;
                self.has(c).then(|| at + c.len_utf8())
            }
            _ => None,
        }
    }

    /// Whether every character is a member.
    pub(super) fn is_all(&self) -> bool {
        self.table.iter().all(|step| *step == Step::In)
    }

    /// Where the run of members that begins at `at` ends.
    #[inline]
    pub(super) fn run(&self, text: &str, mut at: usize) -> usize {
        let bytes = text.as_bytes();
        loop {
            let Some(byte) = bytes.get(at) else { return at };
            match self.table.get(usize::from(*byte)) {
                Some(Step::In) => at += 1,
                Some(Step::Read) => match self.step(text, at) {
                    Some(next) => at = next,
                    None => return at,
                },
                _ => return at,
            }
        }
    }

    fn has(&self, c: char) -> bool {
        match &self.rest {
            Rest::None => false,
            Rest::All => true,
            Rest::Ranges(ranges, negated) => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }

    /// Whether the character that ends before `at` is a member.
    pub(super) fn ends(&self, text: &str, at: usize) -> bool {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        before.is_some_and(|c| self.step(text, at - c.len_utf8()).is_some())
    }

    /// The bytes that members begin with.
    pub(super) fn first(&self) -> First {
        let mut first = First::default();
        for (byte, step) in (0..=u8::MAX).zip(&self.table) {
            if *step != Step::Out {
                first.add(byte);
            }
        }
        first
    }
}

/// The bytes that something can begin with, and whether it can stand at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct First {
    bits: [u64; 4],
    pub(super) end: bool,
}

impl First {
    /// Anything, also nothing.
    pub(super) const ANY: Self = Self {
        bits: [u64::MAX; 4],
        end: true,
    };

    pub(super) fn add(&mut self, byte: u8) {
        if let Some(word) = self.bits.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (word, more) in self.bits.iter_mut().zip(other.bits) {
            *word |= more;
        }
        self.end |= other.end;
    }

    /// Whether some byte, or the end, is in both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let bits = self.bits.iter().zip(other.bits);
        (self.end && other.end) || bits.into_iter().any(|(a, b)| a & b != 0)
    }

    /// The only byte, if there is only one and it cannot be the end.
    pub(super) fn only(&self) -> Option<u8> {
        let count: u32 = self.bits.iter().map(|word| word.count_ones()).sum();
        let mut bytes = 0..=u8::MAX;
        match count {
            1 if !self.end => bytes.find(|byte| self.has(Some(*byte))),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn has(&self, byte: Option<u8>) -> bool {
        match byte {
            Some(byte) => self
                .bits
                .get(usize::from(byte >> 6))
                .is_some_and(|word| word >> (byte & 63) & 1 != 0),
            None => self.end,
        }
    }
}
