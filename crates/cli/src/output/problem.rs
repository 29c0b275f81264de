//! A failure for people: what happened, everything that is wrong, what to do next, the request's id.

use std::fmt::Write;

use api::Problem;
use domain::Violation;
use domain::plan::Refusal;

use super::{Tone, View};
use crate::error::CliError;

/// A failure as it stands on standard error.
pub fn error(error: &CliError, view: &View) -> String {
    // writing to a String cannot fail
    let mut text = String::new();
    let problem = error.problem();
    let what = problem.map_or_else(|| error.to_string(), summary);
    let _ = write!(text, "{} {what}", view.paint(Tone::Bad, "error:"));
    if let Some(problem) = problem {
        let _ = write!(
            text,
            " {}",
            view.paint(Tone::Faint, format!("({})", problem.code))
        );
        for line in violations(&problem.violations, view)
            .into_iter()
            .chain(refusals(&problem.refusals))
        {
            let _ = write!(text, "\n  {line}");
        }
    }
    if let Some(next_step) = error.next_step() {
        let _ = write!(text, "\n{} {next_step}", view.paint(Tone::Strong, "next:"));
    }
    if let Some(id) = problem.and_then(|problem| problem.request_id.as_ref()) {
        let _ = write!(
            text,
            "\n{}",
            view.paint(Tone::Faint, format!("request {id}"))
        );
    }
    text
}

/// What happened; where the plan refuses, its refusals say the particulars.
fn summary(problem: &Problem) -> String {
    let text = if problem.refusals.is_empty() {
        &problem.detail
    } else {
        &problem.title
    };
    text.clone()
}

/// One line for each violation: pointer, what, code.
pub fn violations(violations: &[Violation], view: &View) -> Vec<String> {
    let line = |violation: &Violation| {
        let place = if violation.pointer.is_empty() {
            "(the whole)"
        } else {
            &violation.pointer
        };
        let code = view.paint(Tone::Faint, format!("({})", violation.code));
        format!(
            "{}: {} {code}",
            view.paint(Tone::Strong, place),
            violation.message
        )
    };
    violations.iter().map(line).collect()
}

/// One line for each refusal by the plan.
pub fn refusals(refusals: &[Refusal]) -> Vec<String> {
    let line = |refusal: &Refusal| {
        format!(
            "{}: the plan allows {}, asked for was {}",
            refusal.constraint, refusal.limit, refusal.actual
        )
    };
    refusals.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::{ClientError, Code};

    #[test]
    fn a_refused_spec_lists_everything_that_is_wrong() {
        let mut problem = Problem::new(Code::InvalidSpec, "the spec has 2 violations")
            .with_violations(vec![
                Violation::new("/format/type", "missing_field", "the field type is missing"),
                Violation::new("", "invalid_value", "it is no object"),
            ]);
        problem.request_id = Some("01jd".into());
        problem.next_step = Some("mend the spec and put it again".into());
        let failed = CliError::from(ClientError::Problem(Box::new(problem)));
        insta::assert_snapshot!(error(&failed, &View::plain()));
    }

    #[test]
    fn a_refusal_by_the_plan_names_limit_and_actual_value() {
        let refusal = Refusal {
            constraint: "max_jobs".into(),
            limit: "2".into(),
            actual: "3".into(),
        };
        let failed = CliError::from(ClientError::Problem(Box::new(Problem::refused(vec![
            refusal,
        ]))));
        insta::assert_snapshot!(error(&failed, &View::plain()));
    }

    #[test]
    fn an_unreachable_manager_is_told_how_to_be_started() {
        let url = "http://127.0.0.1:8640".to_owned();
        let failed = CliError::from(ClientError::Unreachable {
            url,
            reason: "Connection refused".into(),
        });
        insta::assert_snapshot!(error(&failed, &View::plain()));
    }
}
