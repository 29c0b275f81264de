//! From a text's JSON value to a [`JobSpec`]: structure by the published JSON Schema, then what a schema cannot say.
//! All violations at once, each with its JSON pointer.

use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;
use wrangling::{Compiled, Environment, Violation};

use super::{Destination, JobSpec, Mode, format};
use crate::units::Span;

/// Documents are kept at least so long, if not for ever.
const SHORTEST_RETENTION: Span = Span::secs(24 * 3600);

/// The JSON Schema of job specs, as it is published.
pub fn json_schema() -> Value {
    schemars::schema_for!(JobSpec).to_value()
}

/// Parses a job spec, without the files and variables of an installation. Every violation has a JSON pointer; there is at
/// least one if the spec is refused.
pub fn parse(value: &Value) -> Result<JobSpec, Vec<Violation>> {
    parse_in(value, &Environment::default())
}

/// As [`parse`], with the files and variables of an environment.
pub fn parse_in(value: &Value, environment: &Environment) -> Result<JobSpec, Vec<Violation>> {
    let mut violations = structure(value);
    if let Some(steps) = value.get("wrangling")
        && let Err(found) = wrangling::steps::parse_in(steps, "/wrangling", environment)
    {
        violations.extend(found);
    }
    match serde_path_to_error::deserialize::<_, JobSpec>(value) {
        Ok(spec) => {
            violations.extend(meaning(&spec, environment));
            if violations.is_empty() {
                Ok(spec)
            } else {
                Err(violations)
            }
        }
        Err(e) => {
            // serde stops at the first; it is news only where the schema found nothing
            if violations.is_empty() {
                violations.push(Violation::new(
                    serde_pointer(e.path()),
                    "invalid_value",
                    e.inner().to_string(),
                ));
            }
            Err(violations)
        }
    }
}

/// Compiled once: that takes longer than checking a spec.
static VALIDATOR: LazyLock<Result<Validator, String>> =
    LazyLock::new(|| jsonschema::validator_for(&json_schema()).map_err(|e| e.to_string()));

/// Violations of the JSON Schema; those below `/wrangling` are left to the pipeline language's own parser.
fn structure(value: &Value) -> Vec<Violation> {
    let below_wrangling = |violation: &Violation| violation.pointer.starts_with("/wrangling");
    match &*VALIDATOR {
        Ok(validator) => validator
            .iter_errors(value)
            .flat_map(|e| explain(&e))
            .filter(|v| !below_wrangling(v))
            .collect(),
        Err(e) => vec![Violation::new(
            "",
            "schema_defect",
            format!("the published schema cannot be used: {e}"),
        )],
    }
}

/// One schema error as violations: unknown fields one by one, choices by the branch that was meant.
fn explain(error: &ValidationError<'_>) -> Vec<Violation> {
    let at = error.instance_path().as_str().to_owned();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                Violation::new(
                    format!("{at}/{}", escape(name)),
                    "unknown_field",
                    format!("there is no field {name:?} here"),
                )
            })
            .collect(),
        ValidationErrorKind::Required { property } => {
            vec![Violation::new(
                at,
                "missing_field",
                format!("the field {property} is missing"),
            )]
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            if let Some(choices) = choices(context, &at) {
                let message = format!(
                    "{} is none of {}{}",
                    error.instance(),
                    choices.join(", "),
                    super::nearest::suggestion(error.instance(), &choices)
                );
                return vec![Violation::new(at, "invalid_value", message)];
            }
            // the branch for `null` says nothing of use: take the one that came furthest
            let meant = context.iter().max_by_key(|branch| {
                branch
                    .iter()
                    .map(|e| e.instance_path().as_str().len())
                    .max()
            });
            meant
                .map(|branch| branch.iter().flat_map(explain).collect())
                .unwrap_or_default()
        }
        _ => vec![Violation::new(at, "invalid_value", error.to_string())],
    }
}

