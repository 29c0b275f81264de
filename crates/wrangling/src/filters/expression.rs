//! A regular expression of an option, which may hold sprintf references.

use std::borrow::Cow;

use super::FilterError;
use crate::compile::Compiler;
use crate::exec::Event;
use crate::regexes::{Dot, Regex};
use crate::template::Template;

/// An expression, or what makes it for each event.
#[derive(Debug)]
pub(super) enum Expression {
    Fixed(Regex),
    Made(Template),
}

impl Expression {
    /// Compiles an expression; one that refers to fields is compiled for each event.
    pub(super) fn compile(source: &str, at: &str, compiler: &mut Compiler<'_>) -> Option<Self> {
        match source.contains("%{") {
            true => compiler.template(source, at).map(Self::Made),
            false => compiler.regex(source, at).map(Self::Fixed),
        }
    }

    /// The expression for an event.
    pub(super) fn regex<'a>(&'a self, event: &Event<'a>) -> Result<Cow<'a, Regex>, FilterError> {
        match self {
            Self::Fixed(regex) => Ok(Cow::Borrowed(regex)),
            Self::Made(template) => Regex::compile(template.render(event)?, Dot::InLine)
                .map(Cow::Owned)
                .map_err(|message| FilterError::value(String::new(), message)),
        }
    }
}
