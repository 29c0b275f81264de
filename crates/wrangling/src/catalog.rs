//! The plugins that run here, with their options: the one list behind checks, messages and the JSON Schema.

mod io;

use crate::ast::{At, Literal, Number, Plugin};
use crate::violation::{Violation, pointer};

/// What an option's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One text (numbers and booleans are taken by their text).
    Text,
    /// A text or a list of texts.
    List,
    /// An object of texts.
    Map,
    /// An object of texts or lists of texts.
    MapOfLists,
    /// An object of values of any kind, nested as they may be.
    Tree,
    Bool,
    Number,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A codec: its name, or its name with options.
    Codec,
    /// The text of a program, in which `${…}` is the program's own.
    Program,
}

/// What a plugin is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Input,
    Filter,
    Output,
    Codec,
}

/// One plugin.
#[derive(Debug)]
pub(crate) struct PluginSpec {
    pub(crate) name: &'static str,
    pub(crate) options: &'static [(&'static str, Kind)],
}

/// Values of `ecs_compatibility`.
const ECS: &[&str] = &["disabled", "v1", "v8"];

/// Options that every filter has.
pub(crate) const COMMON: &[(&str, Kind)] = &[
    ("add_field", Kind::MapOfLists),
    ("add_tag", Kind::List),
    ("enable_metric", Kind::Bool),
    ("id", Kind::Text),
    ("periodic_flush", Kind::Bool),
    ("remove_field", Kind::List),
    ("remove_tag", Kind::List),
];

