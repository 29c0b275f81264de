//! The filters: each compiles its options and applies itself to an event.

mod bytes;
mod cidr;
mod clone;
mod common;
mod csv;
mod csv_convert;
mod date;
mod de_dot;
mod dissect;
mod drop;
mod expression;
mod fingerprint;
mod geoip;
mod grok;
mod json;
mod kv;
mod mutate;
mod prune;
mod script;
mod split;
mod syslog_pri;
mod throttle;
mod translate;
mod truncate;
mod urldecode;
mod useragent;
mod uuid;
mod xml;

pub(crate) use common::Common;
pub(crate) use csv::Splitter;
pub(crate) use csv_convert::Conversion;
pub(crate) use geoip::Databases as GeoDatabases;
pub(crate) use grok::LinePattern;
pub(crate) use json::{INVALID_TIMESTAMP_TAG, set_timestamp};

use crate::compile::Compiler;
use crate::exec::{Context, Event, SetError};
use crate::field_ref::{FieldRef, InvalidFieldRef};
use crate::options::Options;
use crate::regexes::GaveUp;

/// A compiled filter.
#[derive(Debug)]
pub(crate) enum FilterKind {
    Csv(csv::Csv),
    Date(date::Date),
    Dissect(dissect::Dissect),
    Drop(drop::Drop),
    Fingerprint(fingerprint::Fingerprint),
    Grok(grok::Grok),
    Json(json::Json),
    Mutate(mutate::Mutate),
    Bytes(bytes::Bytes),
    Cidr(cidr::Cidr),
    DeDot(de_dot::DeDot),
    Geoip(geoip::Geoip),
    Kv(Box<kv::Kv>),
    Prune(prune::Prune),
    Script(Box<script::Script>),
    SyslogPri(syslog_pri::SyslogPri),
    Throttle(throttle::Throttle),
    Translate(translate::Translate),
    Truncate(truncate::Truncate),
    Urldecode(urldecode::Urldecode),
    Useragent(Box<useragent::Useragent>),
    Uuid(uuid::Uuid),
    Xml(xml::Xml),
}

/// A compiled filter that makes any number of events of one.
#[derive(Debug)]
pub(crate) struct Multiplier {
    kind: MultiplierKind,
    /// Its name for rejects.
    step: Box<str>,
    common: Common,
}

#[derive(Debug)]
enum MultiplierKind {
    Clone(clone::Clone),
    Split(split::Split),
}

impl Multiplier {
    /// Whether `name` is such a filter.
    pub(crate) fn is(name: &str) -> bool {
        matches!(name, "clone" | "split")
    }

    /// Compiles it; `None` if violations were found.
    pub(crate) fn compile(
        name: &str,
        step: Box<str>,
        options: Options<'_>,
        compiler: &mut Compiler<'_>,
    ) -> Option<Self> {
        let kind = match name {
            "clone" => MultiplierKind::Clone(clone::Clone::compile(options, compiler)?),
            _ => MultiplierKind::Split(split::Split::compile(options, compiler)?),
        };
        Some(Self {
            kind,
            step,
            common: Common::compile(options, compiler),
        })
    }

    /// The events that go on.
    pub(crate) fn run<'a>(&'a self, event: Event<'a>) -> Vec<Event<'a>> {
        match &self.kind {
            MultiplierKind::Clone(filter) => filter.run(event, &self.common, &self.step),
            MultiplierKind::Split(filter) => filter.run(event, &self.common, &self.step),
        }
    }
}

/// What a filter did.
#[derive(Debug)]
pub(crate) enum Applied<'a> {
    /// It did its work; the common options follow.
    Matched,
    /// It had nothing to do.
    Skipped,
    /// The event is dropped.
    Dropped,
    /// It failed and has tagged the event itself.
    Tagged { message: &'a str },
    /// It failed; the failure tags follow.
    Failed {
        /// The field concerned, or empty.
        field: &'a str,
        message: &'a str,
    },
}

/// Something that goes wrong while a filter works on an event. Rare, so it is kept small where nothing goes wrong.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct FilterError(Box<Problem>);

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Set(Box<SetError>),
    #[error(transparent)]
    Name(InvalidFieldRef),
    #[error(transparent)]
    GaveUp(GaveUp),
    #[error("{message}")]
    Value { field: String, message: String },
}

impl FilterError {
    /// Whether a search took too many steps.
    fn is_timeout(&self) -> bool {
        matches!(*self.0, Problem::GaveUp(_))
    }

    /// A value that the filter cannot work with.
    #[cold]
    fn value(field: String, message: String) -> Self {
        Self(Box::new(Problem::Value { field, message }))
    }
}

impl From<Box<SetError>> for FilterError {
    #[cold]
    fn from(error: Box<SetError>) -> Self {
        Self(Box::new(Problem::Set(error)))
    }
}

impl From<GaveUp> for FilterError {
    #[cold]
    fn from(error: GaveUp) -> Self {
        Self(Box::new(Problem::GaveUp(error)))
    }
}

impl From<InvalidFieldRef> for FilterError {
    #[cold]
    fn from(error: InvalidFieldRef) -> Self {
        Self(Box::new(Problem::Name(error)))
    }
}

impl<'a> Applied<'a> {
    /// The failure that an error means.
    #[cold]
    fn failed(error: &FilterError, event: &Event<'a>) -> Self {
        let field = match &*error.0 {
            Problem::Value { field, .. } => event.bump.alloc_str(field),
            _ => "",
        };
        Self::Failed {
            field,
            message: event.bump.alloc_str(&error.to_string()),
        }
    }

