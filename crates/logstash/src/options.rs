//! Typed reading of a plugin's options.

use wrangling::ast::{Literal, Plugin};
use wrangling::violation::pointer;
use wrangling::{EcsCompatibility, Violation};

/// A plugin's options; every read tells what is wrong with the value and where.
#[derive(Debug, Clone, Copy)]
pub struct Options<'p> {
    plugin: &'p Plugin,
}

impl<'p> Options<'p> {
    /// The options of a plugin that knows those in `known` and no other.
    ///
    /// # Errors
    /// For the first option that the plugin does not know.
    pub fn new(plugin: &'p Plugin, known: &[&[&str]]) -> Result<Self, Violation> {
        let options = Self { plugin };
        let is_known = |name: &str| known.iter().any(|names| names.contains(&name));
        match plugin.options.iter().find(|(name, _)| !is_known(name)) {
            None => Ok(options),
            Some((name, _)) => {
                let allowed = known.concat().join(", ");
                let message = format!(
                    "`{}` has no option `{name}`; allowed: {allowed}",
                    plugin.name
                );
                Err(options.wrong(name, "unknown_option", message))
            }
        }
    }

    /// A violation of an option.
    pub fn wrong(&self, name: &str, code: &str, message: impl Into<String>) -> Violation {
        let plugin = pointer(&self.plugin.at.0, &self.plugin.name);
        Violation::new(pointer(&plugin, name), code, message)
    }

    /// The value as it was written.
    pub fn get(&self, name: &str) -> Option<&'p Literal> {
        let mut options = self.plugin.options.iter();
        options
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// Whether the option is given.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn expected(&self, name: &str, expected: &str, found: &Literal) -> Violation {
        let message = format!("expected {expected}, found {}", found.kind());
        self.wrong(name, "wrong_type", message)
    }

    /// A text, if the option is given.
    pub fn text(&self, name: &str) -> Result<Option<&'p str>, Violation> {
        match self.get(name) {
            None => Ok(None),
            Some(Literal::Array(items)) if items.len() == 1 => {
                Ok(items.first().and_then(Literal::text))
            }
            Some(value) => match value.text() {
                Some(text) => Ok(Some(text)),
                None => Err(self.expected(name, "a text", value)),
            },
        }
    }

    /// A text that must be given.
    pub fn required(&self, name: &str) -> Result<&'p str, Violation> {
        self.text(name)?.ok_or_else(|| {
            let message = format!("`{}` needs `{name}`", self.plugin.name);
            self.wrong(name, "missing_option", message)
        })
    }

    /// One of some texts; the first is the default.
    pub fn one_of(&self, name: &str, allowed: &[&'static str]) -> Result<&'static str, Violation> {
        let Some(text) = self.text(name)? else {
            return Ok(allowed.first().copied().unwrap_or_default());
        };
        let found = allowed.iter().find(|known| **known == text);
        found.copied().ok_or_else(|| {
            let message = format!("`{text}` is not allowed; allowed: {}", allowed.join(", "));
            self.wrong(name, "invalid_value", message)
        })
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, Violation> {
        match self.text(name)? {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => {
                let message = format!("expected `true` or `false`, found `{other}`");
                Err(self.wrong(name, "wrong_type", message))
            }
        }
    }

    /// A number that is not negative.
    pub fn number(&self, name: &str) -> Result<Option<f64>, Violation> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
            _ => {
                let message = format!("expected a number from 0 on, found `{text}`");
                Err(self.wrong(name, "wrong_type", message))
            }
        }
    }

    /// A whole number.
    pub fn count(&self, name: &str, default: usize) -> Result<usize, Violation> {
        // saturating: more than fits is as good as unlimited
        Ok(self.number(name)?.map_or(default, |number| number as usize))
    }

    /// A number of bytes: a number, or one with a unit (`10 MiB`, `1 kB`).
    pub fn bytes(&self, name: &str, default: usize) -> Result<usize, Violation> {
        let Some(text) = self.text(name)? else {
            return Ok(default);
        };
        let split = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let unit = unit.trim().to_ascii_lowercase();
        let (base, unit) = match unit.strip_suffix("ib") {
            Some(prefix) => (1024_f64, prefix),
            None => (1000.0, unit.strip_suffix('b').unwrap_or(&unit)),
        };
        let power = ["", "k", "m", "g", "t"]
            .iter()
            .position(|known| *known == unit);
        match (digits.parse::<f64>(), power) {
            (Ok(number), Some(power)) => {
                let factor = (0..power).fold(1.0, |factor, _| factor * base);
                Ok((number * factor) as usize)
            }
            _ => {
                let message = format!("expected a number of bytes like `10 MiB`, found `{text}`");
                Err(self.wrong(name, "wrong_type", message))
            }
        }
    }

    /// A list of texts; a lone text is a list of one.
    pub fn list(&self, name: &str) -> Result<Vec<&'p str>, Violation> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Literal::Array(items)) => items
                .iter()
                .map(|item| {
                    item.text()
                        .ok_or_else(|| self.expected(name, "a list of texts", item))
                })
                .collect(),
            Some(value) => match value.text() {
                Some(text) => Ok(vec![text]),
                None => Err(self.expected(name, "a text or a list of texts", value)),
            },
        }
    }

    /// The pairs of an object of texts.
    pub fn pairs(&self, name: &str) -> Result<Vec<(&'p str, &'p str)>, Violation> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Literal::Hash(members)) => members
                .iter()
                .map(|(key, value)| match value.text() {
                    Some(text) => Ok((key.as_str(), text)),
                    None => Err(self.expected(name, "an object of texts", value)),
                })
                .collect(),
            Some(other) => Err(self.expected(name, "an object", other)),
        }
    }

    /// The codec: `json` or `json { … }`.
    pub fn codec(&self, default: &str) -> Result<Plugin, Violation> {
        let named = |name: &str| Plugin {
            name: name.to_owned(),
            options: Vec::new(),
            at: self.plugin.at.clone(),
        };
        match self.get("codec") {
            None => Ok(named(default)),
            Some(Literal::Plugin(plugin)) => Ok(plugin.clone()),
            Some(other) => match other.text() {
                Some(text) => Ok(named(text)),
                None => Err(self.expected("codec", "a codec", other)),
            },
        }
    }

    /// The field names to use: the plugin's own choice, or else the pipeline's.
    pub fn ecs(&self, pipeline: EcsCompatibility) -> Result<EcsCompatibility, Violation> {
        if !self.has("ecs_compatibility") {
            return Ok(pipeline);
        }
        Ok(
            match self.one_of("ecs_compatibility", &["v8", "v1", "disabled"])? {
                "disabled" => EcsCompatibility::Disabled,
                _ => EcsCompatibility::V8,
            },
        )
    }
}
