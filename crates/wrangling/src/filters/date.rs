//! `date`: reads a field as a time and sets `@timestamp` or another field to it.

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::date::{DateContext, DateFormats, Language, Zone};
use crate::exec::{Context, Event, FieldPath};
use crate::options::Options;
use crate::template::Template;
use crate::value::Value;

/// A compiled date filter.
#[derive(Debug)]
pub(crate) struct Date {
    source: FieldPath,
    formats: DateFormats,
    zone: ZoneOption,
    target: FieldPath,
}

#[derive(Debug)]
enum ZoneOption {
    Constant(Zone),
    /// The zone's name depends on the event.
    Template(Template),
}

impl Date {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let at = options.at("match");
        let matching = options.list("match").unwrap_or_default();
        let [source, formats @ ..] = matching.as_slice() else {
            let message = "date needs `match`: the field, then one or more formats".to_owned();
            compiler.violation(at, "missing_option", message);
            return None;
        };
        if formats.is_empty() {
            let message = "date needs at least one format after the field, such as `ISO8601` or `yyyy-MM-dd HH:mm:ss`".to_owned();
            compiler.violation(at.clone(), "missing_option", message);
        }
        let locale = options.text("locale").unwrap_or("en");
        let language = Language::of(locale);
        if language.is_none() {
            let message = format!(
                "the names of months and days in locale `{locale}` are not known; use one such as `en` or `de`"
            );
            compiler.violation(options.at("locale"), "unsupported_locale", message);
        }
        let texts: Vec<String> = formats.iter().map(|format| (*format).to_owned()).collect();
        let formats = DateFormats::compile_in(&texts, language.unwrap_or(Language::English))
            .map_err(|error| {
                compiler.violation(at.clone(), "invalid_date_format", error.to_string())
            })
            .ok();
        let zone = zone(options, compiler);
        let source = compiler.field(source, &at);
        let target = compiler.field(
            options.text("target").unwrap_or("@timestamp"),
            &options.at("target"),
        )?;
        Some(Self {
            source: source?,
            formats: formats?,
            zone: zone?,
            target,
        })
    }

    #[inline]
    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>, context: Context<'_>) -> Applied<'a> {
        let text = match event.get(&self.source) {
            Value::Absent | Value::Null => return Applied::Skipped,
            Value::Str(text) => text,
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => return self.failure("", event),
            other => other.text(event.bump),
        };
        match self.parse(text, event, context) {
            Some(ms) => match event.set(&self.target, Value::Time(ms)) {
                Ok(()) => Applied::Matched,
                Err(error) => Applied::failed(&error.into(), event),
            },
            None => self.failure(text, event),
        }
    }

    #[inline]
    fn parse<'a>(&'a self, text: &str, event: &Event<'a>, context: Context<'_>) -> Option<i64> {
        let clock_ms = context.clock_ms;
        match &self.zone {
            ZoneOption::Constant(zone) => self.formats.parse(text, &DateContext { zone, clock_ms }),
            ZoneOption::Template(template) => {
                let Some(zone) = Zone::parse(template.render(event).ok()?) else {
                    return self.formats.parse_number(text);
                };
                self.formats.parse(
                    text,
                    &DateContext {
                        zone: &zone,
                        clock_ms,
                    },
                )
            }
        }
    }

    #[cold]
    fn failure<'a>(&self, text: &str, event: &Event<'a>) -> Applied<'a> {
        let shown: String = text.chars().take(64).collect();
        let message = format!("`{shown}` has none of the date formats");
        Applied::failed(
            &FilterError::value(self.source.field.to_string(), message),
            event,
        )
    }
}

fn zone(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<ZoneOption> {
    let Some(text) = options.text("timezone") else {
        return Some(ZoneOption::Constant(Zone::Utc));
    };
    let at = options.at("timezone");
    let template = compiler.template(text, &at)?;
    if template.constant().is_none() {
        return Some(ZoneOption::Template(template));
    }
    let zone = Zone::parse(text);
    if zone.is_none() {
        compiler.violation(
            at,
            "unknown_timezone",
            format!("`{text}` is no time zone; write an id such as `Europe/Paris` or `+02:00`"),
        );
    }
    zone.map(ZoneOption::Constant)
}
