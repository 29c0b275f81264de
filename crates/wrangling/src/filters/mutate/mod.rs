//! `mutate`: changes fields. Within one block the operations run in Logstash's fixed order, not in the order written.

mod compile;
mod convert;
mod fields;
mod text;

use convert::Conversion;
use text::{Case, Gsub};

use super::{Applied, FilterError};
use crate::exec::{Event, FieldPath};
use crate::template::{Name, Template};

/// A compiled mutate filter.
#[derive(Debug)]
pub(crate) struct Mutate {
    operations: Vec<Operation>,
}

/// One operation on one field.
#[derive(Debug)]
enum Operation {
    /// Gives a null field a value.
    Coerce(FieldPath, Template),
    Rename(Name, Name),
    /// Sets a field that exists.
    Update(FieldPath, NewValue),
    /// Sets a field.
    Replace(FieldPath, NewValue),
    Convert(FieldPath, Conversion),
    Gsub(FieldPath, Gsub),
    Case(FieldPath, Case),
    Strip(FieldPath),
    Split(FieldPath, Box<str>),
    Join(FieldPath, Box<str>),
    /// Destination and sources.
    Merge(FieldPath, Vec<FieldPath>),
    /// Source and destination.
    Copy(FieldPath, FieldPath),
}

/// What update and replace set.
#[derive(Debug)]
enum NewValue {
    Text(Template),
    List(Vec<Template>),
}

impl Mutate {
    #[inline]
    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        for operation in &self.operations {
            if let Err(error) = operation.apply(event) {
                return Applied::failed(&error, event);
            }
        }
        Applied::Matched
    }
}

impl Operation {
    #[inline]
    fn apply<'a>(&'a self, event: &mut Event<'a>) -> Result<(), FilterError> {
        match self {
            Self::Convert(path, conversion) => conversion.apply(path, event),
            Self::Coerce(path, text) => fields::coerce(path, text, event),
            Self::Rename(from, to) => fields::rename(from, to, event),
            Self::Update(path, value) => fields::update(path, value, event),
            Self::Replace(path, value) => fields::replace(path, value, event),
            Self::Gsub(path, gsub) => gsub.apply(path, event),
            Self::Case(path, case) => text::change_case(path, *case, event),
            Self::Strip(path) => text::strip(path, event),
            Self::Split(path, separator) => text::split(path, separator, event),
            Self::Join(path, separator) => text::join(path, separator, event),
            Self::Merge(destination, sources) => fields::merge(destination, sources, event),
            Self::Copy(source, destination) => fields::copy(source, destination, event),
        }
    }
}
