//! Files that filters name.

use wrangling::ast::{Literal, Plugin};

use crate::finding::{Finding, Place};

/// Options that name files.
const FILES: &[(&str, &str)] = &[
    ("cidr", "network_path"),
    ("geoip", "database"),
    ("grok", "patterns_dir"),
    ("translate", "dictionary_path"),
];

/// Has files be found among the operator's resources, by their names.
pub(super) fn resources(plugin: &mut Plugin, place: &Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, value) in &mut plugin.options {
        if !FILES.contains(&(plugin.name.as_str(), name.as_str())) {
            continue;
        }
        let before = value.clone();
        relative(value);
        let mut finding = place
            .changed("files that filters name are in the operator's folder of resources")
            .of(name);
        if *value != before {
            finding.reason += "; of the path, only the name is kept";
        }
        findings.push(finding.instead("ask the operator to put the file there"));
    }
    findings
}

/// The name that an absolute path ends with; relative ones stay.
fn relative(value: &mut Literal) {
    match value {
        Literal::Array(items) => items.iter_mut().for_each(relative),
        Literal::String(path) => {
            let leads_out = path.starts_with(['/', '.']);
            let name = path.trim_end_matches('/').rsplit('/').next();
            if let Some(name) = name.filter(|name| leads_out && !name.is_empty()) {
                *path = name.to_owned();
            }
        }
        _ => {}
    }
}
