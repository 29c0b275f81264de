//! Findings of an import or export for people.

use std::cmp::Reverse;

use domain::finding::{Finding, Severity};

use super::table::{Column, Table};
use super::{Tone, View};

/// Findings, one a line, the worst first.
pub fn list(findings: &[Finding], view: &View) -> String {
    let columns = [
        Column::Left("where"),
        Column::Left("what"),
        Column::Left("became"),
        Column::Left("why"),
        Column::Left("instead"),
    ];
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| Reverse(finding.severity));
    let mut table = Table::new(view, &columns);
    for finding in sorted {
        let tone = match finding.severity {
            Severity::LeftOut => Tone::Faint,
            Severity::Changed => Tone::Warning,
            Severity::Impossible => Tone::Bad,
        };
        let what = match &finding.option {
            Some(option) => format!("{} {option}", finding.plugin),
            None => finding.plugin.clone(),
        };
        let place = match finding.at.as_str() {
            "" => "(the whole)",
            place => place,
        };
        let cells = [
            place.to_owned(),
            what,
            finding.severity.name().to_owned(),
            finding.reason.clone(),
            finding.instead.clone().unwrap_or_default(),
        ];
        table.row_with_tone(cells, 2, tone);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first() {
        let finding = |severity, option: Option<&str>| Finding {
            severity,
            at: "3:5".into(),
            plugin: "filter ruby".into(),
            option: option.map(Into::into),
            reason: "it is Ruby".into(),
            instead: None,
        };
        let findings = [
            finding(Severity::LeftOut, Some("init")),
            finding(Severity::Impossible, None),
        ];
        let text = list(&findings, &View::plain());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[1].starts_with("3:5    filter ruby       impossible"),
            "{text}"
        );
        assert!(lines[2].contains("filter ruby init"), "{text}");
    }
}
