//! Events to a script's values, and back.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use rhai::{Dynamic, Map};

use super::timestamp::Timestamp;
use crate::exec::Event;
use crate::filters::FilterError;
use crate::value::{Member, Value};

/// Fields may nest so deep, as those of a JSON record.
const MAX_DEPTH: usize = 256;

/// All fields of an event.
pub(super) fn fields(event: &Event<'_>) -> Map {
    let fields = event.fields();
    fields
        .map(|(name, value)| (name.into(), dynamic(value)))
        .collect()
}

fn dynamic(value: Value<'_>) -> Dynamic {
    match value {
        Value::Absent | Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => flag.into(),
        Value::Int(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::BigInt(text) | Value::Decimal(text) => double(text).into(),
        Value::Str(text) => text.into(),
        Value::Time(ms) => Dynamic::from(Timestamp(ms)),
        Value::Array(items) => items
            .iter()
            .map(|item| dynamic(*item))
            .collect::<Vec<_>>()
            .into(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| ((*name).into(), dynamic(*value)));
            members.collect::<Map>().into()
        }
    }
}

/// The double next to a number that is none.
fn double(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

/// Makes an event's fields those of `fields`, or on an error changes nothing. What a script did not change stays exactly what
/// it was, also where the language has no such value (integers beyond 64 bits, decimal fractions).
pub(super) fn replace(mut fields: Map, event: &mut Event<'_>) -> Result<(), FilterError> {
    let bump = event.bump;
    let mut changes = BumpVec::new_in(bump);
    for (name, old) in event.fields() {
        match fields.remove(name) {
            None => changes.push((name, Value::Absent)),
            Some(new) => {
                let (value, changed) = Return::of(&new, old, name, bump)?;
                if changed {
                    changes.push((name, value));
                }
            }
        }
    }
    for (name, new) in &fields {
        let (value, _) = Return::of(new, Value::Absent, name, bump)?;
        changes.push((&*bump.alloc_str(name), value));
    }
    for (name, value) in changes.iter().filter(|(_, value)| !value.is_absent()) {
        event.admits(name, *value)?;
    }
    for (name, value) in changes {
        event.set_named(name, value);
    }
    Ok(())
}

/// The way of one field's value back into its event.
struct Return<'n, 'a> {
    /// The field's name, for messages.
    name: &'n str,
    bump: &'a Bump,
    changed: bool,
}

impl<'n, 'a> Return<'n, 'a> {
    /// The value and whether it is another one than `old`.
    fn of(
        new: &Dynamic,
        old: Value<'a>,
        name: &'n str,
        bump: &'a Bump,
    ) -> Result<(Value<'a>, bool), FilterError> {
        let mut way = Self {
            name,
            bump,
            changed: false,
        };
        let value = way.value(new, old, 0)?;
        Ok((value, way.changed))
    }

    fn value(
        &mut self,
        new: &Dynamic,
        old: Value<'a>,
        depth: usize,
    ) -> Result<Value<'a>, FilterError> {
        if depth > MAX_DEPTH {
            return Err(self.refused(&format!("it nests deeper than {MAX_DEPTH} levels")));
        }
        if let Ok(items) = new.as_array_ref() {
            return self.list(&items, old, depth);
        }
        if let Ok(members) = new.as_map_ref() {
            return self.object(&members, old, depth);
        }
        if let Ok(text) = new.as_immutable_string_ref() {
            if matches!(old, Value::Str(known) if known == text.as_str()) {
                return Ok(old);
            }
            self.changed = true;
            return Ok(Value::Str(self.bump.alloc_str(&text)));
        }
        let (value, same) = self.scalar(new, old)?;
        self.changed |= !same;
        Ok(if same { old } else { value })
    }

    /// A value without parts, and whether it is `old`.
    fn scalar(&self, new: &Dynamic, old: Value<'a>) -> Result<(Value<'a>, bool), FilterError> {
        if new.is_unit() {
            return Ok((Value::Null, matches!(old, Value::Null)));
        }
        if let Ok(flag) = new.as_bool() {
            return Ok((
                Value::Bool(flag),
                matches!(old, Value::Bool(known) if known == flag),
            ));
        }
        if let Ok(number) = new.as_int() {
            return Ok((
                Value::Int(number),
                matches!(old, Value::Int(known) if known == number),
            ));
        }
        if let Ok(number) = new.as_float() {
            return self.float(number, old);
        }
        if let Ok(letter) = new.as_char() {
            let text = self.bump.alloc_str(letter.encode_utf8(&mut [0; 4]));
            return Ok((Value::Str(text), false));
        }
        match new.read_lock::<Timestamp>() {
            Some(at) => Ok((
                Value::Time(at.0),
                matches!(old, Value::Time(known) if known == at.0),
            )),
            None => Err(self.refused(&format!("a {} is no value of a field", new.type_name()))),
        }
    }

    fn float(&self, number: f64, old: Value<'a>) -> Result<(Value<'a>, bool), FilterError> {
        let known = match old {
            Value::Float(known) => Some(known),
            Value::BigInt(text) | Value::Decimal(text) => Some(double(text)),
            _ => None,
        };
        let same = known.is_some_and(|known| known.to_bits() == number.to_bits());
        if !same && !number.is_finite() {
            return Err(self.refused("the number is not finite"));
        }
        Ok((Value::Float(number), same))
    }

    fn list(
        &mut self,
        items: &[Dynamic],
        old: Value<'a>,
        depth: usize,
    ) -> Result<Value<'a>, FilterError> {
        let known = match old {
            Value::Array(known) => known,
            _ => &[],
        };
        self.changed |= !matches!(old, Value::Array(known) if known.len() == items.len());
        let mut all = BumpVec::with_capacity_in(items.len(), self.bump);
        for (index, item) in items.iter().enumerate() {
            let old = known.get(index).copied().unwrap_or_default();
            all.push(self.value(item, old, depth + 1)?);
        }
        Ok(Value::Array(all.into_bump_slice()))
    }

    /// Members keep their order; new ones follow, by name.
    fn object(
        &mut self,
        new: &Map,
        old: Value<'a>,
        depth: usize,
    ) -> Result<Value<'a>, FilterError> {
        let known: &[Member<'a>] = match old {
            Value::Object(known) => known,
            _ => &[],
        };
        self.changed |= !matches!(old, Value::Object(known) if known.len() == new.len());
        let mut all: BumpVec<'a, Member<'a>> = BumpVec::with_capacity_in(new.len(), self.bump);
        for (name, value) in known {
            match new.get(*name) {
                Some(member) => all.push((*name, self.value(member, *value, depth + 1)?)),
                None => self.changed = true,
            }
        }
        if all.len() < new.len() {
            self.changed = true;
            for (name, member) in new {
                if !known.iter().any(|(known, _)| *known == name.as_str()) {
                    let value = self.value(member, Value::Absent, depth + 1)?;
                    all.push((&*self.bump.alloc_str(name), value));
                }
            }
        }
        Ok(Value::Object(all.into_bump_slice()))
    }

    fn refused(&self, why: &str) -> FilterError {
        FilterError::value(
            self.name.to_owned(),
            format!("the script's `{}` cannot be stored: {why}", self.name),
        )
    }
}
