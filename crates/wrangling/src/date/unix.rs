//! Seconds, milliseconds and TAI64N labels.

/// Later seconds are taken for something else, as the date filter does.
const MAX_SECONDS: i64 = i32::MAX as i64;
/// TAI64 labels count from 2^62; TAI was ten seconds ahead of UTC in 1970.
const TAI_EPOCH: i64 = (1 << 62) + 10;

/// Seconds since 1970 with an optional fraction; returns milliseconds.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !whole.is_empty()
        && whole != "-"
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
    {
        let seconds: i64 = whole
            .parse()
            .ok()
            .filter(|seconds| *seconds <= MAX_SECONDS)?;
        let millis = fraction
            .bytes()
            .chain(*b"000")
            .take(3)
            .fold(0, |ms, byte| ms * 10 + i64::from(byte - b'0'));
        let signed = if whole.starts_with('-') {
            -millis
        } else {
            millis
        };
        return seconds.checked_mul(1000)?.checked_add(signed);
    }
    let number: f64 = text
        .parse()
        .ok()
        .filter(|number: &f64| number.abs() <= MAX_SECONDS as f64)?;
    Some((number * 1000.0) as i64)
}

/// Whole milliseconds since 1970.
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    text.parse()
        .ok()
        .filter(|ms: &i64| ms.abs() < 200_000_000 * 31_556_952_000)
}

/// `@4000000050d506482dbdf024`: TAI64N in hexadecimal, the `@` optional.
pub(super) fn tai64n(text: &str) -> Option<i64> {
    let label = text.strip_prefix('@').unwrap_or(text);
    if label.len() != 24 || !label.is_ascii() {
        return None;
    }
    let (seconds, nanos) = label.split_at(16);
    let seconds = i64::from_str_radix(seconds, 16).ok()? - TAI_EPOCH;
    let nanos = i64::from_str_radix(nanos, 16).ok()?;
    seconds.checked_mul(1000)?.checked_add(nanos / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_epochs() {
        assert_eq!(seconds("1700000000"), Some(1_700_000_000_000));
        assert_eq!(seconds("1700000000.5"), Some(1_700_000_000_500));
        assert_eq!(seconds("-1.25"), Some(-1250));
        assert_eq!(seconds("abc"), None);
        assert_eq!(seconds("99999999999"), None);
        assert_eq!(milliseconds("-5"), Some(-5));
        assert_eq!(milliseconds("1.5"), None);
        assert_eq!(tai64n("@4000000050d506482dbdf024"), Some(1_356_138_046_767));
    }
}