    fn from_result(result: Result<Applied<'a>, FilterError>, event: &Event<'a>) -> Self {
        result.unwrap_or_else(|error| Self::failed(&error, event))
    }
}

/// Compiles a filter; returns it with the tags of its failures. `None` if violations were found.
pub(crate) fn compile(
    name: &str,
    options: Options<'_>,
    compiler: &mut Compiler<'_>,
) -> Option<(FilterKind, Vec<Box<str>>)> {
    let tags = |default: &str| match options.list("tag_on_failure") {
        Some(tags) => tags.into_iter().map(Into::into).collect(),
        None => vec![default.into()],
    };
    Some(match name {
        "csv" => (
            FilterKind::Csv(csv::Csv::compile(options, compiler)?),
            vec!["_csvparsefailure".into()],
        ),
        "date" => (
            FilterKind::Date(date::Date::compile(options, compiler)?),
            tags("_dateparsefailure"),
        ),
        "dissect" => (
            FilterKind::Dissect(dissect::Dissect::compile(options, compiler)?),
            tags("_dissectfailure"),
        ),
        "drop" => (FilterKind::Drop(drop::Drop::compile(options)), Vec::new()),
        "fingerprint" => (
            FilterKind::Fingerprint(fingerprint::Fingerprint::compile(options, compiler)?),
            vec![fingerprint::FAILURE_TAG.into()],
        ),
        "grok" => (
            FilterKind::Grok(grok::Grok::compile(options, compiler)?),
            tags("_grokparsefailure"),
        ),
        "json" => (
            FilterKind::Json(json::Json::compile(options, compiler)?),
            tags("_jsonparsefailure"),
        ),
        "mutate" => (
            FilterKind::Mutate(mutate::Mutate::compile(options, compiler)),
            tags("_mutate_error"),
        ),
        "bytes" => (
            FilterKind::Bytes(bytes::Bytes::compile(options, compiler)?),
            tags("_bytesparsefailure"),
        ),
        "cidr" => (
            FilterKind::Cidr(cidr::Cidr::compile(options, compiler)?),
            Vec::new(),
        ),
        "de_dot" => (
            FilterKind::DeDot(de_dot::DeDot::compile(options, compiler)?),
            Vec::new(),
        ),
        "geoip" => (
            FilterKind::Geoip(geoip::Geoip::compile(options, compiler)?),
            tags("_geoip_lookup_failure"),
        ),
        "kv" => (
            FilterKind::Kv(Box::new(kv::Kv::compile(options, compiler)?)),
            tags("_kv_filter_error"),
        ),
        "prune" => (
            FilterKind::Prune(prune::Prune::compile(options, compiler)?),
            Vec::new(),
        ),
        "script" => (
            FilterKind::Script(Box::new(script::Script::compile(options, compiler)?)),
            tags("_scriptfailure"),
        ),
        "syslog_pri" => (
            FilterKind::SyslogPri(syslog_pri::SyslogPri::compile(options, compiler)?),
            tags("_syslog_pri_failure"),
        ),
        "throttle" => (
            FilterKind::Throttle(throttle::Throttle::compile(options, compiler)?),
            Vec::new(),
        ),
        "translate" => (
            FilterKind::Translate(translate::Translate::compile(options, compiler)?),
            Vec::new(),
        ),
        "truncate" => (
            FilterKind::Truncate(truncate::Truncate::compile(options, compiler)?),
            Vec::new(),
        ),
        "useragent" => (
            FilterKind::Useragent(Box::new(useragent::Useragent::compile(options, compiler)?)),
            Vec::new(),
        ),
        "uuid" => (
            FilterKind::Uuid(uuid::Uuid::compile(options, compiler)?),
            Vec::new(),
        ),
        "urldecode" => (
            FilterKind::Urldecode(urldecode::Urldecode::compile(options, compiler)?),
            tags("_urldecodefailure"),
        ),
        "xml" => (
            FilterKind::Xml(xml::Xml::compile(options, compiler)?),
            vec![xml::FAILURE_TAG.into()],
        ),
        _ => return None,
    })
}

impl FilterKind {
    #[inline]
    pub(crate) fn apply<'a>(&'a self, event: &mut Event<'a>, context: Context<'_>) -> Applied<'a> {
        match self {
            Self::Csv(csv) => csv.apply(event),
            Self::Date(date) => date.apply(event, context),
            Self::Dissect(dissect) => dissect.apply(event),
            Self::Drop(drop) => drop.apply(event, context),
            Self::Fingerprint(filter) => filter.apply(event, context),
            Self::Grok(grok) => grok.apply(event),
            Self::Json(json) => json.apply(event, context),
            Self::Mutate(mutate) => mutate.apply(event),
            Self::Bytes(filter) => filter.apply(event),
            Self::Cidr(filter) => filter.apply(event),
            Self::DeDot(filter) => filter.apply(event),
            Self::Geoip(filter) => filter.apply(event),
            Self::Kv(filter) => filter.apply(event),
            Self::Script(script) => script.apply(event),
            Self::SyslogPri(filter) => filter.apply(event),
            Self::Throttle(filter) => filter.apply(event),
            Self::Translate(filter) => filter.apply(event),
            Self::Truncate(filter) => filter.apply(event),
            Self::Useragent(filter) => filter.apply(event),
            Self::Uuid(uuid) => uuid.apply(event, context),
            Self::Urldecode(filter) => filter.apply(event),
            Self::Xml(filter) => filter.apply(event),
            Self::Prune(prune) => prune.apply(event),
        }
    }
}

/// `field` inside of `target`.
fn below(target: Option<&FieldRef>, field: FieldRef) -> FieldRef {
    target.map_or(field.clone(), |target| target.join(&field))
}