/// Every filter, by name.
pub(crate) const FILTERS: &[PluginSpec] = &[
    PluginSpec {
        name: "bytes",
        options: &[
            ("conversion_method", Kind::Choice(&["binary", "metric"])),
            ("decimal_separator", Kind::Text),
            ("source", Kind::Text),
            ("tag_on_failure", Kind::List),
            ("target", Kind::Text),
        ],
    },
    PluginSpec {
        name: "cidr",
        options: &[
            ("address", Kind::List),
            ("address_field", Kind::Text),
            ("network", Kind::List),
            ("network_path", Kind::Text),
            ("refresh_interval", Kind::Number),
            ("separator", Kind::Text),
        ],
    },
    PluginSpec {
        name: "clone",
        options: &[
            ("clones", Kind::List),
            ("ecs_compatibility", Kind::Choice(ECS)),
        ],
    },
    PluginSpec {
        name: "csv",
        options: &[
            ("autodetect_column_names", Kind::Bool),
            ("autogenerate_column_names", Kind::Bool),
            ("columns", Kind::List),
            ("convert", Kind::Map),
            ("quote_char", Kind::Text),
            ("separator", Kind::Text),
            ("skip_empty_columns", Kind::Bool),
            ("skip_empty_rows", Kind::Bool),
            ("skip_header", Kind::Bool),
            ("source", Kind::Text),
            ("target", Kind::Text),
        ],
    },
    PluginSpec {
        name: "date",
        options: &[
            ("locale", Kind::Text),
            ("match", Kind::List),
            ("tag_on_failure", Kind::List),
            ("target", Kind::Text),
            ("timezone", Kind::Text),
        ],
    },
    PluginSpec {
        name: "de_dot",
        options: &[
            ("fields", Kind::List),
            ("nested", Kind::Bool),
            ("recursive", Kind::Bool),
            ("separator", Kind::Text),
        ],
    },
    PluginSpec {
        name: "dissect",
        options: &[
            ("convert_datatype", Kind::Map),
            ("mapping", Kind::Map),
            ("tag_on_failure", Kind::List),
        ],
    },
    PluginSpec {
        name: "drop",
        options: &[("percentage", Kind::Number)],
    },
    PluginSpec {
        name: "fingerprint",
        options: &[
            ("base64encode", Kind::Bool),
            ("concatenate_all_fields", Kind::Bool),
            ("concatenate_sources", Kind::Bool),
            ("ecs_compatibility", Kind::Choice(ECS)),
            ("key", Kind::Text),
            (
                "method",
                Kind::Choice(&[
                    "SHA1",
                    "SHA256",
                    "SHA384",
                    "SHA512",
                    "MD5",
                    "MURMUR3",
                    "MURMUR3_128",
                    "IPV4_NETWORK",
                    "UUID",
                    "PUNCTUATION",
                ]),
            ),
            ("source", Kind::List),
            ("target", Kind::Text),
        ],
    },
    PluginSpec {
        name: "geoip",
        options: &[
            ("cache_size", Kind::Number),
            ("database", Kind::Text),
            ("default_database_type", Kind::Text),
            ("ecs_compatibility", Kind::Text),
            ("fields", Kind::List),
            ("source", Kind::Text),
            ("tag_on_failure", Kind::List),
            ("target", Kind::Text),
        ],
    },
    PluginSpec {
        name: "grok",
        options: &[
            ("break_on_match", Kind::Bool),
            ("ecs_compatibility", Kind::Choice(ECS)),
            ("keep_empty_captures", Kind::Bool),
            ("match", Kind::MapOfLists),
            ("named_captures_only", Kind::Bool),
            ("overwrite", Kind::List),
            ("pattern_definitions", Kind::Map),
            ("patterns_dir", Kind::List),
            ("patterns_files_glob", Kind::Text),
            ("tag_on_failure", Kind::List),
            ("tag_on_timeout", Kind::Text),
            ("target", Kind::Text),
            ("timeout_millis", Kind::Number),
            ("timeout_scope", Kind::Choice(&["pattern", "event"])),
        ],
    },
    PluginSpec {
        name: "json",
        options: &[
            ("skip_on_invalid_json", Kind::Bool),
            ("source", Kind::Text),
            ("tag_on_failure", Kind::List),
            ("target", Kind::Text),
        ],
    },
    PluginSpec {
        name: "kv",
        options: &[
            ("allow_duplicate_values", Kind::Bool),
            ("allow_empty_values", Kind::Bool),
            ("default_keys", Kind::Map),
            ("ecs_compatibility", Kind::Choice(ECS)),
            ("exclude_keys", Kind::List),
            ("field_split", Kind::Text),
            ("field_split_pattern", Kind::Text),
            ("include_brackets", Kind::Bool),
            ("include_keys", Kind::List),
            ("prefix", Kind::Text),
            ("recursive", Kind::Bool),
            ("remove_char_key", Kind::Text),
            ("remove_char_value", Kind::Text),
            ("source", Kind::Text),
            ("tag_on_failure", Kind::List),
            ("tag_on_timeout", Kind::Text),
            ("target", Kind::Text),
            ("timeout_millis", Kind::Number),
            ("transform_key", Kind::Text),
            ("transform_value", Kind::Text),
            ("trim_key", Kind::Text),
            ("trim_value", Kind::Text),
            ("value_split", Kind::Text),
            ("value_split_pattern", Kind::Text),
            ("whitespace", Kind::Choice(&["lenient", "strict"])),
        ],
    },
    PluginSpec {
        name: "mutate",
        options: &[
            ("capitalize", Kind::List),
            ("coerce", Kind::Map),
            ("convert", Kind::Map),
            ("copy", Kind::Map),
            ("gsub", Kind::List),
            ("join", Kind::Map),
            ("lowercase", Kind::List),
            ("merge", Kind::MapOfLists),
            ("rename", Kind::Map),
            ("replace", Kind::MapOfLists),
            ("split", Kind::Map),
            ("strip", Kind::List),
            ("tag_on_failure", Kind::Text),
            ("update", Kind::MapOfLists),
            ("uppercase", Kind::List),
        ],
    },
    PluginSpec {
        name: "prune",
        options: &[
            ("blacklist_names", Kind::List),
            ("blacklist_values", Kind::Map),
            ("interpolate", Kind::Bool),
            ("whitelist_names", Kind::List),
            ("whitelist_values", Kind::Map),
        ],
    },
    PluginSpec {
        name: "script",
        options: &[
            ("params", Kind::Tree),
            ("source", Kind::Program),
            ("tag_on_failure", Kind::List),
        ],
    },
    PluginSpec {
        name: "split",
        options: &[
            ("field", Kind::Text),
            ("target", Kind::Text),
            ("terminator", Kind::Text),
        ],
    },
    PluginSpec {
        name: "syslog_pri",
        options: &[
            ("ecs_compatibility", Kind::Choice(ECS)),
            ("facility_labels", Kind::List),
            ("severity_labels", Kind::List),
            ("syslog_pri_field_name", Kind::Text),
            ("use_labels", Kind::Bool),
        ],
    },
    PluginSpec {
        name: "throttle",
        options: &[
            ("after_count", Kind::Number),
            ("before_count", Kind::Number),
            ("key", Kind::Text),
            ("max_age", Kind::Number),
            ("max_counters", Kind::Number),
            ("period", Kind::Text),
        ],
    },
    PluginSpec {
        name: "translate",
        options: &[
            ("destination", Kind::Text),
            ("dictionary", Kind::Tree),
            ("dictionary_path", Kind::Text),
            ("ecs_compatibility", Kind::Choice(ECS)),
            ("exact", Kind::Bool),
            ("fallback", Kind::Text),
            ("field", Kind::Text),
            ("iterate_on", Kind::Text),
            ("override", Kind::Bool),
            ("refresh_behaviour", Kind::Choice(&["merge", "replace"])),
            ("refresh_interval", Kind::Number),
            ("regex", Kind::Bool),
            ("source", Kind::Text),
            ("target", Kind::Text),
            ("yaml_dictionary_code_point_limit", Kind::Number),
            ("yaml_load_strategy", Kind::Text),
        ],
    },
    PluginSpec {
        name: "truncate",
        options: &[("fields", Kind::List), ("length_bytes", Kind::Number)],
    },
    PluginSpec {
        name: "urldecode",
        options: &[
            ("all_fields", Kind::Bool),
            ("charset", Kind::Text),
            ("field", Kind::Text),
            ("tag_on_failure", Kind::List),
        ],
    },
    PluginSpec {
        name: "useragent",
        options: &[
            ("ecs_compatibility", Kind::Choice(ECS)),
            ("lru_cache_size", Kind::Number),
            ("prefix", Kind::Text),
            ("regexes", Kind::Text),
            ("source", Kind::Text),
            ("target", Kind::Text),
        ],
    },
    PluginSpec {
        name: "uuid",
        options: &[("overwrite", Kind::Bool), ("target", Kind::Text)],
    },
    PluginSpec {
        name: "xml",
        options: &[
            ("force_array", Kind::Bool),
            ("force_content", Kind::Bool),
            ("namespaces", Kind::Map),
            ("parse_options", Kind::Text),
            ("remove_namespaces", Kind::Bool),
            ("source", Kind::Text),
            ("store_xml", Kind::Bool),
            ("suppress_empty", Kind::Bool),
            ("target", Kind::Text),
            ("xpath", Kind::Map),
        ],
    },
];

