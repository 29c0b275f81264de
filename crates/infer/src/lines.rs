//! Logs that are known by the form of their lines.

use std::sync::LazyLock;

use regex::Regex;

use crate::SAMPLE_RECORDS;

/// So much of the lines, in percent, must have the form.
const MIN_PERCENT: usize = 80;

/// A known form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Its name, for people.
    pub name: &'static str,
    /// The grok pattern that reads it.
    pub grok: &'static str,
    /// The patterns of its field `timestamp`.
    pub dates: &'static [&'static str],
    /// Whether a year is missing in it.
    pub guesses_year: bool,
}

/// A log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Its form.
    pub form: Form,
    /// Lines that have it, in percent.
    pub confidence: u8,
}

const APACHE: &str =
    r#"^\S+ \S+ \S+ \[\d{1,2}/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "[^"]*" \d{3} (?:\d+|-)"#;
const APACHE_DATES: &[&str] = &["dd/MMM/yyyy:HH:mm:ss Z"];

/// The forms with what their lines look like, the stricter ones first.
static FORMS: LazyLock<Vec<(Regex, Form)>> = LazyLock::new(|| {
    let forms = [
        (
            format!(r#"{APACHE} "[^"]*" "[^"]*""#),
            Form {
                name: "an access log (Apache combined)",
                grok: "%{COMBINEDAPACHELOG}",
                dates: APACHE_DATES,
                guesses_year: false,
            },
        ),
        (
            format!("{APACHE}$"),
            Form {
                name: "an access log (Apache common)",
                grok: "%{COMMONAPACHELOG}",
                dates: APACHE_DATES,
                guesses_year: false,
            },
        ),
        (
            r"^(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ \S+: ".to_owned(),
            Form {
                name: "a syslog",
                grok: "%{SYSLOGLINE}",
                dates: &["MMM dd HH:mm:ss", "MMM  d HH:mm:ss"],
                guesses_year: true,
            },
        ),
    ];
    let compiled = |(pattern, form): (String, Form)| Some((Regex::new(&pattern).ok()?, form));
    forms.into_iter().filter_map(compiled).collect()
});

/// The log that a text is; none if its form is not known.
pub fn look(text: &str) -> Option<Log> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty())
        .take(SAMPLE_RECORDS)
        .collect();
    FORMS.iter().find_map(|(looks, form)| {
        let fitting = lines.iter().filter(|line| looks.is_match(line)).count();
        let percent = fitting * 100 / lines.len().max(1);
        (percent >= MIN_PERCENT).then(|| Log {
            form: *form,
            confidence: u8::try_from(percent).unwrap_or(100),
        })
    })
}
