//! `filter_path`: the parts of an answer that are sent.

use serde_json::Value;

/// Paths to keep and paths to drop.
#[derive(Debug, Clone, Default)]
pub struct FilterPath {
    keep: Vec<Vec<String>>,
    drop: Vec<Vec<String>>,
}

impl FilterPath {
    /// Reads the parameter: comma-separated paths, `*` in names, `**` for any depth, `-` in front to drop.
    pub fn new(parameter: &str) -> Self {
        let mut filter = Self::default();
        for path in parameter
            .split(',')
            .map(str::trim)
            .filter(|path| !path.is_empty())
        {
            let (list, path) = match path.strip_prefix('-') {
                Some(path) => (&mut filter.drop, path),
                None => (&mut filter.keep, path),
            };
            list.push(path.split('.').map(str::to_owned).collect());
        }
        filter
    }

    /// The parts of `answer` to send; an empty object when none is left.
    pub fn apply(&self, answer: Value) -> Value {
        let mut answer = answer;
        if !self.drop.is_empty() {
            let drop: Vec<&[String]> = self.drop.iter().map(Vec::as_slice).collect();
            remove(&mut answer, &drop);
        }
        if self.keep.is_empty() {
            return answer;
        }
        let keep: Vec<&[String]> = self.keep.iter().map(Vec::as_slice).collect();
        select(answer, &keep).unwrap_or_else(|| serde_json::json!({}))
    }

    /// Whether something at or below `path` is sent.
    pub fn reaches(&self, path: &[&str]) -> bool {
        let mut keep: Vec<&[String]> = self.keep.iter().map(Vec::as_slice).collect();
        let mut drop: Vec<&[String]> = self.drop.iter().map(Vec::as_slice).collect();
        for name in path {
            if keep.iter().any(|rest| rest.is_empty()) {
                keep = vec![&[]];
            } else {
                keep = step(&keep, name);
            }
            drop = step(&drop, name);
        }
        (self.keep.is_empty() || !keep.is_empty()) && !drop.iter().any(|rest| rest.is_empty())
    }
}

/// What is left of the patterns one name further down.
fn step<'p>(patterns: &[&'p [String]], name: &str) -> Vec<&'p [String]> {
    let mut next = Vec::new();
    for pattern in patterns {
        match pattern.split_first() {
            Some((first, rest)) if first == "**" => {
                next.push(*pattern);
                next.push(rest);
                next.extend(step(&[rest], name));
            }
            Some((first, rest)) if crate::server::store::matches(first, name) => next.push(rest),
            _ => {}
        }
    }
    next
}

fn select(value: Value, patterns: &[&[String]]) -> Option<Value> {
    if patterns.iter().any(|rest| rest.is_empty()) {
        return Some(value);
    }
    match value {
        Value::Object(object) => {
            let kept: serde_json::Map<_, _> = object
                .into_iter()
                .filter_map(|(name, value)| {
                    let next = step(patterns, &name);
                    (!next.is_empty())
                        .then(|| select(value, &next))
                        .flatten()
                        .map(|value| (name, value))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(values) => {
            let kept: Vec<_> = values
                .into_iter()
                .filter_map(|value| select(value, patterns))
                .collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

fn remove(value: &mut Value, patterns: &[&[String]]) {
    match value {
        Value::Object(object) => object.retain(|name, value| {
            let next = step(patterns, name);
            if next.iter().any(|rest| rest.is_empty()) {
                return false;
            }
            remove(value, &next);
            true
        }),
        Value::Array(values) => values.iter_mut().for_each(|value| remove(value, patterns)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_are_kept_and_dropped() {
        let answer = json!({ "took": 1, "errors": false, "items": [{ "create": { "status": 201, "_id": "a" } }], "a": { "b": { "c": 1 } } });
        for (filter, expected) in [
            ("took,errors", json!({ "took": 1, "errors": false })),
            (
                "items.*.status",
                json!({ "items": [{ "create": { "status": 201 } }] }),
            ),
            ("**.c", json!({ "a": { "b": { "c": 1 } } })),
            (
                "a.**.c,took",
                json!({ "a": { "b": { "c": 1 } }, "took": 1 }),
            ),
            ("items.*.error", json!({})),
            ("-items,-a", json!({ "took": 1, "errors": false })),
            ("t*", json!({ "took": 1 })),
        ] {
            assert_eq!(
                FilterPath::new(filter).apply(answer.clone()),
                expected,
                "{filter}"
            );
        }
        let filter = FilterPath::new("items.*.status,items.*.error.type");
        assert!(
            filter.reaches(&["items", "create", "status"])
                && filter.reaches(&["items", "index", "error"])
        );
        assert!(!filter.reaches(&["items", "create", "_id"]) && !filter.reaches(&["took"]));
    }
}