/// Filters of Logstash whose code is Ruby.
const RUBY: &[&str] = &["aggregate", "ruby"];

/// Filters that are this platform's own: a real Logstash does not have them.
const OWN: &[&str] = &["script"];

/// Whether a real Logstash does not have the filter `name`.
#[must_use]
pub fn is_own_filter(name: &str) -> bool {
    OWN.contains(&name)
}

/// Whether an option is a [program](Kind::Program).
pub(crate) fn is_program(plugin: &str, option: &str) -> bool {
    let spec = FILTERS.iter().find(|spec| spec.name == plugin);
    spec.is_some_and(|spec| spec.options.contains(&(option, Kind::Program)))
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Filter => "filter",
            Self::Output => "output",
            Self::Codec => "codec",
        }
    }

    fn plugins(self) -> &'static [PluginSpec] {
        match self {
            Self::Input => io::INPUTS,
            Self::Filter => FILTERS,
            Self::Output => io::OUTPUTS,
            Self::Codec => io::CODECS,
        }
    }

    fn common(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Input => io::INPUT_COMMON,
            Self::Filter => COMMON,
            Self::Output => io::OUTPUT_COMMON,
            Self::Codec => io::CODEC_COMMON,
        }
    }

    /// Why there is no plugin of this name.
    fn unknown(self, name: &str, at: String) -> Violation {
        if self == Self::Filter && RUBY.contains(&name) {
            let message = format!(
                "`{name}` runs Ruby code, which this engine does not: write it with other filters or the `script` step, or run it by Logstash itself, in the elastic engine once that is offered"
            );
            return Violation::new(at, "unknown_filter", message);
        }
        let names: Vec<&str> = self.plugins().iter().map(|plugin| plugin.name).collect();
        let kind = self.name();
        let message = format!("there is no {kind} `{name}`; allowed: {}", names.join(", "));
        Violation::new(at, &format!("unknown_{kind}"), message)
    }
}

/// All problems of a plugin's name and of the names and kinds of its options.
pub(crate) fn check(plugin: &Plugin, role: Role) -> Vec<Violation> {
    let mut violations = Vec::new();
    check_at(
        plugin,
        role,
        &pointer(&plugin.at.0, &plugin.name),
        &mut violations,
    );
    violations
}

