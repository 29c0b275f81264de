//! Ranges of integers as regular expressions.

/// An expression for decimal integers between `-min` and `max`, both given as digits, as the native engine reads them: with a
/// sign or without, with zeros in front.
pub(super) fn between(min: &str, max: &str) -> String {
    format!("(?:\\+?0*{}|-0*{})", up_to(max), up_to(min))
}

/// Whole numbers without a sign up to `max`, zeros in front aside; none at all stands for zero.
fn up_to(max: &str) -> String {
    let length = max.len();
    // shorter ones, then those that are smaller from some digit on
    let mut ways = vec![format!("\\d{{1,{}}}", length.saturating_sub(1).max(1))];
    for (at, digit) in max.bytes().enumerate() {
        let (Some(before), Some(smaller)) = (max.get(..at), (digit as char).to_digit(10)) else {
            continue;
        };
        let Some(highest) = smaller.checked_sub(1) else {
            continue;
        };
        ways.push(format!("{before}[0-{highest}]\\d{{{}}}", length - at - 1));
    }
    ways.push(max.to_owned());
    format!("(?:{})", ways.join("|"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_expression_matches_what_fits(number in prop_oneof![
            any::<i64>().prop_map(i128::from),
            any::<i32>().prop_map(i128::from),
            (-3_i128..3).prop_map(|n| n + i128::from(i32::MAX)),
            (-3_i128..3).prop_map(|n| n + i128::from(i32::MIN)),
        ], zeros in 0_usize..3) {
            let pattern = format!("^{}$", super::between("2147483648", "2147483647"));
            let regex = regex::Regex::new(&pattern).unwrap();
            let sign = if number < 0 { "-" } else { "" };
            let written = format!("{sign}{}{}", "0".repeat(zeros), number.unsigned_abs());
            prop_assert_eq!(regex.is_match(&written), i32::try_from(number).is_ok(), "{}", written);
        }
    }
}
