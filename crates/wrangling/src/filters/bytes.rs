//! `bytes`: a size such as `1.5MB` becomes a number of bytes.

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::options::Options;
use crate::value::Value;

/// A compiled bytes filter.
#[derive(Debug)]
pub(crate) struct Bytes {
    source: FieldPath,
    target: FieldPath,
    decimal_separator: char,
    /// 1024 or 1000.
    step: f64,
}

/// The units, each a step more than the one before.
const UNITS: [char; 7] = ['b', 'k', 'm', 'g', 't', 'p', 'e'];

impl Bytes {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let Some(target) = options.text("target") else {
            let message = "bytes needs `target`: the field for the number".to_owned();
            compiler.violation(options.at("target"), "missing_option", message);
            return None;
        };
        let step = match options.text("conversion_method") {
            Some("metric") => 1000.0,
            _ => 1024.0,
        };
        let source = options.text("source").unwrap_or("message");
        Some(Self {
            source: compiler.field(source, &options.at("source"))?,
            target: compiler.field(target, &options.at("target"))?,
            decimal_separator: options
                .text("decimal_separator")
                .and_then(|text| text.chars().next())
                .unwrap_or('.'),
            step,
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        let size = match event.get(&self.source) {
            Value::Str(text) => self.size(text),
            _ => None,
        };
        let result = match size {
            Some(size) => event
                .set(&self.target, Value::Int(size))
                .map_err(FilterError::from),
            None => Err(FilterError::value(
                self.source.field.to_string(),
                "the text is no size".to_owned(),
            )),
        };
        Applied::from_result(result.map(|()| Applied::Matched), event)
    }

    /// The bytes of `1.5 MB`: digits with at most one decimal separator, and a unit of one or two letters.
    fn size(&self, text: &str) -> Option<i64> {
        let text = text.trim();
        let end = text
            .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | ' '))
            .unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(end)?;
        let number: String = number
            .trim()
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == self.decimal_separator)
            .map(|c| if c == self.decimal_separator { '.' } else { c })
            .collect();
        let unit = unit.to_ascii_lowercase();
        let power = match unit.as_str() {
            "" => 0,
            unit => {
                let letter = unit
                    .strip_suffix('b')
                    .filter(|rest| !rest.is_empty())
                    .unwrap_or(unit);
                UNITS
                    .iter()
                    .position(|known| letter.len() == 1 && letter.starts_with(*known))?
            }
        };
        let bytes = number.parse::<f64>().ok()? * self.step.powi(i32::try_from(power).ok()?);
        // exact for all that a double holds; beyond, there is no such size
        (bytes < 9.2e18).then_some(bytes as i64)
    }
}