fn check_at(plugin: &Plugin, role: Role, base: &str, violations: &mut Vec<Violation>) {
    let Some(spec) = role.plugins().iter().find(|spec| spec.name == plugin.name) else {
        return violations.push(role.unknown(&plugin.name, base.to_owned()));
    };
    let allowed = || spec.options.iter().chain(role.common());
    for (name, value) in &plugin.options {
        let at = pointer(base, name);
        match allowed().find(|(known, _)| known == name) {
            Some((_, kind)) => kind.check(value, &at, violations),
            None => {
                let names: Vec<&str> = allowed().map(|(name, _)| *name).collect();
                let message = format!(
                    "`{}` has no option `{name}`; allowed: {}",
                    spec.name,
                    names.join(", ")
                );
                violations.push(Violation::new(at, "unknown_option", message));
            }
        }
    }
    let whole = format!("{} {}", role.name(), plugin.name);
    for (_, option) in io::REQUIRED.iter().filter(|(of, _)| *of == whole) {
        if !plugin.options.iter().any(|(name, _)| name == option) {
            let message = format!("the {whole} needs `{option}`");
            violations.push(Violation::new(
                pointer(base, option),
                "missing_option",
                message,
            ));
        }
    }
}

fn check_codec(value: &Literal, at: &str, violations: &mut Vec<Violation>) {
    let bare = |name: &str| Plugin {
        name: name.to_owned(),
        options: Vec::new(),
        at: At::default(),
    };
    match value {
        Literal::Plugin(codec) => {
            check_at(codec, Role::Codec, &pointer(at, &codec.name), violations);
        }
        other => match other.text() {
            Some(name) => check_at(&bare(name), Role::Codec, at, violations),
            None => {
                let message = format!("expected a codec, found {}", other.kind());
                violations.push(Violation::new(at, "wrong_type", message));
            }
        },
    }
}

fn check_choice(choices: &[&str], value: &Literal, at: &str) -> Option<Violation> {
    let found = value.text().unwrap_or_else(|| value.kind());
    let message = format!("allowed: {}; found {found}", choices.join(", "));
    (!choices.contains(&found)).then(|| Violation::new(at, "invalid_value", message))
}

impl Kind {
    fn check(self, value: &Literal, at: &str, violations: &mut Vec<Violation>) {
        let mut wrong = |at: String, expected: &str, found: &Literal| {
            let message = format!("expected {expected}, found {}", found.kind());
            violations.push(Violation::new(at, "wrong_type", message));
        };
        match (self, value) {
            (Self::Codec, codec) => check_codec(codec, at, violations),
            (Self::Choice(choices), value) => violations.extend(check_choice(choices, value, at)),
            (Self::List, Literal::Array(items)) => {
                for (index, item) in items
                    .iter()
                    .enumerate()
                    .filter(|(_, item)| item.text().is_none())
                {
                    wrong(pointer(at, &index.to_string()), "a text", item);
                }
            }
            (Self::Map | Self::MapOfLists, Literal::Hash(members)) => {
                for (key, member) in members {
                    let list_of_texts = matches!(member, Literal::Array(items) if items.iter().all(|i| i.text().is_some()));
                    if member.text().is_none() && !(self == Self::MapOfLists && list_of_texts) {
                        wrong(pointer(at, key), self.member(), member);
                    }
                }
            }
            // Logstash takes a list of keys and values for a hash
            (Self::Map | Self::MapOfLists, Literal::Array(items))
                if items.len() % 2 == 0 && items.iter().all(|item| item.text().is_some()) => {}
            (Self::Tree, Literal::Hash(_)) => {}
            (Self::Tree, Literal::Array(items)) if items.len() % 2 == 0 => {}
            (Self::Map | Self::MapOfLists | Self::Tree, other) => {
                wrong(at.to_owned(), "an object", other)
            }
            (Self::Bool, other) if !matches!(other.text(), Some("true" | "false")) => {
                wrong(at.to_owned(), "`true` or `false`", other);
            }
            (Self::Number, other)
                if other
                    .text()
                    .is_none_or(|text| Number::parse(text).is_none()) =>
            {
                wrong(at.to_owned(), "a number", other);
            }
            (Self::Text | Self::List | Self::Program, other) if other.text().is_none() => {
                wrong(at.to_owned(), self.member(), other)
            }
            _ => {}
        }
    }

    fn member(self) -> &'static str {
        match self {
            Self::List | Self::MapOfLists => "a text or a list of texts",
            _ => "a text",
        }
    }
}
