//! The outcomes of a spec's tests for people.

use api::TestReport;
use serde_json::Value;

use super::{Tone, View, human};

/// Characters of a value.
const CHARS: usize = 200;

/// One test a line, with what differs below it.
pub fn report(report: &TestReport, view: &View) -> String {
    if report.tests.is_empty() {
        return "the spec has no tests".into();
    }
    let mut lines = Vec::new();
    for test in &report.tests {
        let (word, tone) = match test.passed {
            true => ("passed", Tone::Good),
            false => ("FAILED", Tone::Bad),
        };
        lines.push(format!("{} {}", view.paint(tone, word), test.name));
        for difference in &test.differences {
            lines.push(format!(
                "  {}",
                view.paint(Tone::Strong, &difference.pointer)
            ));
            let expected = format!("    - {}", said(&difference.expected));
            let actual = format!("    + {}", said(&difference.actual));
            lines.push(view.paint(Tone::Bad, expected));
            lines.push(view.paint(Tone::Good, actual));
        }
    }
    let failed = report.tests.iter().filter(|test| !test.passed).count();
    lines.push(match failed {
        0 => format!(
            "{} passed",
            human::counted(report.tests.len() as u64, "test")
        ),
        n => format!(
            "{} of {} failed (- expected, + got)",
            n,
            human::counted(report.tests.len() as u64, "test")
        ),
    });
    lines.join("\n")
}

fn said(value: &Option<Value>) -> String {
    match value {
        Some(value) => human::excerpt(&value.to_string(), CHARS),
        None => "(nothing)".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::spec::{Difference, TestOutcome};
    use serde_json::json;

    #[test]
    fn what_differs_is_shown_below_its_test() {
        let outcome = |name: &str, differences: Vec<Difference>| TestOutcome {
            name: name.into(),
            passed: differences.is_empty(),
            differences,
        };
        let shown = TestReport::of(vec![
            outcome("good", Vec::new()),
            outcome(
                "bad",
                vec![Difference {
                    pointer: "/tests/1/expect/documents/0/n".into(),
                    expected: Some(json!(1)),
                    actual: None,
                }],
            ),
        ]);
        insta::assert_snapshot!(report(&shown, &View::plain()), @r"
        passed good
        FAILED bad
          /tests/1/expect/documents/0/n
            - 1
            + (nothing)
        1 of 2 tests failed (- expected, + got)
        ");
    }
}
