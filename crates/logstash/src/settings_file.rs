//! `logstash.yml`: settings that the command line does not give.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{ArgAction, CommandFactory};
use serde_yaml_ng::Value;

use crate::settings::Flags;

const FLAG: &str = "--path.settings";

/// The arguments of a command line, with those that `logstash.yml` in the folder of `--path.settings` stands for put before
/// the others, which override them. Settings that there is nothing for here are left out.
///
/// # Errors
/// When the file is there and cannot be read, or is no table of settings.
pub fn with_file(arguments: Vec<OsString>) -> Result<Vec<OsString>, String> {
    let Some(path) = folder(&arguments).map(|folder| folder.join("logstash.yml")) else {
        return Ok(arguments);
    };
    if !path.exists() {
        return Ok(arguments);
    }
    let text = std::fs::read_to_string(&path)
        .map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let given = flags(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut all = arguments.into_iter();
    let program = all.next();
    Ok(program.into_iter().chain(given).chain(all).collect())
}

fn folder(arguments: &[OsString]) -> Option<PathBuf> {
    let at = arguments.iter().position(|it| is_flag(it))?;
    match arguments.get(at)?.to_str()?.split_once('=') {
        Some((_, folder)) => Some(folder.into()),
        None => arguments.get(at + 1).map(|it| Path::new(it).to_owned()),
    }
}

fn is_flag(argument: &OsStr) -> bool {
    let name = argument.to_str().unwrap_or_default();
    name == FLAG
        || name
            .strip_prefix(FLAG)
            .is_some_and(|rest| rest.starts_with('='))
}

fn flags(text: &str) -> Result<Vec<OsString>, String> {
    let mut settings = Vec::new();
    match serde_yaml_ng::from_str(text).map_err(|e| e.to_string())? {
        Value::Null => {}
        table @ Value::Mapping(_) => flatten("", &table, &mut settings),
        _ => return Err("it is no table of settings".into()),
    }
    let command = Flags::command();
    let takes = |name: &str| {
        let mut known = command.get_arguments();
        known.any(|it| it.get_long() == Some(name) && matches!(it.get_action(), ArgAction::Set))
    };
    let known = settings.into_iter().filter(|(name, _)| takes(name));
    Ok(known
        .map(|(name, value)| format!("--{name}={value}").into())
        .collect())
}

/// `a: {b: 1}` is the setting `a.b`.
fn flatten(prefix: &str, value: &Value, into: &mut Vec<(String, String)>) {
    let text = match value {
        Value::Mapping(table) => {
            for (key, value) in table {
                let Some(key) = key.as_str() else { continue };
                let name = match prefix {
                    "" => key.to_owned(),
                    _ => format!("{prefix}.{key}"),
                };
                flatten(&name, value, into);
            }
            return;
        }
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Null | Value::Sequence(_) | Value::Tagged(_) => return,
    };
    into.push((prefix.to_owned(), text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_command_line_overrides_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let text = "node.name: \"a node\"\npipeline:\n  workers: 3\n  batch.size: 7\nqueue.type: memory\napi.enabled: false\n";
        std::fs::write(folder.path().join("logstash.yml"), text).unwrap();
        let path = folder.path().display().to_string();
        let joined = format!("{FLAG}={path}");
        for settings in [vec![FLAG, path.as_str()], vec![joined.as_str()]] {
            let line = ["logstash", "-w", "1"].into_iter().chain(settings);
            let all = with_file(line.map(Into::into).collect()).unwrap();
            let flags = Flags::try_parse_from(all).unwrap();
            assert_eq!(flags.node.as_deref(), Some("a node"));
            assert_eq!(
                (flags.workers, flags.batch_size, flags.api),
                (Some(1), 7, false)
            );
        }
    }

    #[test]
    fn no_file_is_no_settings_and_a_broken_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let line = || vec!["logstash".into(), FLAG.into(), folder.path().into()];
        assert_eq!(with_file(line()).unwrap(), line());
        std::fs::write(folder.path().join("logstash.yml"), "[1]").unwrap();
        assert!(with_file(line()).is_err());
    }
}
