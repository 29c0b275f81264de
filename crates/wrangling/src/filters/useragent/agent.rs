//! What a user agent says of itself, found with the patterns of uap-core.

use std::sync::LazyLock;

use ua_parser::{Extractor, Regexes};

/// The patterns, compiled when the first agent is looked at: that takes memory and a moment, so a process does it once.
static PATTERNS: LazyLock<Result<Extractor<'static>, String>> = LazyLock::new(|| {
    let yaml = include_str!("../../../data/uap-core-regexes.yaml");
    let regexes: Regexes<'static> =
        serde_yaml_ng::from_str(yaml).map_err(|error| error.to_string())?;
    Extractor::try_from(regexes).map_err(|error| error.to_string())
});

/// The name of what is not known.
const OTHER: &str = "Other";

/// What a user agent is.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) name: String,
    pub(super) version: Version,
    pub(super) os: String,
    pub(super) os_version: Version,
    pub(super) device: String,
}

/// The parts of a version.
#[derive(Debug, Default)]
pub(super) struct Version {
    pub(super) major: Option<String>,
    pub(super) minor: Option<String>,
    pub(super) patch: Option<String>,
    pub(super) build: Option<String>,
}

impl Agent {
    /// What the text of a `User-Agent` header says.
    ///
    /// # Errors
    /// If the patterns cannot be used.
    pub(super) fn of(text: &str) -> Result<Self, &'static str> {
        let patterns = PATTERNS.as_ref().map_err(String::as_str)?;
        let (agent, os, device) = patterns.extract(text);
        let known = |name: String| match name.as_str() {
            "" => OTHER.to_owned(),
            _ => name,
        };
        let agent = agent.map(|agent| agent.into_owned()).unwrap_or_default();
        let os = os.map(|os| os.into_owned()).unwrap_or_default();
        let device = device.map(|device| device.into_owned()).unwrap_or_default();
        Ok(Self {
            name: known(agent.family),
            version: Version {
                major: agent.major,
                minor: agent.minor,
                patch: agent.patch,
                build: agent.patch_minor,
            },
            os: known(os.os),
            os_version: Version {
                major: os.major,
                minor: os.minor,
                patch: os.patch,
                build: os.patch_minor,
            },
            device: known(device.device),
        })
    }

    /// The version as one text: `121.0`. A part that the patterns do not look for is taken from `text`.
    pub(super) fn full_version(&self, text: &str) -> Option<String> {
        let mut version = self.version.joined(".")?;
        if self.version.patch.is_some() && self.version.minor.is_some() {
            match &self.version.build {
                Some(_) => {}
                None => {
                    version.extend(build_after(&version, text).map(|build| format!(".{build}")))
                }
            }
        }
        Some(version)
    }

    /// The version of the operating system as one text: `10`, `Vista`, `XP 2`.
    pub(super) fn full_os_version(&self) -> Option<String> {
        let major = self.os_version.major.as_deref()?;
        self.os_version.joined(match is_plain_number(major) {
            true => ".",
            false => " ",
        })
    }
}

impl Version {
    /// The parts up to the first that is not there; `separator` stands after the first.
    fn joined(&self, separator: &str) -> Option<String> {
        let mut text = self.major.clone()?;
        let rest = [
            (&self.minor, separator),
            (&self.patch, "."),
            (&self.build, "."),
        ];
        for (part, separator) in rest {
            let Some(part) = part else { break };
            text.extend([separator, part]);
        }
        Some(text)
    }
}

/// The number after `version.` in a text, up to a space.
fn build_after<'t>(version: &str, text: &'t str) -> Option<&'t str> {
    let (_, after) = text.split_once(version)?;
    let (build, _) = after.strip_prefix('.')?.split_once(' ')?;
    is_plain_number(build).then_some(build)
}

/// Whether a text is a number as it is printed: no zeros before it.
fn is_plain_number(text: &str) -> bool {
    text.parse::<u64>()
        .is_ok_and(|number| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_complete() {
        for (text, name, version, os, device) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/89.0.4389.90 Safari/537.36",
                "Chrome",
                Some("89.0.4389.90"),
                "Linux",
                "Other",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0.3 Safari/605.1.15",
                "Safari",
                Some("14.0.3"),
                "Mac OS X 10.15.7",
                "Mac",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; SM-G960F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0.4324.152 Mobile Safari/537.36",
                "Chrome Mobile",
                Some("88.0.4324.152"),
                "Android 10",
                "Samsung SM-G960F",
            ),
            ("none", "Other", None, "Other", "Other"),
        ] {
            let agent = Agent::of(text).unwrap();
            let full_os = match agent.full_os_version() {
                Some(version) => format!("{} {version}", agent.os),
                None => agent.os.clone(),
            };
            assert_eq!(
                (agent.name.as_str(), full_os.as_str()),
                (name, os),
                "{text}"
            );
            assert_eq!(agent.full_version(text).as_deref(), version, "{text}");
            assert_eq!(agent.device, device, "{text}");
        }
    }
}
