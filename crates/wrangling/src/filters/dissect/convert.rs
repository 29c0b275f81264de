//! dissect's `convert_datatype`: texts to numbers of any size.

use bumpalo::Bump;

use crate::exec::{Event, FieldPath};
use crate::filters::FilterError;
use crate::number::{Integer, java_decimal};
use crate::value::Value;

/// Larger exponents are taken for mistakes: their digits would fill the memory.
const MAX_EXPONENT: i64 = 10_000;

/// A field with the type that it is to have.
#[derive(Debug)]
pub(super) struct Conversion {
    path: FieldPath,
    kind: Option<Kind>,
    /// `field_type`, the end of the tags of failures.
    label: Box<str>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Integer,
    Decimal,
}

impl Conversion {
    /// The conversion of the field written as `field`; a type that is not known only tags the event, as in Logstash.
    pub(super) fn new(path: FieldPath, field: &str, kind: &str) -> Self {
        Self {
            path,
            kind: match kind.to_ascii_lowercase().as_str() {
                "int" => Some(Kind::Integer),
                "float" => Some(Kind::Decimal),
                _ => None,
            },
            label: format!("{field}_{kind}").into(),
        }
    }

    /// The tags that it may leave.
    pub(super) fn tags(&self) -> [String; 3] {
        ["missing", "nullvalue", "uncoercible"].map(|why| self.tag(why))
    }

    fn tag(&self, why: &str) -> String {
        format!("_dataconversion{why}_{}", self.label)
    }

    /// Converts the field, or tags the event.
    pub(super) fn apply(&self, event: &mut Event<'_>) -> Result<(), FilterError> {
        let value = event.get(&self.path);
        let why = match self.kind {
            None => "missing",
            Some(_) if value.is_nil() => "nullvalue",
            Some(kind) => match kind.convert(value.text(event.bump), event.bump) {
                Some(number) => return Ok(event.set(&self.path, number)?),
                None => "uncoercible",
            },
        };
        let tag = event.bump.alloc_str(&self.tag(why));
        event.tag(tag);
        Ok(())
    }
}

impl Kind {
    /// What Java's `new BigDecimal(text)` gives; `None` where it refuses the text.
    fn convert<'a>(self, text: &str, bump: &'a Bump) -> Option<Value<'a>> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let sound = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
        if !sound || exponent.abs() > MAX_EXPONENT {
            return None;
        }
        let sign = if negative { "-" } else { "" };
        let whole = whole.trim_start_matches('0');
        match self {
            Self::Integer => {
                let all = format!("{whole}{fraction}");
                let kept = i64::try_from(whole.len()).ok()? + exponent;
                let kept = usize::try_from(kept).unwrap_or(0);
                let digits = format!("{all:0<kept$}");
                let digits = digits.get(..kept)?.trim_start_matches('0');
                let number = format!("{sign}{}", if digits.is_empty() { "0" } else { digits });
                let number = match number.parse() {
                    Ok(small) => Integer::Small(small),
                    Err(_) => Integer::Big(number),
                };
                Some(Value::integer(number, bump))
            }
            Self::Decimal => {
                let whole = if whole.is_empty() { "0" } else { whole };
                let point = if fraction.is_empty() { "" } else { "." };
                let power = match exponent {
                    0 => String::new(),
                    exponent => format!("e{exponent}"),
                };
                let text = bump.alloc_str(&format!("{sign}{whole}{point}{fraction}{power}"));
                java_decimal(text, bump).map(Value::Decimal)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_java_does() {
        let bump = Bump::new();
        for (text, integer, decimal) in [
            ("42", Some("42"), Some("42")),
            ("-007.50", Some("-7"), Some("-7.50")),
            (".5", Some("0"), Some("0.5")),
            ("5.", Some("5"), Some("5")),
            ("1.25e1", Some("12"), Some("12.5")),
            ("1e3", Some("1000"), Some("1E+3")),
            ("12e-3", Some("0"), Some("0.012")),
            (
                "123456789012345678901",
                Some("123456789012345678901"),
                Some("123456789012345678901"),
            ),
            ("", None, None),
            ("x", None, None),
            (" 1", None, None),
            ("1,5", None, None),
            ("1e999999999", None, None),
        ] {
            let texts = [Kind::Integer, Kind::Decimal]
                .map(|kind| kind.convert(text, &bump).map(|value| value.text(&bump)));
            assert_eq!(texts, [integer, decimal], "{text}");
        }
    }
}
