//! Numbers as people read them: counts, sizes, rates, durations, times.

use domain::EpochMs;
use domain::units::Bytes;
use jiff::Timestamp;

use super::View;

/// `27,004`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`.
pub fn counted(number: u64, noun: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{} {noun}{end}", count(number))
}

/// `1.5 MiB`.
pub fn bytes(number: u64) -> String {
    Bytes(number).to_string()
}

/// `512,345/s`.
pub fn rate(per_second: f64) -> String {
    format!("{}/s", count(whole(per_second)))
}

/// `12.3 MiB/s`.
pub fn byte_rate(per_second: f64) -> String {
    format!("{}/s", bytes(whole(per_second)))
}

/// A rate as a whole number; what is no number is none.
fn whole(number: f64) -> u64 {
    // saturates, and takes NaN for 0
    number.round() as u64
}

/// `250 ms`, `1.2 s`, `3m 20s`, `2h 05m`, `4d 03h`.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", ms % 1000 / 100),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// The time between two moments.
pub fn between(from: EpochMs, to: EpochMs) -> String {
    duration(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}

/// `2013-01-31 23:59:00` in the view's zone.
pub fn time(at: EpochMs, view: &View) -> String {
    match Timestamp::from_millisecond(at) {
        Ok(stamp) => stamp
            .to_zoned(view.zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        // beyond the calendar
        Err(_) => format!("{at} ms"),
    }
}

/// The first line of a text, cut to at most so many characters.
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let cut: String = line.chars().take(max_chars).map(clean).collect();
    let is_whole = cut.chars().count() == text.chars().count();
    if is_whole { cut } else { format!("{cut}…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (27_004, "27,004"),
            (1_204_332, "1,204,332"),
        ] {
            assert_eq!(count(number), text);
        }
        assert_eq!(rate(f64::NAN), "0/s");
        assert_eq!(rate(1234.5), "1,235/s");
        assert_eq!(
            (counted(1, "file"), counted(0, "file")),
            ("1 file".into(), "0 files".into())
        );
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1250, "1.2 s"),
            (200_000, "3m 20s"),
            (7_500_000, "2h 05m"),
            (356_400_000, "4d 03h"),
        ] {
            assert_eq!(duration(ms), text);
        }
        assert_eq!(between(2000, 1000), "0 ms");
    }

    #[test]
    fn times_are_shown_in_the_views_zone() {
        assert_eq!(
            time(1_359_676_740_000, &View::plain()),
            "2013-01-31 23:59:00"
        );
        assert_eq!(time(i64::MAX, &View::plain()), format!("{} ms", i64::MAX));
    }

    #[test]
    fn excerpts_are_one_line_and_say_that_they_are_cut() {
        assert_eq!(excerpt("short", 10), "short");
        assert_eq!(excerpt("a\nb", 10), "a…");
        assert_eq!(excerpt("zwölfzehn", 3), "zwö…");
        assert_eq!(excerpt("a\x1b[0m", 10), "a\u{fffd}[0m");
    }
}
