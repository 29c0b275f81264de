//! How the fields of filters are named.

use wrangling::ast::{Plugin, Statement};

use crate::finding::{Finding, Place};

/// Filters whose fields depend on the pipeline's `ecs_compatibility`.
const NAMED_BY_ECS: &[&str] = &[
    "clone",
    "fingerprint",
    "geoip",
    "grok",
    "kv",
    "syslog_pri",
    "translate",
    "useragent",
];

/// What goes without saying in a configuration: how the fields of its filters are named.
pub(super) fn naming(body: &[Statement]) -> Option<Finding> {
    let plugin = first_unsaid(body)?;
    let place = Place::new(&*plugin.at.0, "pipeline");
    Some(
        place
            .changed(format!("{} and its like name fields by the Elastic Common Schema, as Logstash 8 and later do", plugin.name))
            .of("ecs_compatibility")
            .instead("if the pipeline ran with pipeline.ecs_compatibility: disabled, give these steps ecs_compatibility: disabled"),
    )
}

fn first_unsaid(body: &[Statement]) -> Option<&Plugin> {
    body.iter().find_map(|statement| match statement {
        Statement::Plugin(plugin) => {
            let said = plugin
                .options
                .iter()
                .any(|(name, _)| name == "ecs_compatibility");
            (NAMED_BY_ECS.contains(&plugin.name.as_str()) && !said).then_some(plugin)
        }
        Statement::If(conditional) => {
            let mut branches = conditional.branches.iter();
            branches
                .find_map(|branch| first_unsaid(&branch.body))
                .or_else(|| first_unsaid(&conditional.otherwise))
        }
        _ => None,
    })
}
