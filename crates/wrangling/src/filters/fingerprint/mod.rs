//! `fingerprint`: a hash of fields, such as a document's id that stays the same when a record is read again.

mod method;
mod murmur3;

use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use regex::Regex;

use self::method::{Encoding, Hash, Method};
use super::{Applied, FilterError};
use crate::ast::Literal;
use crate::compile::Compiler;
use crate::environment::EcsCompatibility;
use crate::exec::{Context, Event, FieldPath};
use crate::inspect::sorted_text;
use crate::layout::METADATA;
use crate::options::Options;
use crate::value::Value;

/// Tag of a value that has no fingerprint, such as a text that is no address.
pub(super) const FAILURE_TAG: &str = "_fingerprintfailure";

/// A compiled fingerprint filter.
#[derive(Debug)]
pub(crate) struct Fingerprint {
    work: Work,
    target: FieldPath,
}

/// A source with its name as written.
type Source = (Box<str>, FieldPath);

/// What is made of which fields.
#[derive(Debug)]
enum Work {
    /// A fingerprint of each field; the last one stays.
    Each(Method, Vec<Source>),
    /// One of names and values of these fields, sorted by name.
    Together(Method, Vec<Source>),
    /// One of names and values of all fields.
    All(Method),
    /// Only what matches nothing here stays of each text: punctuation and symbols.
    Punctuation(Regex, Vec<Source>),
    Uuid,
}

impl Fingerprint {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let default = match options.ecs(compiler.environment) {
            EcsCompatibility::V8 => "[event][hash]",
            EcsCompatibility::Disabled => "fingerprint",
        };
        let target = options.text("target").unwrap_or(default);
        Some(Self {
            target: compiler.field(target, &options.at("target"))?,
            work: Work::compile(options, compiler)?,
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>, context: Context<'_>) -> Applied<'a> {
        let result = self.try_apply(event, context);
        Applied::from_result(result.map(|()| Applied::Matched), event)
    }

    fn try_apply<'a>(
        &'a self,
        event: &mut Event<'a>,
        context: Context<'_>,
    ) -> Result<(), FilterError> {
        match &self.work {
            Work::Uuid => {
                let id = event.bump.alloc_str(&super::uuid::of_place(
                    context,
                    event.lineage,
                    &self.target.field,
                ));
                event.set(&self.target, Value::Str(id))?;
            }
            Work::All(method) => {
                let text = joined(&all_fields(event), event);
                self.set(method, Value::Str(text), event)?;
            }
            Work::Together(method, sources) => {
                let fields: Vec<_> = sources
                    .iter()
                    .map(|(name, path)| (&**name, event.get(path)))
                    .collect();
                let text = joined(&fields, event);
                self.set(method, Value::Str(text), event)?;
            }
            Work::Each(method, sources) => {
                for (_, path) in sources {
                    match event.get(path) {
                        Value::Absent => {}
                        value => self.set(method, value, event)?,
                    }
                }
            }
            Work::Punctuation(other, sources) => {
                for (_, path) in sources {
                    let value = match event.get(path) {
                        Value::Absent => continue,
                        Value::Str(text) => event.bump.alloc_str(&other.replace_all(text, "")),
                        _ => return Err(self.error("only a text has punctuation".to_owned())),
                    };
                    event.set(&self.target, Value::Str(value))?;
                }
            }
        }
        Ok(())
    }

    /// Sets the target to the fingerprint of a value, or of each item of a list.
    fn set<'a>(
        &self,
        method: &Method,
        value: Value<'a>,
        event: &mut Event<'a>,
    ) -> Result<(), FilterError> {
        let of = |value| {
            method
                .of(value, event.bump)
                .map_err(|message| self.error(message))
        };
        let fingerprint = match value {
            Value::Array(items) => {
                let mut all = BumpVec::with_capacity_in(items.len(), event.bump);
                for item in items {
                    all.push(of(*item)?);
                }
                Value::Array(all.into_bump_slice())
            }
            value => of(value)?,
        };
        Ok(event.set(&self.target, fingerprint)?)
    }

