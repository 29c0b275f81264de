//! The filters that run here, with their options: the one list behind checks, messages and the JSON Schema.

use crate::ast::{Filter, Literal, Number};
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
    Bool,
    Number,
}

/// One filter.
#[derive(Debug)]
pub(crate) struct FilterSpec {
    pub(crate) name: &'static str,
    pub(crate) options: &'static [(&'static str, Kind)],
}

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
pub(crate) const FILTERS: &[FilterSpec] = &[
    FilterSpec {
        name: "bytes",
        options: &[
            ("conversion_method", Kind::Text),
            ("decimal_separator", Kind::Text),
            ("source", Kind::Text),
            ("tag_on_failure", Kind::List),
            ("target", Kind::Text),
        ],
    },
    FilterSpec {
        name: "cidr",
        options: &[
            ("address", Kind::List),
            ("address_field", Kind::Text),
            ("network", Kind::List),
            ("network_path", Kind::Text),
            ("network_return", Kind::Bool),
            ("refresh_interval", Kind::Number),
            ("separator", Kind::Text),
        ],
    },
    FilterSpec {
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
    FilterSpec {
        name: "date",
        options: &[
            ("locale", Kind::Text),
            ("match", Kind::List),
            ("tag_on_failure", Kind::List),
            ("target", Kind::Text),
            ("timezone", Kind::Text),
        ],
    },
    FilterSpec {
        name: "de_dot",
        options: &[
            ("fields", Kind::List),
            ("nested", Kind::Bool),
            ("recursive", Kind::Bool),
            ("separator", Kind::Text),
        ],
    },
    FilterSpec {
        name: "dissect",
        options: &[
            ("convert_datatype", Kind::Map),
            ("mapping", Kind::Map),
            ("tag_on_failure", Kind::List),
        ],
    },
    FilterSpec {
        name: "drop",
        options: &[("percentage", Kind::Number)],
    },
    FilterSpec {
        name: "grok",
        options: &[
            ("break_on_match", Kind::Bool),
            ("ecs_compatibility", Kind::Text),
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
            ("timeout_scope", Kind::Text),
        ],
    },
    FilterSpec {
        name: "json",
        options: &[
            ("skip_on_invalid_json", Kind::Bool),
            ("source", Kind::Text),
            ("tag_on_failure", Kind::List),
            ("target", Kind::Text),
        ],
    },
    FilterSpec {
        name: "kv",
        options: &[
            ("allow_duplicate_values", Kind::Bool),
            ("allow_empty_values", Kind::Bool),
            ("default_keys", Kind::Map),
            ("ecs_compatibility", Kind::Text),
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
            ("whitespace", Kind::Text),
        ],
    },
    FilterSpec {
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
    FilterSpec {
        name: "prune",
        options: &[
            ("blacklist_names", Kind::List),
            ("blacklist_values", Kind::Map),
            ("interpolate", Kind::Bool),
            ("whitelist_names", Kind::List),
            ("whitelist_values", Kind::Map),
        ],
    },
    FilterSpec {
        name: "syslog_pri",
        options: &[
            ("ecs_compatibility", Kind::Text),
            ("facility_labels", Kind::List),
            ("severity_labels", Kind::List),
            ("syslog_pri_field_name", Kind::Text),
            ("use_labels", Kind::Bool),
        ],
    },
    FilterSpec {
        name: "translate",
        options: &[
            ("destination", Kind::Text),
            ("dictionary", Kind::Map),
            ("dictionary_path", Kind::Text),
            ("ecs_compatibility", Kind::Text),
            ("exact", Kind::Bool),
            ("fallback", Kind::Text),
            ("field", Kind::Text),
            ("iterate_on", Kind::Text),
            ("override", Kind::Bool),
            ("refresh_behaviour", Kind::Text),
            ("refresh_interval", Kind::Number),
            ("regex", Kind::Bool),
            ("source", Kind::Text),
            ("target", Kind::Text),
            ("yaml_dictionary_code_point_limit", Kind::Number),
        ],
    },
    FilterSpec {
        name: "truncate",
        options: &[("fields", Kind::List), ("length_bytes", Kind::Number)],
    },
    FilterSpec {
        name: "urldecode",
        options: &[
            ("all_fields", Kind::Bool),
            ("charset", Kind::Text),
            ("field", Kind::Text),
            ("tag_on_failure", Kind::List),
        ],
    },
    FilterSpec {
        name: "uuid",
        options: &[("overwrite", Kind::Bool), ("target", Kind::Text)],
    },
];

/// The filter of this name.
pub(crate) fn find(name: &str) -> Option<&'static FilterSpec> {
    FILTERS.iter().find(|filter| filter.name == name)
}

/// All problems of a filter's name and of the names and kinds of its options.
pub(crate) fn check(filter: &Filter) -> Vec<Violation> {
    let Some(spec) = find(&filter.name) else {
        let names: Vec<&str> = FILTERS.iter().map(|filter| filter.name).collect();
        let message = format!(
            "there is no filter `{}`; allowed: {}",
            filter.name,
            names.join(", ")
        );
        return vec![Violation::new(
            pointer(&filter.at.0, &filter.name),
            "unknown_filter",
            message,
        )];
    };
    let base = pointer(&filter.at.0, &filter.name);
    let allowed = || spec.options.iter().chain(COMMON);
    let mut violations = Vec::new();
    for (name, value) in &filter.options {
        let at = pointer(&base, name);
        match allowed().find(|(known, _)| known == name) {
            Some((_, kind)) => kind.check(value, &at, &mut violations),
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
    violations
}

impl Kind {
    fn check(self, value: &Literal, at: &str, violations: &mut Vec<Violation>) {
        let mut wrong = |at: String, expected: &str, found: &Literal| {
            let message = format!("expected {expected}, found {}", found.kind());
            violations.push(Violation::new(at, "wrong_type", message));
        };
        match (self, value) {
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
            (Self::Map | Self::MapOfLists, other) => wrong(at.to_owned(), "an object", other),
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
            (Self::Text | Self::List, other) if other.text().is_none() => {
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
