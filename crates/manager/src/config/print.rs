//! The configuration file with every default, as it is printed for operators.

use std::fmt::Write;

use super::keys::KEYS;
use super::{Config, DEFAULT_PLAN};

impl Config {
    /// Every setting with its default and meaning, as a file to begin with.
    pub fn default_toml() -> String {
        let mut out = String::from(
            "# Every setting with its default. A flag goes before the environment variable named with it, that before this file.\n",
        );
        let mut section = "";
        for key in KEYS {
            let (table, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
            if table != section {
                // writing to a String cannot fail
                let _ = write!(out, "\n[{table}]\n");
                section = table;
            }
            let _ = write!(out, "\n# {} ({})\n", key.doc, key.variable());
            let _ = match key.default {
                Some(value) => writeln!(out, "{name} = {value}"),
                None => writeln!(out, "# {name} = "),
            };
        }
        out + &default_plan() + VARIABLES
    }
}

/// How variables are given.
const VARIABLES: &str = "\n# What ${NAME} stands for in pipelines. Clients see the values in what their pipelines make: no secrets.\n[variables]\n";

fn default_plan() -> String {
    let plan = Config::default()
        .plans
        .remove(DEFAULT_PLAN)
        .unwrap_or_default();
    let mut out =
        format!("\n# A client's constraints. More plans: more sections.\n[plans.{DEFAULT_PLAN}]\n");
    if let Ok(text) = toml::to_string(&plan) {
        out += &text;
    }
    out
}
