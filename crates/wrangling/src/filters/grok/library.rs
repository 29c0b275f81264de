//! The patterns that every grok filter knows, by name.
//!
//! The library of the crate `grok` is what lies below: the patterns of Logstash's own library with the field names from before
//! the Elastic Common Schema. Over it lie ours, where recorded answers of Logstash differ from those, and where
//! the schema's field names are wanted. Both follow logstash-patterns-core (see NOTICE).

use std::borrow::Cow;
use std::collections::HashMap;

use crate::environment::EcsCompatibility;

macro_rules! families {
    ($folder:literal: $($family:literal),+ $(,)?) => {
        &[$(include_str!(concat!("patterns/", $folder, "/", $family))),+]
    };
}

/// Patterns that name no fields.
const SHARED: &[&str] = families!("shared": "core", "java", "misc");
/// Patterns with the field names of the Elastic Common Schema.
const ECS: &[&str] = families!("ecs": "aws", "bacula", "bind", "exim", "firewalls", "haproxy", "httpd", "java", "junos", "misc", "nagios", "rails", "syslog", "zeek");
/// Patterns with the field names from before the schema.
const LEGACY: &[&str] = families!("legacy": "aws", "bacula", "bind", "exim", "firewalls", "haproxy", "httpd", "java", "misc", "nagios", "syslog");

/// Patterns by name: those that come with the filter, then the filter's own.
pub(super) struct Library {
    patterns: HashMap<Cow<'static, str>, Cow<'static, str>>,
    /// Names that are not known are taken for patterns that match nothing.
    accepts_unknown: bool,
}

/// Whether a definition of the library below gives fields: those have the names from before the schema.
fn names_fields(definition: &str) -> bool {
    let references = definition.split("%{").skip(1);
    let mut groups = definition.split("(?<").skip(1);
    groups.any(|group| !group.starts_with(['=', '!']))
        || references
            .filter_map(|rest| rest.split('}').next())
            .any(|reference| reference.contains(':'))
}

impl Library {
    pub(super) fn new(ecs: EcsCompatibility) -> Self {
        let named = match ecs {
            EcsCompatibility::V8 => ECS,
            EcsCompatibility::Disabled => LEGACY,
        };
        let definition = |line: &'static str| {
            let (name, definition) = line.split_once(' ')?;
            (name != "#").then_some((name.into(), definition.into()))
        };
        let below = ::grok::patterns()
            .iter()
            .filter(|(_, definition)| {
                ecs == EcsCompatibility::Disabled || !names_fields(definition)
            })
            .map(|&(name, definition)| (name.into(), definition.into()));
        let ours = SHARED.iter().chain(named).flat_map(|file| file.lines());
        Self {
            patterns: below.chain(ours.filter_map(definition)).collect(),
            accepts_unknown: false,
        }
    }

    /// Adds a pattern, or replaces the one of that name.
    pub(super) fn define(&mut self, name: &str, definition: &str) {
        self.patterns
            .insert(name.to_owned().into(), definition.to_owned().into());
    }

    /// Adds the patterns of a file: a name, white space, and the pattern on each line, unless it is a comment.
    pub(super) fn define_all(&mut self, file: &str) {
        for line in file.lines() {
            let line = line.trim_start();
            if line.starts_with('#') {
                continue;
            }
            if let Some((name, definition)) = line.split_once(char::is_whitespace) {
                self.define(name, definition.trim_start());
            }
        }
    }

    /// Takes names that are not known for patterns: their files are not read.
    pub(super) fn accept_unknown(&mut self) {
        self.accepts_unknown = true;
    }

    pub(super) fn get(&self, name: &str) -> Option<Cow<'static, str>> {
        let unknown = || self.accepts_unknown.then_some("".into());
        self.patterns.get(name).cloned().or_else(unknown)
    }
}

#[cfg(test)]
mod tests;
