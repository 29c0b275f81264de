//! Checks a schema on its own, before any record is seen.

use super::{Field, FieldType, Schema};
use crate::date::DateFormats;
use crate::field_ref::FieldRef;
use crate::violation::{Violation, pointer};

/// Names that the platform sets itself.
const RESERVED: [&str; 4] = ["provenance", "@timestamp", "@metadata", "@version"];

impl Schema {
    /// All problems of the schema; pointers start at the schema itself (`/fields/…`).
    #[must_use]
    pub fn validate(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (name, field) in &self.fields {
            let at = pointer("/fields", name);
            match FieldRef::parse(name) {
                Ok(path) => self.check_path(&path, &at, &mut violations),
                Err(error) => {
                    violations.push(Violation::new(&at, "invalid_field", error.to_string()))
                }
            }
            check_formats(field, &at, &mut violations);
        }
        violations
    }

    fn check_path(&self, path: &FieldRef, at: &str, violations: &mut Vec<Violation>) {
        if path.root().is_empty() {
            violations.push(Violation::new(
                at,
                "invalid_field",
                "a field's name cannot be empty",
            ));
        }
        if RESERVED.contains(&path.root()) {
            let message = format!(
                "`{}` is set by the platform; it is always mapped",
                path.root()
            );
            violations.push(Violation::new(at, "reserved_field", message));
        }
        for other in self
            .fields
            .keys()
            .filter_map(|name| FieldRef::parse(name).ok())
        {
            let below =
                other.path().len() < path.path().len() && path.path().starts_with(other.path());
            let is_object = self.kind_of(&other) == Some(FieldType::Object);
            if below && !is_object {
                let message = format!("{path} lies inside {other}, which is not an object");
                violations.push(Violation::new(at, "conflicting_field", message));
            }
        }
    }

    fn kind_of(&self, path: &FieldRef) -> Option<FieldType> {
        let same = |name: &String| FieldRef::parse(name).as_ref() == Ok(path);
        self.fields
            .iter()
            .find(|(name, _)| same(name))
            .map(|(_, field)| field.kind)
    }
}

fn check_formats(field: &Field, at: &str, violations: &mut Vec<Violation>) {
    if field.formats.is_empty() {
        return;
    }
    let at = pointer(at, "formats");
    if field.kind != FieldType::Date {
        violations.push(Violation::new(
            &at,
            "unused_formats",
            "only a `date` field has formats",
        ));
    }
    for (index, format) in field.formats.iter().enumerate() {
        if let Err(error) = DateFormats::compile(std::slice::from_ref(format)) {
            violations.push(Violation::new(
                pointer(&at, &index.to_string()),
                "invalid_date_format",
                error.to_string(),
            ));
        }
    }
}
