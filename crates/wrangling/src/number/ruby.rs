//! How Ruby converts text to numbers (`Integer()`, `Float()`) and spells decimals.

/// A whole number of any size.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Integer {
    /// It fits 64 bits.
    Small(i64),
    /// Canonical decimal text.
    Big(String),
}

/// Ruby's `Integer(text)`: surrounding white space, a sign, prefixes `0x`, `0b`, `0o`, `0` (octal), single underscores
/// between digits. `None` where Ruby raises.
pub(crate) fn ruby_integer(text: &str) -> Option<Integer> {
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let (negative, digits) = match trimmed.as_bytes() {
        [b'-', ..] => (true, trimmed.get(1..)?),
        [b'+', ..] => (false, trimmed.get(1..)?),
        _ => (false, trimmed),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?),
        [b'0', b'b', ..] => (2, lower.get(2..)?),
        [b'0', b'o', ..] => (8, lower.get(2..)?),
        [b'0', b'd', ..] => (10, lower.get(2..)?),
        [b'0', _, ..] => (
            8,
            lower.get(1..)?.strip_prefix('_').unwrap_or(lower.get(1..)?),
        ),
        _ => (10, lower.as_str()),
    };
    let digits = without_underscores(digits)?;
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let signed = format!("{}{digits}", if negative { "-" } else { "" });
    if let Ok(number) = i64::from_str_radix(&signed, radix) {
        return Some(Integer::Small(number));
    }
    (radix == 10).then(|| {
        Integer::Big(format!(
            "{}{}",
            if negative { "-" } else { "" },
            digits.trim_start_matches('0')
        ))
    })
}

/// Ruby's `Float(text)`: white space around, underscores between digits, a leading `.5`, hexadecimal; no trailing point, no
/// names of infinities. `None` where Ruby raises.
pub(crate) fn ruby_float(text: &str) -> Option<f64> {
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let unsigned = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    if unsigned.len() > 2
        && unsigned.is_char_boundary(2)
        && unsigned.get(..2)?.eq_ignore_ascii_case("0x")
    {
        return match ruby_integer(trimmed)? {
            Integer::Small(number) => Some(number as f64),
            Integer::Big(digits) => digits.parse().ok(),
        };
    }
    let plain = without_underscores(unsigned)?;
    let valid = plain.bytes().enumerate().all(|(at, byte)| match byte {
        b'0'..=b'9' => true,
        b'.' => plain.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit),
        b'e' | b'E' => at > 0,
        b'+' | b'-' => plain
            .as_bytes()
            .get(at.wrapping_sub(1))
            .is_some_and(|before| before.eq_ignore_ascii_case(&b'e')),
        _ => false,
    });
    if !valid {
        return None;
    }
    let number: f64 = plain.parse().ok()?;
    Some(if trimmed.starts_with('-') {
        -number
    } else {
        number
    })
}

/// `digits` without the underscores between digits; `None` if an underscore stands elsewhere.
fn without_underscores(digits: &str) -> Option<std::borrow::Cow<'_, str>> {
    if !digits.contains('_') {
        return Some(digits.into());
    }
    let bytes = digits.as_bytes();
    let between = |at: usize| {
        let digit = |index: Option<usize>| {
            index
                .and_then(|i| bytes.get(i))
                .is_some_and(u8::is_ascii_alphanumeric)
        };
        digit(at.checked_sub(1)) && digit(at.checked_add(1))
    };
    let fine = bytes
        .iter()
        .enumerate()
        .all(|(at, byte)| *byte != b'_' || between(at));
    fine.then(|| digits.replace('_', "").into())
}

/// Ruby's `BigDecimal#to_s` of a decimal: `2.5` is `0.25e1`.
pub(crate) fn ruby_decimal(text: &str) -> String {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let unsigned = mantissa.trim_start_matches('-');
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let joined = format!("{whole}{fraction}");
    let leading_zeros = joined.len() - joined.trim_start_matches('0').len();
    let digits = joined.trim_matches('0');
    if digits.is_empty() {
        return format!("{sign}0.0");
    }
    let length = |len: usize| i64::try_from(len).unwrap_or(i64::MAX);
    format!(
        "{sign}0.{digits}e{}",
        length(whole.len()) - length(leading_zeros) + exponent
    )
}

/// Ruby's `Float#to_s`: `1.5`, `12345678.0`, `1.0e+16`, `1.0e-05`.
pub(crate) fn ruby_double(number: f64) -> String {
    if !number.is_finite() || number == 0.0 || (1e-4..1e16).contains(&number.abs()) {
        let mut text = format!("{number:?}");
        if number.is_infinite() {
            text = text.replace("inf", "Infinity");
        }
        return text;
    }
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let fraction = if mantissa.contains('.') { "" } else { ".0" };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}{fraction}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_ruby_does() {
        for (text, number) in [
            ("42", 42),
            ("-7", -7),
            ("+5", 5),
            (" 8 ", 8),
            ("0x1F", 31),
            ("010", 8),
            ("1_000", 1000),
            ("0", 0),
            ("0b11", 3),
        ] {
            assert_eq!(ruby_integer(text), Some(Integer::Small(number)), "{text}");
        }
        for text in [
            "", "abc", "12abc", "1e3", "1.5", "1__0", "_1", "1_", "08", "1 000", "0x", "--1",
        ] {
            assert_eq!(ruby_integer(text), None, "{text}");
        }
        assert_eq!(
            ruby_integer("9223372036854775808"),
            Some(Integer::Big("9223372036854775808".to_owned()))
        );
    }

    #[test]
    fn floats_are_read_as_ruby_does() {
        for (text, number) in [
            ("42", 42.0),
            ("1.50", 1.5),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("0x1F", 31.0),
            (" -2.5 ", -2.5),
        ] {
            assert_eq!(ruby_float(text), Some(number), "{text}");
        }
        for text in [
            "", "abc", "5.", "nan", "infinity", "true", "12.5kg", "1..2", "1e", "e5", "1.e5", "--1",
        ] {
            assert_eq!(ruby_float(text), None, "{text}");
        }
        assert_eq!(ruby_float("1.7976931348623159e309"), Some(f64::INFINITY));
    }

    #[test]
    fn doubles_are_spelled_as_ruby_does() {
        for (number, spelled) in [
            (2.0, "2.0"),
            (-0.0, "-0.0"),
            (12_345_678.0, "12345678.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1.0e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.000_012, "1.2e-05"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(ruby_double(number), spelled);
        }
    }

    #[test]
    fn decimals_are_spelled_as_ruby_does() {
        for (text, spelled) in [
            ("1.0", "0.1e1"),
            ("2.5", "0.25e1"),
            ("10.0", "0.1e2"),
            ("0.001", "0.1e-2"),
            ("1E+21", "0.1e22"),
            ("0.1", "0.1e0"),
            ("1E+20", "0.1e21"),
            ("100.0", "0.1e3"),
            ("-1.5", "-0.15e1"),
            ("0.0", "0.0"),
        ] {
            assert_eq!(ruby_decimal(text), spelled);
        }
    }
}