/// What could have been given at a place, if every branch is about single values: those of an enumeration, or null.
fn choices(branches: &[Vec<ValidationError<'_>>], at: &str) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for error in branches.iter().flatten() {
        if error.instance_path().as_str() != at {
            return None;
        }
        match error.kind() {
            ValidationErrorKind::Constant { expected_value } => {
                all.push(expected_value.to_string())
            }
            ValidationErrorKind::Enum { options } => {
                all.extend(options.as_array()?.iter().map(Value::to_string));
            }
            ValidationErrorKind::OneOfNotValid { context } => all.extend(choices(context, at)?),
            ValidationErrorKind::Type { .. } if !all.is_empty() => {}
            _ => return None,
        }
    }
    (!all.is_empty()).then_some(all)
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn serde_pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { variant } => format!("/{}", escape(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// What the schema cannot say.
fn meaning(spec: &JobSpec, environment: &Environment) -> Vec<Violation> {
    let mut found = Vec::new();
    if spec.mode == Mode::Stream {
        found.push(Violation::new(
            "/mode",
            "not_offered",
            "streams are not offered yet; use \"batch\"",
        ));
    }
    for (field, patterns) in [
        ("include", &spec.source.include),
        ("exclude", &spec.source.exclude),
        ("members", &spec.source.members),
    ] {
        for (i, pattern) in patterns.iter().enumerate() {
            if let Err(e) = globset::Glob::new(pattern) {
                found.push(Violation::new(
                    format!("/source/{field}/{i}"),
                    "invalid_pattern",
                    e.to_string(),
                ));
            }
        }
    }
    format::check(&spec.format, &mut found);
    spec.start.check(&mut found);
    if !literal_parts(&spec.destination.index).all(is_index_char) {
        let message =
            "besides field references, an index name holds a-z, 0-9, '.', '_' and '-' only";
        found.push(Violation::new("/destination/index", "index_name", message));
    }
    found.extend(retention(&spec.destination));
    found.extend(program(spec, environment));
    found.extend(super::cases::violations(&spec.tests));
    if spec
        .error_budget
        .max_percent
        .is_some_and(|p| !(0.0..=100.0).contains(&p))
    {
        found.push(Violation::new(
            "/error_budget/max_percent",
            "invalid_value",
            "a percentage is 0 to 100",
        ));
    }
    found
}

/// The characters of a template outside its `%{…}` references.
fn literal_parts(template: &str) -> impl Iterator<Item = char> {
    template.split("%{").enumerate().flat_map(|(i, part)| {
        let literal = if i == 0 {
            part
        } else {
            part.split_once('}').map_or("", |(_, rest)| rest)
        };
        literal.chars()
    })
}

fn is_index_char(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-')
}

/// What only compiling finds: expressions, patterns, date formats, the schema, the names of index and id fields.
fn program(spec: &JobSpec, environment: &Environment) -> Vec<Violation> {
    let compiled = spec
        .program()
        .and_then(|program| Compiled::compile(&program, environment));
    // platform statements have no place in the spec of their own: theirs is the section that they come from
    let place = |mut violation: Violation| {
        for (from, to) in [
            ("/index", "/destination/index"),
            ("/id", "/destination/id_fields"),
        ] {
            if let Some(rest) = violation.pointer.strip_prefix(from) {
                violation.pointer = format!("{to}{rest}");
                break;
            }
        }
        violation
    };
    compiled
        .err()
        .unwrap_or_default()
        .into_iter()
        // the steps were looked at by their own parser
        .filter(|violation| !violation.pointer.starts_with("/wrangling"))
        .map(place)
        .collect()
}

/// An index that holds documents of all times would be removed with the newest of them.
fn retention(destination: &Destination) -> Option<Violation> {
    let kept = destination.retention?;
    let violation =
        |code, message: &str| Some(Violation::new("/destination/retention", code, message));
    if kept.ms < SHORTEST_RETENTION.ms {
        return violation(
            "too_short",
            "documents are kept for a day at least: write `1day` or more",
        );
    }
    if !(destination.index.contains("%{+") || destination.index.contains("%{{")) {
        return violation(
            "index_without_date",
            "indices are removed as a whole: put a date into `destination.index`, for example `flights-%{+yyyy.MM}`",
        );
    }
    None
}
