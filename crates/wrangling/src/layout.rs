//! Names of top-level fields and their slots.

use std::collections::HashMap;

use crate::field_ref::FieldRef;
use crate::json::write_json_str;
use crate::violation::Violation;

/// Slot of `@timestamp`.
pub(crate) const TIMESTAMP: usize = 0;
/// Slot of `@metadata`: never stored.
pub(crate) const METADATA: usize = 1;
/// Slot of `@version`: never stored.
pub(crate) const VERSION: usize = 2;
/// Slot of `tags`.
pub(crate) const TAGS: usize = 3;
/// Slot of `message`.
pub(crate) const MESSAGE: usize = 4;
/// Slot of `event`.
pub(crate) const EVENT: usize = 5;
/// Slot of `provenance`: reserved for the platform.
pub(crate) const PROVENANCE: usize = 6;

const FIXED: [&str; 7] = [
    "@timestamp",
    "@metadata",
    "@version",
    "tags",
    "message",
    "event",
    "provenance",
];

/// Top-level field names, each with a slot: an index into the record's array of values.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    names: Vec<Box<str>>,
    keys: Vec<Key>,
    index: HashMap<Box<str>, usize, NameHash>,
    /// How many names are the program's own.
    base: usize,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let mut layout = Self {
            names: Vec::new(),
            keys: Vec::new(),
            index: HashMap::default(),
            base: 0,
        };
        for name in FIXED {
            layout.intern(name);
        }
        layout
    }

    /// The slot of `name`, a new one if it has none yet.
    pub(crate) fn intern(&mut self, name: &str) -> usize {
        if let Some(slot) = self.find(name) {
            return slot;
        }
        let mut key = vec![b','];
        write_json_str(name, &mut key);
        key.push(b':');
        let slot = self.names.len();
        self.names.push(name.into());
        self.keys.push(Key::new(name, key));
        self.index.insert(name.into(), slot);
        slot
    }

    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// How many names were added since the program's layout was made.
    pub(crate) fn learned(&self) -> usize {
        self.names.len() - self.base
    }

    /// A copy to which names seen in records are added.
    pub(crate) fn learner(&self) -> Self {
        Self {
            base: self.names.len(),
            ..self.clone()
        }
    }

    pub(crate) fn name(&self, slot: usize) -> &str {
        self.names.get(slot).map_or("", |name| name)
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }
}

/// `,"name":`, encoded once.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    name: Box<str>,
    /// The key if it fits, padded: a copy of constant size needs no call.
    short: [u8; SHORT_KEY],
    text: Box<[u8]>,
}

const SHORT_KEY: usize = 32;

impl Key {
    fn new(name: &str, text: Vec<u8>) -> Self {
        let mut short = [0; SHORT_KEY];
        for (to, from) in short.iter_mut().zip(&text) {
            *to = *from;
        }
        Self {
            name: name.into(),
            short,
            text: text.into_boxed_slice(),
        }
    }

    /// The name itself.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let len = self.text.len();
        if len <= SHORT_KEY {
            out.extend_from_slice(&self.short);
            out.truncate(out.len() + len - SHORT_KEY);
        } else {
            out.extend_from_slice(&self.text);
        }
    }
}

/// The columns of one CSV file, bound to a compiled program.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The program's layout and the file's own names.
    pub(crate) layout: Layout,
    pub(crate) targets: Vec<Target>,
}

/// Where a column's value goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// A plain top-level field.
    Slot(usize),
    /// A field with rules of its own, or a nested one.
    Path(FieldRef),
}

impl Columns {
    pub(crate) fn bind(layout: &Layout, names: &[String]) -> Result<Self, Vec<Violation>> {
        let mut columns = Self {
            layout: layout.clone(),
            targets: Vec::with_capacity(names.len()),
        };
        let mut violations = Vec::new();
        for (position, name) in names.iter().enumerate() {
            let at = format!("/{position}");
            if names.iter().take(position).any(|earlier| earlier == name) {
                violations.push(Violation::new(
                    &at,
                    "duplicate_column",
                    format!("column `{name}` occurs twice"),
                ));
            }
            match columns.target(name, position) {
                Ok(target) => columns.targets.push(target),
                Err(message) => violations.push(Violation::new(&at, "invalid_column", message)),
            }
        }
        if violations.is_empty() {
            Ok(columns)
        } else {
            Err(violations)
        }
    }

    fn target(&mut self, name: &str, position: usize) -> Result<Target, String> {
        if name.is_empty() {
            return Ok(Target::Slot(
                self.layout.intern(&format!("column{}", position + 1)),
            ));
        }
        let path = FieldRef::parse(name).map_err(|error| error.to_string())?;
        if matches!(path.root(), "@metadata" | "provenance") {
            return Err(format!(
                "a column cannot be named `{name}`: the name is reserved"
            ));
        }
        let slot = self.layout.intern(path.root());
        let special = !path.rest().is_empty() || matches!(slot, TIMESTAMP | TAGS);
        Ok(if special {
            Target::Path(path)
        } else {
            Target::Slot(slot)
        })
    }

    /// How many columns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

/// Multiplicative hash for short names: eight bytes a step.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NameHash;

impl std::hash::BuildHasher for NameHash {
    type Hasher = NameHasher;

    fn build_hasher(&self) -> NameHasher {
        NameHasher(0)
    }
}

#[derive(Debug)]
pub(crate) struct NameHasher(u64);

impl NameHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl std::hash::Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, tail) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(tail) {
            *to = *from;
        }
        self.mix(u64::from_le_bytes(last) ^ bytes.len() as u64);
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}
