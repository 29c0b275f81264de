//! Filters: what the platform runs becomes steps, the rest is listed.

use wrangling::ast::{Branch, If, Pipeline, Plugin, Statement};
use wrangling::{Environment, Violation, check_pipeline, steps};

use super::resources::resources;
use crate::finding::{Finding, Place};

/// Filters that the platform does not run, and what does their work.
const INSTEAD: &[(&str, &str)] = &[
    (
        "aggregate",
        "join what belongs together before the files are staged, or in the core DMS by a transform",
    ),
    ("alter", "write it as a step mutate"),
    ("anonymize", "write it as a step fingerprint"),
    ("cipher", "encrypt values before the files are staged"),
    (
        "dns",
        "look names up before the files are staged: a run gives the same documents whenever it runs",
    ),
    ("elapsed", "compute it in the core DMS, by a transform"),
    (
        "elasticsearch",
        "export what is looked up to a file, and use a step translate with dictionary_path",
    ),
    (
        "environment",
        "write ${NAME:default} where the value is wanted",
    ),
    ("extractnumbers", "write it as a step grok or script"),
    (
        "http",
        "fetch what is looked up into a file, and use a step translate with dictionary_path",
    ),
    ("i18n", "write it as a step mutate with gsub"),
    (
        "jdbc_static",
        "export the table to CSV, and use a step translate with dictionary_path",
    ),
    (
        "jdbc_streaming",
        "export the table to CSV, and use a step translate with dictionary_path",
    ),
    (
        "memcached",
        "export what is looked up to a file, and use a step translate with dictionary_path",
    ),
    ("metricize", "write it as a step clone with mutate after it"),
    (
        "metrics",
        "the platform counts by itself: `ingest run show`",
    ),
    ("range", "write it as a conditional with comparisons"),
    (
        "ruby",
        "write it as steps mutate, translate, dissect or split with conditionals, or as a step script; what is Ruby's alone does not run here",
    ),
];

/// Which section statements are from, as findings name it.
pub(super) const FILTER: &str = "filter";

/// The statements that can be steps; of the others, findings.
pub(super) fn filters(
    body: &[Statement],
    section: &str,
    findings: &mut Vec<Finding>,
) -> Vec<Statement> {
    let mut kept = Vec::new();
    for statement in body {
        match statement {
            Statement::Plugin(plugin) => kept.extend(filter(plugin, section, findings)),
            Statement::If(conditional) => kept.extend(branches(conditional, section, findings)),
            _ => {}
        }
    }
    kept
}

fn filter(plugin: &Plugin, section: &str, findings: &mut Vec<Finding>) -> Option<Statement> {
    let place = Place::new(&*plugin.at.0, format!("{section} {}", plugin.name));
    if plugin.name == "sleep" {
        findings.push(place.left_out("it only slows Logstash down; a run has its own pace"));
        return None;
    }
    let mut plugin = plugin.clone();
    let mut about = resources(&mut plugin, &place);
    let options: Vec<String> = plugin
        .options
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    let name = plugin.name.clone();
    let statement = Statement::Plugin(plugin);
    let refused = refusals(&statement);
    if refused.is_empty() {
        findings.append(&mut about);
        return Some(statement);
    }
    findings.push(
        place
            .impossible(reason(&name, &refused))
            .instead(instead(&name, &refused)),
    );
    for violation in refused {
        if let Some(option) = options.iter().find(|option| {
            let mut segments = violation.pointer.split('/').skip(2);
            segments.next() == Some(option.as_str())
        }) {
            findings.push(place.impossible(violation.message).of(option));
        }
    }
    None
}

/// Why the platform does not run a statement; empty if it does.
fn refusals(statement: &Statement) -> Vec<Violation> {
    let pipeline = Pipeline {
        filters: vec![statement.clone()],
        ..Pipeline::default()
    };
    let mut refused = check_pipeline(&pipeline, &Environment::default());
    let printed = steps::print(std::slice::from_ref(statement));
    let parsed = match &printed {
        Ok(printed) if refused.is_empty() => steps::parse(printed).err().unwrap_or_default(),
        Ok(_) => Vec::new(),
        Err(e) => vec![Violation::new("", "not_printable", e.to_string())],
    };
    refused.extend(parsed);
    refused
}

fn said(refused: &[Violation]) -> String {
    let messages: Vec<&str> = refused.iter().map(|found| found.message.as_str()).collect();
    messages.join("; ")
}

fn reason(name: &str, refused: &[Violation]) -> String {
    if refused.iter().any(|found| found.code == "unknown_filter") {
        return format!("the platform does not run the filter {name}");
    }
    format!("the whole filter is left out: {}", said(refused))
}

fn instead(name: &str, refused: &[Violation]) -> String {
    if refused.iter().any(|found| found.code == "unknown_variable") {
        return "give the variable a default in the configuration, or its value".into();
    }
    if refused.iter().all(|found| found.code != "unknown_filter") {
        return "change the options that are named; reports/pipeline-language.md lists what is offered".into();
    }
    let known = INSTEAD.iter().find(|(known, _)| *known == name);
    known.map_or_else(
        || "do its work with other filters, or before the files are staged".into(),
        |(_, instead)| (*instead).into(),
    )
}

/// A conditional with what is left of its blocks. Nothing is left if one of its conditions cannot be a step's: the other
/// branches would get its records.
fn branches(conditional: &If, section: &str, findings: &mut Vec<Finding>) -> Option<Statement> {
    let bare = |branch: &Branch| Branch {
        body: Vec::new(),
        ..branch.clone()
    };
    let mut refused = false;
    for branch in &conditional.branches {
        let alone = Statement::If(If {
            branches: vec![bare(branch)],
            otherwise: Vec::new(),
        });
        let why = refusals(&alone);
        if !why.is_empty() {
            refused = true;
            let place = Place::new(&*branch.at.0, format!("{section} if"));
            findings.push(
                place
                    .impossible(format!("the whole conditional is left out: {}", said(&why)))
                    .instead("write the condition in another way"),
            );
        }
    }
    if refused {
        let blocks = conditional.branches.iter().map(|branch| &branch.body);
        for block in blocks.chain([&conditional.otherwise]) {
            left_with_conditional(block, section, findings);
        }
        return None;
    }
    let kept = conditional.branches.iter().map(|branch| Branch {
        body: filters(&branch.body, section, findings),
        ..bare(branch)
    });
    let branches = kept.collect();
    let otherwise = filters(&conditional.otherwise, section, findings);
    Some(Statement::If(If {
        branches,
        otherwise,
    }))
}

fn left_with_conditional(body: &[Statement], section: &str, findings: &mut Vec<Finding>) {
    for statement in body {
        match statement {
            Statement::Plugin(plugin) => findings.push(
                Place::new(&*plugin.at.0, format!("{section} {}", plugin.name))
                    .impossible("it is left out with the conditional around it"),
            ),
            Statement::If(conditional) => {
                for branch in &conditional.branches {
                    left_with_conditional(&branch.body, section, findings);
                }
                left_with_conditional(&conditional.otherwise, section, findings);
            }
            _ => {}
        }
    }
}
