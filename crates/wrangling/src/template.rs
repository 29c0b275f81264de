//! sprintf: texts with references to fields (`%{[a][b]}`) and dates (`%{+yyyy.MM.dd}`, `%{{yyyy-DDD}}`).

use bumpalo::collections::String as BumpString;

use crate::date::DateFormatter;
use crate::exec::{Event, FieldPath};
use crate::field_ref::{FieldRef, InvalidFieldRef};
use crate::layout::{Layout, TIMESTAMP};
use crate::value::Value;

/// A compiled text.
#[derive(Debug)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(Box<str>),
    /// A field, and the reference as written, which stays when the field is missing.
    Field(FieldPath, Box<str>),
    /// Seconds since 1970 of `@timestamp`.
    Epoch,
    Date(DateFormatter),
    /// A reference that Logstash refuses when it meets it.
    Invalid(InvalidFieldRef),
}

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RenderError {
    #[error(transparent)]
    Invalid(#[from] InvalidFieldRef),
    #[error("the field {0} is missing")]
    Missing(String),
}

impl Template {
    /// Compiles a text; names it refers to get slots.
    ///
    /// # Errors
    /// For a date pattern that cannot be used.
    pub(crate) fn compile(text: &str, layout: &mut Layout) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, reference, after)) = next_reference(rest) {
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            parts.push(part(reference, layout)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Ok(Self { parts })
    }

    /// The text if it refers to nothing.
    pub(crate) fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for an event. Missing fields leave their reference as written.
    #[inline]
    pub(crate) fn render<'a>(&'a self, event: &Event<'a>) -> Result<&'a str, InvalidFieldRef> {
        match self.constant() {
            Some(text) => Ok(text),
            None => self.build(event, false).map_err(|error| match error {
                RenderError::Invalid(invalid) => invalid,
                RenderError::Missing(field) => InvalidFieldRef(field),
            }),
        }
    }

    /// As [`Self::render`], but a missing field is an error.
    pub(crate) fn render_strictly<'a>(&'a self, event: &Event<'a>) -> Result<&'a str, RenderError> {
        match self.constant() {
            Some(text) => Ok(text),
            None => self.build(event, true),
        }
    }

    fn build<'a>(&'a self, event: &Event<'a>, strictly: bool) -> Result<&'a str, RenderError> {
        let mut text = BumpString::new_in(event.bump);
        for part in &self.parts {
            match part {
                Part::Text(constant) => text.push_str(constant),
                Part::Field(path, reference) => match event.get(path) {
                    Value::Absent | Value::Null if strictly => {
                        return Err(RenderError::Missing(path.field.to_string()));
                    }
                    Value::Absent | Value::Null => text.push_str(reference),
                    value => text.push_str(value.text(event.bump)),
                },
                Part::Epoch => {
                    if let Value::Time(ms) = event.slot(TIMESTAMP) {
                        text.push_str(itoa::Buffer::new().format(ms.div_euclid(1000)));
                    }
                }
                Part::Date(format) => {
                    if let Value::Time(ms) = event.slot(TIMESTAMP) {
                        // writing to an arena cannot fail
                        let _infallible = format.write(ms, &mut text);
                    }
                }
                Part::Invalid(error) => return Err(error.clone().into()),
            }
        }
        Ok(text.into_bump_str())
    }
}

/// Splits at the next `%{…}`: text before it, the reference with its marks, text after it.
fn next_reference(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find("%{")?;
    let (before, tail) = (text.get(..open)?, text.get(open..)?);
    let mut close = tail.find('}')? + 1;
    if tail.starts_with("%{{")
        && tail
            .get(close..)
            .is_some_and(|after| after.starts_with('}'))
    {
        close += 1;
    }
    Some((before, tail.get(..close)?, tail.get(close..)?))
}

fn part(reference: &str, layout: &mut Layout) -> Result<Part, String> {
    let inner = reference
        .strip_prefix("%{")
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or(reference);
    if let Some(java) = inner
        .strip_prefix('{')
        .and_then(|java| java.strip_suffix('}'))
    {
        return DateFormatter::java(java).map(Part::Date);
    }
    if "+%s".starts_with(inner) {
        return Ok(Part::Epoch);
    }
    if let Some(joda) = inner.strip_prefix('+') {
        return DateFormatter::joda(joda).map(Part::Date);
    }
    Ok(match FieldRef::parse(inner) {
        Ok(field) => Part::Field(
            FieldPath::new(layout.intern(field.root()), field),
            reference.into(),
        ),
        Err(error) => Part::Invalid(error),
    })
}

/// A field reference that may hold sprintf references.
#[derive(Debug)]
pub(crate) enum Name {
    Static(FieldPath),
    Dynamic(Template),
}

impl Name {
    /// The path for an event, and whatever is wrong with a name made at run time.
    pub(crate) fn with<'a, R>(
        &'a self,
        event: &mut Event<'a>,
        act: impl FnOnce(&mut Event<'a>, &FieldPath) -> R,
    ) -> Result<R, InvalidFieldRef> {
        match self {
            Self::Static(path) => Ok(act(event, path)),
            Self::Dynamic(template) => {
                let field = FieldRef::parse(template.render(event)?)?;
                let path = FieldPath::dynamic(field, event.layout);
                Ok(act(event, &path))
            }
        }
    }
}
