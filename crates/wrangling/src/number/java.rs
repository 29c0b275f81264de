//! How Java spells numbers.

use bumpalo::Bump;

/// Appends a double as Java's `Double.toString` spells it: `2.0`, `1.5E10`, `1.0E-5`.
pub(crate) fn java_double(number: f64, out: &mut String) {
    let mut bytes = Vec::new();
    if number.is_finite() {
        write_double(number, &mut bytes);
        out.push_str(&String::from_utf8_lossy(&bytes));
    } else {
        out.push_str(non_finite(number));
    }
}

fn non_finite(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// Appends an integer; small ones without a detour through a buffer.
#[inline]
pub(crate) fn write_int(number: i64, out: &mut Vec<u8>) {
    let small = number as u32;
    let digit = |power: u32| b'0' + (small / power % 10) as u8;
    match number {
        0..10 => out.push(digit(1)),
        10..100 => out.extend_from_slice(&[digit(10), digit(1)]),
        100..1000 => out.extend_from_slice(&[digit(100), digit(10), digit(1)]),
        1000..10_000 => out.extend_from_slice(&[digit(1000), digit(100), digit(10), digit(1)]),
        _ => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
    }
}

/// Appends a double as JSON in Java's spelling. JSON has no infinities: those are written as strings, as Logstash does.
pub(crate) fn write_double(number: f64, out: &mut Vec<u8>) {
    let whole = number as i64;
    if number.abs() < 1e7 && whole as f64 == number && (whole != 0 || number.is_sign_positive()) {
        write_int(whole, out);
        out.extend_from_slice(b".0");
    } else if number.is_finite() {
        write_fraction(number, out);
    } else {
        out.push(b'"');
        out.extend_from_slice(non_finite(number).as_bytes());
        out.push(b'"');
    }
}

fn write_fraction(number: f64, out: &mut Vec<u8>) {
    if (1e-3..1e7).contains(&number.abs()) || number == 0.0 {
        out.extend_from_slice(format!("{number:?}").as_bytes());
        return;
    }
    let text = format!("{number:E}");
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    out.extend_from_slice(mantissa.as_bytes());
    if !mantissa.contains('.') {
        out.extend_from_slice(b".0");
    }
    out.push(b'E');
    out.extend_from_slice(exponent.as_bytes());
}

/// The canonical text of a JSON number with a fraction or exponent: what Java's `BigDecimal(text).toString()` gives.
/// `None` if the exponent is out of Java's range.
pub(crate) fn java_decimal<'a>(text: &'a str, bump: &'a Bump) -> Option<&'a str> {
    // `227.5` and the like are canonical: a whole part that is not zero, and no exponent
    let whole = text.strip_prefix('-').unwrap_or(text);
    if whole.starts_with(|c: char| matches!(c, '1'..='9')) && !text.contains(['e', 'E']) {
        return Some(text);
    }
    let (mantissa, exponent) = text
        .split_once(['e', 'E'])
        .map_or((text, None), |(m, e)| (m, Some(e)));
    let exponent: i64 =
        exponent.map_or(Some(0), |digits| digits.parse::<i32>().ok().map(i64::from))?;
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let joined = format!("{whole}{fraction}");
    let digits = joined.trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    let scale = i64::try_from(fraction.len()).ok()? - exponent;
    let adjusted = i64::try_from(digits.len()).ok()? - 1 - scale;
    let negative = mantissa.starts_with('-') && digits != "0";
    if exponent == 0 && scale >= 0 && adjusted >= -6 && negative == mantissa.starts_with('-') {
        return Some(mantissa);
    }
    let sign = if negative { "-" } else { "" };
    let spelled = if scale == 0 {
        format!("{sign}{digits}")
    } else if scale > 0 && adjusted >= -6 {
        let scale = usize::try_from(scale).ok()?;
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        format!("{sign}{whole}.{fraction}")
    } else {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{point}{rest}E{adjusted:+}")
    };
    Some(bump.alloc_str(&spelled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_spelled_as_java_does() {
        for (number, text) in [
            (1.0, "1.0"),
            (-227.0, "-227.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (2.5, "2.5"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (1e7, "1.0E7"),
            (12_345_678.0, "1.2345678E7"),
            (1e20, "1.0E20"),
            (f64::INFINITY, "Infinity"),
        ] {
            let mut out = String::new();
            java_double(number, &mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn decimals_are_spelled_as_java_does() {
        let bump = Bump::new();
        for (text, canonical) in [
            ("1.10", "1.10"),
            ("1e5", "1E+5"),
            ("1E+2", "1E+2"),
            ("2.5e-7", "2.5E-7"),
            ("0.00001", "0.00001"),
            ("0.0000001", "1E-7"),
            ("1e308", "1E+308"),
            ("-1.5e1", "-15"),
            ("-0.0", "0.0"),
            ("12.5e-2", "0.125"),
            ("0.1234567890123456789", "0.1234567890123456789"),
        ] {
            assert_eq!(java_decimal(text, &bump).unwrap(), canonical, "{text}");
        }
        assert!(java_decimal("1e99999999999", &bump).is_none());
    }
}
