//! The document that a record became, encoded on demand.

use crate::json::{write_field, write_json_str, write_value};
use crate::layout::Key;
use crate::value::{Member, Value};

/// Everything that the encoder needs of a finished event.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    /// The names of the slots.
    pub(crate) keys: &'a [Key],
    pub(crate) slots: &'a [Value<'a>],
    pub(crate) extra: &'a [Member<'a>],
    pub(crate) provenance: Option<Provenance<'a>>,
}

/// The provenance of one record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Provenance<'a> {
    /// The run's part: `,"provenance":{"client":…,"job":…,"run":…,"revision":…,"file":"`.
    pub(crate) prefix: &'a [u8],
    pub(crate) file_key: &'a str,
    pub(crate) position: u64,
}

impl<'a> Body<'a> {
    /// The fields that there are.
    pub(crate) fn members(&self) -> impl Iterator<Item = Member<'a>> {
        let named = self
            .keys
            .iter()
            .map(Key::name)
            .zip(self.slots.iter().copied());
        named
            .chain(self.extra.iter().copied())
            .filter(|(_, value)| !value.is_absent())
    }

    pub(crate) fn encode(&self, ordinal: u32, out: &mut Vec<u8>) {
        let start = out.len();
        for (key, value) in self.keys.iter().zip(self.slots) {
            if !value.is_absent() {
                key.write(out);
                write_field(*value, out);
            }
        }
        for (name, value) in self.extra.iter().filter(|(_, value)| !value.is_absent()) {
            out.push(b',');
            write_json_str(name, out);
            out.push(b':');
            write_value(*value, out);
        }
        if let Some(provenance) = &self.provenance {
            provenance.encode(ordinal, out);
        }
        // every member began with a comma: the first one becomes the brace
        match out.get_mut(start) {
            Some(first) => *first = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
    }
}

impl Provenance<'_> {
    fn encode(&self, ordinal: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prefix);
        out.extend_from_slice(self.file_key.as_bytes());
        out.extend_from_slice(b"\",\"position\":");
        out.extend_from_slice(itoa::Buffer::new().format(self.position).as_bytes());
        if ordinal > 0 {
            out.extend_from_slice(b",\"ordinal\":");
            out.extend_from_slice(itoa::Buffer::new().format(ordinal).as_bytes());
        }
        out.push(b'}');
    }
}
