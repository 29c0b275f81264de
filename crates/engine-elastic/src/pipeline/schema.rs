//! The schema's checks and conversions.

use wrangling::ast::{Expr, Literal, Statement};
use wrangling::field_ref::FieldRef;
use wrangling::schema::{Field, FieldType, OnMismatch, Schema, Unknown};
use wrangling::violation::pointer;

use super::dsl::{
    both, choose, either, hash, ingest, is, list, matches, not, plugin, reject, same, tagged, text,
    when,
};
use super::{Lowering, integers};

/// Set by a date filter that found none of a field's formats.
const NO_DATE: &str = "_ingest_no_date";
/// A fraction, or a number with an exponent.
const REAL: &str = "[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?";

impl Lowering<'_> {
    pub(super) fn schema(&mut self, schema: &Schema) {
        for (name, field) in &schema.fields {
            let Ok(reference) = FieldRef::parse(name) else {
                continue;
            };
            let check = FieldCheck {
                field,
                reference: reference.to_string(),
                // what the value says as text
                shown: ingest("value"),
                sprintf: format!("%{{{reference}}}"),
            };
            match check.statements() {
                Ok(body) => self.unless_rejected(body),
                Err(reason) => self.refuse(&pointer("/schema/fields", name), reason),
            }
        }
        match schema.unknown {
            Unknown::Keep => {}
            Unknown::Drop => self.drop_unknown(schema),
            Unknown::Reject => self.refuse(
                "/schema/unknown",
                "Logstash cannot tell which fields a record has: let unknown fields be kept or dropped, or use the native engine",
            ),
        }
    }

    fn drop_unknown(&mut self, schema: &Schema) {
        let roots = schema.fields.keys().filter_map(|name| {
            let reference = FieldRef::parse(name).ok()?;
            Some(format!("^{}$", literally(reference.root())))
        });
        let known: Vec<String> = roots
            .chain(["^@timestamp$", "^tags$", "^provenance$"].map(str::to_owned))
            .collect();
        let prune = plugin("prune", vec![("whitelist_names", list(known))]);
        self.unless_rejected(vec![Statement::Plugin(prune)]);
    }
}

/// A text as an expression that matches nothing else.
fn literally(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_alphanumeric() && c != '_' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

struct FieldCheck<'s> {
    field: &'s Field,
    reference: String,
    shown: String,
    sprintf: String,
}

/// A type's check: what a value is that does not fit, and what is done with one that does.
struct Rule {
    mismatch: Expr,
    why: &'static str,
    convert: Vec<Statement>,
}

