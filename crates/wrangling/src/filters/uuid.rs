//! `uuid`: gives an event a unique id.
//!
//! Not a random one: a record that is read again must give the same document, so it is derived from the record's place, in
//! the form of a version 4 UUID.

use sha2::{Digest, Sha256};

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Context, Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::value::Value;

/// A compiled uuid filter.
#[derive(Debug)]
pub(crate) struct Uuid {
    target: FieldPath,
    overwrite: bool,
}

impl Uuid {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let Some(target) = options.text("target") else {
            let message = "uuid needs `target`: the field for the id".to_owned();
            compiler.violation(options.at("target"), "missing_option", message);
            return None;
        };
        Some(Self {
            target: compiler.field(target, &options.at("target"))?,
            overwrite: options.flag("overwrite", false),
        })
    }

    pub(super) fn apply<'a>(&self, event: &mut Event<'a>, context: Context<'_>) -> Applied<'a> {
        if !self.overwrite && !event.get(&self.target).is_nil() {
            return Applied::Matched;
        }
        let id = event
            .bump
            .alloc_str(&of_place(context, event.lineage, &self.target.field));
        let result = event.set(&self.target, Value::Str(id));
        let result = result.map(|()| Applied::Matched).map_err(FilterError::from);
        Applied::from_result(result, event)
    }
}

/// The id of an event's place and a field.
pub(super) fn of_place(context: Context<'_>, lineage: u64, field: &FieldRef) -> String {
    let digest = Sha256::new()
        .chain_update(context.file_key)
        .chain_update((context.position ^ lineage).to_be_bytes())
        .chain_update(field.to_string())
        .finalize();
    let (bytes, _) = digest.as_chunks::<16>();
    let bits = bytes.first().map_or(0, |bytes| u128::from_be_bytes(*bytes));
    // RFC 9562, section 5.4: version 4, variant 10
    let bits = (bits & !(0xf << 76) | (4 << 76)) & !(0b11 << 62) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts.map(|range| hex.get(range).unwrap_or_default());
    parts.join("-")
}
