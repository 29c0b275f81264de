//! Typed reading of a filter's options. Kinds were checked before, so that a wrong one reads as missing here.

use crate::ast::{Literal, Plugin};
use crate::environment::{EcsCompatibility, Environment};
use crate::violation::pointer;

/// A filter's options with their places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options<'f> {
    filter: &'f Plugin,
}

impl<'f> Options<'f> {
    pub(crate) fn new(filter: &'f Plugin) -> Self {
        Self { filter }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'f Literal> {
        self.filter
            .options
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// JSON pointer of an option.
    pub(crate) fn at(&self, name: &str) -> String {
        pointer(&pointer(&self.filter.at.0, &self.filter.name), name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'f str> {
        self.get(name).and_then(Literal::text)
    }

    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.text(name).map_or(default, |text| text == "true")
    }

    /// The field names to use: the filter's own `ecs_compatibility`, or else the run's.
    pub(crate) fn ecs(&self, environment: &Environment) -> EcsCompatibility {
        match self.text("ecs_compatibility") {
            Some("disabled") => EcsCompatibility::Disabled,
            Some(_) => EcsCompatibility::V8,
            None => environment.ecs_compatibility,
        }
    }

    /// A list of texts; a lone text is a list of one. `None` if the option is not given.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&'f str>> {
        self.get(name).map(texts)
    }

    /// The pairs of a hash in the order in which Logstash carries them out: that of a Java hash map, not the order written.
    pub(crate) fn pairs(&self, name: &str) -> Vec<(&'f str, Vec<&'f str>)> {
        let pairs = match self.get(name) {
            Some(Literal::Hash(members)) => members
                .iter()
                .map(|(key, value)| (key.as_str(), texts(value)))
                .collect(),
            Some(Literal::Array(items)) => {
                let (pairs, _) = items.as_chunks::<2>();
                pairs
                    .iter()
                    .filter_map(|[key, value]| Some((key.text()?, texts(value))))
                    .collect()
            }
            _ => Vec::new(),
        };
        java_hash_order(pairs)
    }

    /// As [`Self::pairs`], for hashes of single texts.
    pub(crate) fn text_pairs(&self, name: &str) -> Vec<(&'f str, &'f str)> {
        let first = |values: Vec<&'f str>| values.first().copied();
        self.pairs(name)
            .into_iter()
            .filter_map(|(key, values)| Some((key, first(values)?)))
            .collect()
    }
}

fn texts(value: &Literal) -> Vec<&str> {
    match value {
        Literal::Array(items) => items.iter().filter_map(Literal::text).collect(),
        scalar => scalar.text().into_iter().collect(),
    }
}

/// Sorts pairs as `java.util.HashMap` iterates over them: by bucket, within a bucket as inserted.
pub(crate) fn java_hash_order<V>(mut pairs: Vec<(&str, V)>) -> Vec<(&str, V)> {
    let mut buckets = 16_u32;
    while pairs.len() as u64 * 4 > u64::from(buckets) * 3 {
        buckets *= 2;
    }
    pairs.sort_by_key(|(key, _)| {
        let units = key.encode_utf16();
        let hash = units.fold(0_u32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(u32::from(unit))
        });
        (hash ^ (hash >> 16)) & (buckets - 1)
    });
    pairs
}