impl FieldCheck<'_> {
    fn statements(&self) -> Result<Vec<Statement>, &'static str> {
        let show = hash(vec![(&self.shown, text(&self.sprintf))]);
        let mut body = vec![mutate("replace", show)];
        let absent = is(&self.shown, &self.sprintf);
        let there = self.present()?;
        let missing = match self.field.required {
            true => vec![reject(
                "required_field",
                "schema",
                &self.reference,
                "the schema requires this field",
            )],
            false => Vec::new(),
        };
        if !missing.is_empty() || !there.is_empty() {
            body.push(choose(absent, missing, there));
        }
        Ok(body)
    }

    /// What is done with a value.
    fn present(&self) -> Result<Vec<Statement>, &'static str> {
        let Some((before, rule)) = self.rule() else {
            // the index's mapping has this type, and refuses what is none
            return match self.field.on_mismatch {
                OnMismatch::Reject | OnMismatch::Keep => Ok(Vec::new()),
                OnMismatch::Null => Err(
                    "Logstash cannot make mismatches of this type null: use on_mismatch reject or keep, or the native engine",
                ),
            };
        };
        let refused = vec![reject(
            "schema_mismatch",
            "schema",
            &self.reference,
            &format!("`{}` {}", self.sprintf, rule.why),
        )];
        let mismatch = match self.field.on_mismatch {
            OnMismatch::Reject => refused,
            OnMismatch::Null if self.field.required => refused,
            OnMismatch::Null => self.null(),
            OnMismatch::Keep => Vec::new(),
        };
        let mut body = before;
        body.push(choose(rule.mismatch, mismatch, rule.convert));
        if self.field.kind == FieldType::Date {
            let untag = plugin("mutate", vec![("remove_tag", list([NO_DATE]))]);
            body.push(when(tagged(NO_DATE), vec![Statement::Plugin(untag)]));
        }
        Ok(body)
    }

    /// Sets the field to null, for which there is no other way than to parse one.
    fn null(&self) -> Vec<Statement> {
        let null = ingest("null");
        let parse = plugin(
            "json",
            vec![("source", text(&null)), ("target", text(&self.reference))],
        );
        vec![
            mutate("replace", hash(vec![(null.as_str(), text("null"))])),
            Statement::Plugin(parse),
        ]
    }

    fn rule(&self) -> Option<(Vec<Statement>, Rule)> {
        let is_text = || same(&self.reference, &self.shown);
        let fits = |item: &str| matches(&self.shown, &format!("\\A(?:{item})\\z"));
        // what is no text may be a list, which shows with commas
        let all_fit = |item: &str| {
            let list = matches(&self.shown, &format!("\\A(?:{item})(?:,(?:{item}))*\\z"));
            either(fits(item), both(not(is_text()), list))
        };
        let convert = |kind: &str| mutate("convert", hash(vec![(&self.reference, text(kind))]));
        let rule = match self.field.kind {
            FieldType::Integer | FieldType::Long => {
                let (range, why) = match self.field.kind {
                    FieldType::Integer => (
                        integers::between("2147483648", "2147483647"),
                        "is no 32-bit integer",
                    ),
                    _ => (
                        integers::between("9223372036854775808", "9223372036854775807"),
                        "is no 64-bit integer",
                    ),
                };
                let whole = all_fit(&format!("{range}(?:\\.0+)?"));
                Rule {
                    // a text has digits only; a number may be a whole fraction, but not one with an exponent, of which no
                    // expression tells whether it is whole
                    mismatch: not(either(fits(&range), both(not(is_text()), whole))),
                    why,
                    convert: vec![convert("integer")],
                }
            }
            FieldType::Float | FieldType::Double => Rule {
                mismatch: not(all_fit(REAL)),
                why: match self.field.kind {
                    FieldType::Float => "is no 32-bit floating-point number",
                    _ => "is no 64-bit floating-point number",
                },
                // a number stays as it is
                convert: vec![when(
                    is_text(),
                    vec![self.close_fraction(), convert("float")],
                )],
            },
            FieldType::Boolean => Rule {
                mismatch: not(all_fit("true|false")),
                why: "is no boolean",
                convert: vec![convert("boolean")],
            },
            FieldType::Date => return Some(self.date()),
            FieldType::Keyword
            | FieldType::Text
            | FieldType::Ip
            | FieldType::GeoPoint
            | FieldType::Object => return None,
        };
        Some((Vec::new(), rule))
    }

    /// Ruby reads no number that ends with its point.
    fn close_fraction(&self) -> Statement {
        let closed = list([&self.reference, "\\.(?=[eE]|\\z)", ".0"]);
        mutate("gsub", closed)
    }

    fn date(&self) -> (Vec<Statement>, Rule) {
        let default = vec!["ISO8601".to_owned()];
        let formats = match self.field.formats.is_empty() {
            true => &default,
            false => &self.field.formats,
        };
        let source = [&self.shown].into_iter().chain(formats);
        let options: Vec<(&str, Literal)> = vec![
            ("match", list(source.cloned())),
            ("target", text(&self.reference)),
            ("timezone", text("UTC")),
            ("tag_on_failure", list([NO_DATE])),
        ];
        // a timestamp is no text, and shows as one of the calendar; numbers are read by the formats
        let calendar = matches(&self.shown, "\\A[0-9-]+T[0-9:.]+Z\\z");
        let is_timestamp = both(not(same(&self.reference, &self.shown)), calendar);
        let read = when(
            not(is_timestamp),
            vec![Statement::Plugin(plugin("date", options))],
        );
        let rule = Rule {
            mismatch: tagged(NO_DATE),
            why: "has none of the field's date formats",
            convert: Vec::new(),
        };
        (vec![read], rule)
    }
}

fn mutate(option: &str, value: Literal) -> Statement {
    Statement::Plugin(plugin("mutate", vec![(option, value)]))
}