    fn error(&self, message: String) -> FilterError {
        FilterError::value(self.target.field.to_string(), message)
    }
}

impl Work {
    fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let mut sources = Vec::new();
        for name in options.list("source").unwrap_or_else(|| vec!["message"]) {
            let path = compiler.field(name, &options.at("source"))?;
            sources.push((name.into(), path));
        }
        let method = match options.text("method").unwrap_or("SHA1") {
            "UUID" => return Some(Self::Uuid),
            "PUNCTUATION" => {
                sources.sort_by(|(left, _): &Source, (right, _)| left.cmp(right));
                let other = Regex::new(r"[^\p{P}\p{S}]").ok()?;
                return Some(Self::Punctuation(other, sources));
            }
            name => method(name, options, compiler)?,
        };
        if options.flag("concatenate_all_fields", false) {
            return Some(Self::All(method));
        }
        if options.flag("concatenate_sources", false) {
            sources.sort_by(|(left, _), (right, _)| left.cmp(right));
            return Some(Self::Together(method, sources));
        }
        Some(Self::Each(method, sources))
    }
}

fn method(name: &str, options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Method> {
    // a key is a secret for Logstash, and a secret is a text
    if let Some(Literal::Number(number)) = options.get("key") {
        let message = format!("a key is a text; write `\"{}\"`", number.text());
        compiler.violation(options.at("key"), "wrong_type", message);
        return None;
    }
    let key = options.text("key");
    let encoding = match options.flag("base64encode", false) {
        true => Encoding::Base64,
        false => Encoding::Hex,
    };
    let hash = match name {
        "MD5" => Hash::Md5,
        "SHA1" => Hash::Sha1,
        "SHA256" => Hash::Sha256,
        "SHA384" => Hash::Sha384,
        "SHA512" => Hash::Sha512,
        "MURMUR3" => return Some(Method::Murmur3),
        "MURMUR3_128" => return Some(Method::Murmur3Wide(encoding)),
        "IPV4_NETWORK" => {
            let Some(key) = key else {
                let message = "IPV4_NETWORK needs `key`: the length of the prefix".to_owned();
                compiler.violation(options.at("key"), "missing_option", message);
                return None;
            };
            return Some(Method::Network(prefix_length(key)));
        }
        // refused before
        _ => return None,
    };
    let key = key.map(Into::into);
    Some(Method::Digest {
        hash,
        key,
        encoding,
    })
}

/// The digits that a key begins with; no digits are a prefix of 0.
fn prefix_length(key: &str) -> u32 {
    let digits = key.trim_start();
    let end = digits.find(|c: char| !c.is_ascii_digit());
    let digits = digits.get(..end.unwrap_or(digits.len())).unwrap_or("");
    match digits {
        "" => 0,
        digits => digits.parse().unwrap_or(u32::MAX),
    }
}

/// `|name|value|name|value|`
fn joined<'a>(fields: &[(&str, Value<'a>)], event: &Event<'a>) -> &'a str {
    let mut text = BumpString::new_in(event.bump);
    for (name, value) in fields {
        for part in ["|", name, "|", sorted_text(*value, event.bump)] {
            text.push_str(part);
        }
    }
    text.push('|');
    text.into_bump_str()
}

/// The top-level fields sorted by name; `@metadata` is none of them.
fn all_fields<'a>(event: &Event<'a>) -> Vec<(&'a str, Value<'a>)> {
    let slots = event.slots().iter().enumerate();
    let mut fields: Vec<_> = slots
        .filter(|(slot, value)| *slot != METADATA && !value.is_absent())
        .map(|(slot, value)| (event.layout.name(slot), *value))
        .chain(
            event
                .extra()
                .iter()
                .copied()
                .filter(|(_, value)| !value.is_absent()),
        )
        .collect();
    fields.sort_by_key(|(name, _)| *name);
    fields
}
