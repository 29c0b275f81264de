//! Ruby's `to_i` and `to_f`: the number that a text begins with, else 0.

use super::Integer;

/// The whole number that a text begins with; single underscores between digits are left out.
pub(crate) fn leading_integer(text: &str) -> Integer {
    // nearly always it is all digits
    if text.len() <= 18 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let digit = |byte: u8| i64::from(byte - b'0');
        return Integer::Small(
            text.bytes()
                .fold(0, |number, byte| number * 10 + digit(byte)),
        );
    }
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = leading_digits(digits);
    let digits = digits.trim_start_matches('0');
    let number = format!("{sign}{digits}");
    match (number.parse(), digits) {
        (Ok(small), _) => Integer::Small(small),
        (Err(_), "") => Integer::Small(0),
        (Err(_), _) => Integer::Big(number),
    }
}

/// The number that a text begins with, with fraction and exponent if they are complete.
pub(crate) fn leading_float(text: &str) -> f64 {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let mut after_digit = false;
        let fits = |byte: &&u8| {
            let fits = byte.is_ascii_digit() || (**byte == b'_' && after_digit);
            after_digit = byte.is_ascii_digit();
            fits
        };
        bytes.iter().skip(from).take_while(fits).count()
    };
    let mut end = usize::from(text.starts_with(['-', '+']));
    end += digits(end);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let number = text.get(..end).unwrap_or_default().replace('_', "");
    number.parse().unwrap_or(0.0)
}

/// Digits up to what is none; single underscores between digits are left out.
fn leading_digits(text: &str) -> String {
    let mut after_digit = false;
    let fits = |c: &char| {
        let fits = c.is_ascii_digit() || (*c == '_' && after_digit);
        after_digit = c.is_ascii_digit();
        fits
    };
    let run = text.chars().take_while(fits);
    run.filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_the_text_begins_with() {
        for (text, expected) in [
            ("42", 42),
            ("-7x", -7),
            ("+1_000", 1000),
            ("1__0", 1),
            ("_1", 0),
            ("abc", 0),
            ("4.9", 4),
            (" 08", 8),
            ("-", 0),
            ("-00", 0),
        ] {
            assert_eq!(leading_integer(text), Integer::Small(expected), "{text}");
        }
        let big = "99999999999999999999";
        assert_eq!(leading_integer(big), Integer::Big(big.to_owned()));
        for (text, expected) in [
            ("1.5x", 1.5),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("1e", 1.0),
            ("1_0.5", 10.5),
            ("-2.", -2.0),
            ("x", 0.0),
        ] {
            assert!(
                (leading_float(text) - expected).abs() < f64::EPSILON,
                "{text}"
            );
        }
    }
}
