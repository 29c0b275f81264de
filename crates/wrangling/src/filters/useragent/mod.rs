//! `useragent`: name, version, operating system and device of a user agent.

mod agent;

use self::agent::Agent;
use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::environment::EcsCompatibility;
use crate::exec::{Event, FieldPath};
use crate::options::Options;
use crate::value::Value;

/// A compiled useragent filter.
#[derive(Debug)]
pub(crate) struct Useragent {
    source: FieldPath,
    /// Whether what is found takes the place of the source.
    replaces_source: bool,
    name: FieldPath,
    device: FieldPath,
    /// The whole version, then major, minor and patch.
    version: [FieldPath; 4],
    os_name: FieldPath,
    os_full: FieldPath,
    /// The name again, as it was before the schema.
    os: Option<FieldPath>,
    os_version: [FieldPath; 4],
}

impl Useragent {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        if options.get("regexes").is_some() {
            let message = "patterns of your own are not offered; those of uap-core 0.12.0 are used";
            let at = options.at("regexes");
            compiler.violation(at, "unsupported_option", message.to_owned());
            return None;
        }
        let Some(source) = options.text("source") else {
            let message = "useragent needs `source`: the field with the user agent".to_owned();
            compiler.violation(options.at("source"), "missing_option", message);
            return None;
        };
        let target = options.text("target");
        let source_path = compiler.field(source, &options.at("source"))?;
        let ecs = options.ecs(compiler.environment) == EcsCompatibility::V8;
        let below = match (target, ecs) {
            (None, true) => "[user_agent]".to_owned(),
            (None | Some(""), _) => String::new(),
            (Some(target), _) => format!("[{target}]"),
        };
        let prefix = options.text("prefix").unwrap_or_default();
        let at = options.at("target");
        // the schema has no place for the parts of versions
        let mut field = |schema: &str, plain: &str| {
            let name = match (ecs, schema.starts_with("[@metadata]")) {
                (true, true) => schema.to_owned(),
                (true, false) => format!("{below}{schema}"),
                (false, _) => format!("{below}[{prefix}{plain}]"),
            };
            compiler.field(&name, &at)
        };
        Some(Self {
            source: source_path,
            replaces_source: target == Some(source),
            name: field("[name]", "name")?,
            device: field("[device][name]", "device")?,
            version: [
                field("[version]", "version")?,
                field("[@metadata][filter][user_agent][version][major]", "major")?,
                field("[@metadata][filter][user_agent][version][minor]", "minor")?,
                field("[@metadata][filter][user_agent][version][patch]", "patch")?,
            ],
            os_name: field("[os][name]", "os_name")?,
            os_full: field("[os][full]", "os_full")?,
            os: match ecs {
                true => None,
                false => Some(field("", "os")?),
            },
            os_version: [
                field("[os][version]", "os_version")?,
                field(
                    "[@metadata][filter][user_agent][os][version][major]",
                    "os_major",
                )?,
                field(
                    "[@metadata][filter][user_agent][os][version][minor]",
                    "os_minor",
                )?,
                field(
                    "[@metadata][filter][user_agent][os][version][patch]",
                    "os_patch",
                )?,
            ],
        })
    }

    pub(super) fn apply<'a>(&self, event: &mut Event<'a>) -> Applied<'a> {
        let first = match event.get(&self.source) {
            Value::Array(items) => items.first().copied().unwrap_or_default(),
            value => value,
        };
        let Value::Str(text) = first else {
            return Applied::Skipped;
        };
        if text.is_empty() {
            return Applied::Skipped;
        }
        let result = match Agent::of(text) {
            Ok(agent) => self.set(&agent, text, event),
            Err(message) => Err(FilterError::value(
                self.source.field.to_string(),
                message.to_owned(),
            )),
        };
        Applied::from_result(result.map(|()| Applied::Matched), event)
    }

    fn set(&self, agent: &Agent, text: &str, event: &mut Event<'_>) -> Result<(), FilterError> {
        if self.replaces_source {
            event.remove(&self.source);
        }
        let os_version = agent.full_os_version();
        let os_full = match &os_version {
            Some(version) => format!("{} {version}", agent.os),
            None => agent.os.clone(),
        };
        set_text(&self.name, Some(&agent.name), event)?;
        set_text(&self.device, Some(&agent.device), event)?;
        let version = agent.full_version(text);
        for (paths, version, full) in [
            (&self.version, &agent.version, version),
            (&self.os_version, &agent.os_version, os_version),
        ] {
            let parts = [&full, &version.major, &version.minor, &version.patch];
            for (path, part) in paths.iter().zip(parts) {
                set_text(path, part.as_deref(), event)?;
            }
        }
        set_text(&self.os_name, Some(&agent.os), event)?;
        set_text(&self.os_full, Some(&os_full), event)?;
        if let Some(os) = &self.os {
            set_text(os, Some(&agent.os), event)?;
        }
        Ok(())
    }
}

fn set_text(
    path: &FieldPath,
    text: Option<&str>,
    event: &mut Event<'_>,
) -> Result<(), FilterError> {
    let Some(text) = text else {
        return Ok(());
    };
    let text = event.bump.alloc_str(text);
    Ok(event.set(path, Value::Str(text))?)
}
