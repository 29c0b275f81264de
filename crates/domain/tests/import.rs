//! Logstash configurations as job specs: what becomes of what, and that nothing is lost without a word.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

use domain::finding::{Finding, Severity};
use domain::import::{Import, import};
use domain::spec;
use proptest::prelude::*;
use serde_json::{Value, json};

fn imported(text: &str) -> Import {
    import(text, Some("acme")).unwrap_or_else(|e| panic!("{e:?}"))
}

/// Imports what can be carried over whole.
fn whole(text: &str) -> Import {
    let import = imported(text);
    assert_eq!(import.impossible(), 0, "{:#?}", import.findings);
    spec::parse(&import.spec).unwrap_or_else(|e| panic!("{e:?}"));
    import
}

fn about<'i>(import: &'i Import, plugin: &str, option: Option<&str>) -> Vec<&'i Finding> {
    let is_meant =
        |f: &&Finding| f.plugin == plugin && (option.is_none() || f.option.as_deref() == option);
    import.findings.iter().filter(is_meant).collect()
}

fn severity(import: &Import, plugin: &str, option: Option<&str>) -> Severity {
    let found = about(import, plugin, option);
    let worst = found.iter().map(|finding| finding.severity).max();
    worst.unwrap_or_else(|| panic!("{plugin} {option:?} is not in {:#?}", import.findings))
}

#[test]
fn an_access_log_becomes_a_job() {
    let import = whole(
        r#"
        input {
          file {
            path => "/var/log/apache2/access*.log"
            mode => "tail"
            start_position => "beginning"
            sincedb_path => "/dev/null"
            type => "apache"
            tags => ["web"]
          }
        }
        filter {
          grok { match => { "message" => "%{COMBINEDAPACHELOG}" } }
          date { match => ["timestamp", "dd/MMM/yyyy:HH:mm:ss Z"] }
          if [source][address] { geoip { source => "[source][address]" target => "source" } }
        }
        output {
          elasticsearch {
            hosts => ["http://localhost:9200"]
            user => "elastic"
            password => "${ES_PW}"
            index => "apache-%{+yyyy.MM.dd}"
            manage_template => false
          }
          stdout { codec => rubydebug }
        }"#,
    );
    assert_eq!(
        import.spec,
        json!({
            "mode": "batch",
            "source": { "include": ["access*.log"] },
            "format": { "type": "lines", "keep_original": true },
            "wrangling": [
                { "mutate": { "add_field": { "type": "apache" } } },
                { "mutate": { "add_tag": ["web"] } },
                { "grok": { "match": { "message": "%{COMBINEDAPACHELOG}" } } },
                { "date": { "match": ["timestamp", "dd/MMM/yyyy:HH:mm:ss Z"] } },
                { "if": "[source][address]", "then": [{ "geoip": { "source": "[source][address]", "target": "source" } }] },
            ],
            "destination": { "index": "apache-%{+yyyy.MM.dd}" },
        })
    );
    let sections: Vec<&String> = import.spec.as_object().unwrap().keys().collect();
    assert_eq!(
        sections,
        ["mode", "source", "format", "wrangling", "destination"],
        "in the order in which people write"
    );
    for (plugin, option, expected) in [
        ("input file", Some("path"), Severity::Changed),
        ("input file", Some("mode"), Severity::Changed),
        ("input file", Some("sincedb_path"), Severity::LeftOut),
        ("codec plain", None, Severity::Changed),
        ("pipeline", Some("ecs_compatibility"), Severity::Changed),
        ("output elasticsearch", Some("password"), Severity::LeftOut),
        (
            "output elasticsearch",
            Some("manage_template"),
            Severity::Changed,
        ),
        ("output stdout", None, Severity::LeftOut),
    ] {
        assert_eq!(
            severity(&import, plugin, option),
            expected,
            "{plugin} {option:?}"
        );
    }
    let path = about(&import, "input file", Some("path"));
    assert_eq!(path[0].at, "3:11", "line and column");
}

#[test]
fn syslog_from_a_port_becomes_staged_lines() {
    let import = whole(
        r#"
        input { tcp { port => 5514 codec => line { charset => "UTF-8" ecs_compatibility => disabled } } }
        filter {
          grok { match => { "message" => "%{SYSLOGLINE}" } ecs_compatibility => disabled }
          syslog_pri { ecs_compatibility => disabled }
          mutate { remove_field => ["message"] }
        }
        output { elasticsearch { index => "syslog" document_id => "%{[host][name]}-%{pid}" } }"#,
    );
    assert_eq!(import.spec["format"], json!({ "type": "lines" }));
    assert_eq!(
        import.spec["destination"],
        json!({ "index": "syslog", "id_fields": ["[host][name]", "pid"] })
    );
    assert_eq!(
        severity(&import, "input tcp", Some("port")),
        Severity::LeftOut
    );
    assert_eq!(
        severity(&import, "output elasticsearch", Some("document_id")),
        Severity::Changed
    );
    assert!(
        about(&import, "pipeline", None).is_empty(),
        "the filters say themselves how they name fields"
    );
}

#[test]
fn stack_traces_in_latin_1_become_joined_lines() {
    let import = whole(
        r#"
        input { file { path => "/var/log/app.log" codec => multiline {
          pattern => "^\s" what => previous negate => true max_lines => 200 max_bytes => "2 MiB"
          charset => "ISO-8859-1" auto_flush_interval => 1 ecs_compatibility => disabled } } }
        output { elasticsearch { index => "traces" } }"#,
    );
    assert_eq!(
        import.spec["format"],
        json!({
            "type": "lines",
            "encoding": "iso-8859-1",
            "max_record": "2 MiB",
            "multiline": { "pattern": "^\\s", "what": "previous", "negate": true, "max_lines": 200 },
        })
    );
    for option in [None, Some("charset")] {
        let found = severity(&import, "codec multiline", option);
        assert_eq!(found, Severity::Changed, "{option:?}");
    }
}

#[test]
fn a_csv_codec_becomes_the_format_csv() {
    let import = whole(
        r#"
        input { stdin { codec => csv { columns => ["a", "b"] separator => ";" skip_empty_columns => true } } }
        filter { mutate { convert => { "b" => "integer" } } }
        output { elasticsearch { index => "acme.table" document_id => "%{a}|%{b}" action => create } }"#,
    );
    assert_eq!(
        import.spec["format"],
        json!({
            "type": "csv", "delimiter": ";", "null_values": [""], "header": false, "columns": ["a", "b"],
            "on_column_mismatch": "accept", "keep_original": true,
        })
    );
    assert_eq!(
        import.spec["destination"],
        json!({ "index": "table", "id_fields": ["a", "b"] }),
        "the client's prefix is the platform's"
    );
    assert!(
        about(&import, "output elasticsearch", Some("document_id")).is_empty(),
        "the very same id"
    );
    let header = imported("input { stdin { codec => csv { autodetect_column_names => true } } }");
    assert_eq!(header.spec["format"]["header"], true);
    let nameless = imported("input { stdin { codec => csv {} } }");
    assert_eq!(
        severity(&nameless, "codec csv", Some("columns")),
        Severity::Impossible
    );
}

#[test]
fn what_only_a_filter_can_do_of_a_codec_is_done_by_it() {
    let import = whole(
        r#"
        input { file { path => "x.csv" codec => csv { columns => ["a"] convert => { "a" => "integer" } } } }
        output { elasticsearch { index => "x" } }"#,
    );
    assert_eq!(import.spec["format"]["type"], "lines");
    assert_eq!(
        import.spec["wrangling"],
        json!([{ "csv": { "source": "message", "columns": ["a"], "convert": { "a": "integer" }, "remove_field": ["message"] } }])
    );
    let nested = whole(
        "input { stdin { codec => json { target => doc } } } output { elasticsearch { index => xx } }",
    );
    assert_eq!(
        nested.spec["wrangling"],
        json!([{ "json": { "source": "message", "target": "doc", "remove_field": ["message"] } }])
    );
}

#[test]
fn a_topic_of_json_becomes_staged_ndjson() {
    let import = whole(
        r#"
        input {
          kafka {
            bootstrap_servers => "k1:9092,k2:9092"
            topics => ["orders"]
            group_id => "logstash"
            consumer_threads => 3
            codec => json
            type => "order"
            add_field => { "[labels][from]" => "kafka" }
          }
        }
        filter { mutate { convert => { "amount" => "float" } } }
        output { elasticsearch { index => "orders" document_id => "%{order_id}" action => "index" } }"#,
    );
    assert_eq!(
        import.spec["format"],
        json!({ "type": "ndjson", "keep_original": true })
    );
    assert_eq!(
        import.spec["wrangling"],
        json!([
            { "if": "![type]", "then": [{ "mutate": { "add_field": { "type": "order" } } }] },
            { "mutate": { "add_field": { "[labels][from]": "kafka" } } },
            { "mutate": { "convert": { "amount": "float" } } },
        ]),
        "a record may bring a type of its own"
    );
    let kafka = about(&import, "input kafka", None);
    assert!(kafka[0].reason.contains("streams"), "{kafka:?}");
    for option in [
        "bootstrap_servers",
        "topics",
        "group_id",
        "consumer_threads",
    ] {
        assert_eq!(
            severity(&import, "input kafka", Some(option)),
            Severity::LeftOut
        );
    }
    let overwrites = about(&import, "output elasticsearch", Some("document_id"));
    assert!(overwrites[0].reason.contains("duplicate"), "{overwrites:?}");
}

#[test]
fn what_would_mean_something_else_is_impossible() {
    let elasticsearch = "output { elasticsearch { index => xx } }";
    for (text, plugin, option) in [
        ("filter { ruby { code => 'event' } }", "filter ruby", None),
        ("filter { dns { resolve => ['a'] } }", "filter dns", None),
        (
            "filter { mutate { covert => { 'a' => integer } } }",
            "filter mutate",
            Some("covert"),
        ),
        (
            "filter { mutate { add_field => { 'a' => '${NOWHERE}' } } }",
            "filter mutate",
            Some("add_field"),
        ),
        (
            "filter { if [a] =~ /(/ { drop {} } else { ruby { code => 'x' } } }",
            "filter if",
            None,
        ),
        (
            "filter { if [a] =~ /(/ { drop {} } else { ruby { code => 'x' } } }",
            "filter ruby",
            None,
        ),
        (
            "filter { mutate { add_tag => '%{[log][file][path]}' } }",
            "pipeline",
            Some("input"),
        ),
        ("input { jdbc { statement => xx } }", "input jdbc", None),
        (
            "input { file { path => aa codec => multiline { pattern => xx what => previous patterns_dir => pp } } }",
            "codec multiline",
            Some("patterns_dir"),
        ),
        (
            "input { stdin { codec => plain { charset => 'ISO-2022-JP' } } }",
            "codec plain",
            Some("charset"),
        ),
        (
            "input { stdin {} file { path => bb codec => json } }",
            "input file",
            None,
        ),
        (
            "output { elasticsearch { index => yy } }",
            "output elasticsearch",
            None,
        ),
        ("output { file { path => yy } }", "output file", None),
        ("output { if [a] { kafka {} } }", "output kafka", None),
    ] {
        let stdin = if text.starts_with("input") {
            ""
        } else {
            "input { stdin {} }"
        };
        let import = imported(&format!("{stdin} {text} {elasticsearch}"));
        assert_eq!(
            severity(&import, plugin, option),
            Severity::Impossible,
            "{text}"
        );
        assert_ne!(import.impossible(), 0);
        spec::parse(&import.spec).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    }
    for (options, option) in [
        ("action => update", "action"),
        ("pipeline => pp", "pipeline"),
        ("routing => '%{a}'", "routing"),
        ("document_id => fixed", "document_id"),
        ("document_id => '%{+yyyy}'", "document_id"),
    ] {
        let import = imported(&format!(
            "input {{ stdin {{}} }} output {{ elasticsearch {{ index => xx {options} }} }}"
        ));
        assert_eq!(
            severity(&import, "output elasticsearch", Some(option)),
            Severity::Impossible,
            "{options}"
        );
    }
}

#[test]
fn a_conditional_around_the_output_is_listed_and_not_carried() {
    let import = imported(
        r#"
        input { stdin {} }
        output { if "_grokparsefailure" in [tags] { stdout {} } else { elasticsearch { index => "x" } } }"#,
    );
    assert_eq!(
        severity(&import, "output elasticsearch", None),
        Severity::Impossible
    );
    let only_stdout =
        whole("input { stdin {} } output { if [a] { stdout {} } elasticsearch { index => xx } }");
    assert_eq!(severity(&only_stdout, "output if", None), Severity::Changed);
}

#[test]
fn inputs_that_differ_in_their_files_only_are_one_source() {
    let import = whole(
        r#"
        input {
          file { path => ["/a/*.log", "/b/*.txt"] exclude => "*.gz" }
          if [never] { file { path => "/c/*.out" } }
        }
        output { elasticsearch { index => "x" } }"#,
    );
    assert_eq!(
        import.spec["source"],
        json!({ "include": ["*.log", "*.txt", "*.out"], "exclude": ["*.gz"] })
    );
    assert_eq!(severity(&import, "input if", None), Severity::LeftOut);
}

#[test]
fn a_configuration_without_an_end_says_what_is_missing() {
    for text in ["", "filter { drop {} }"] {
        let import = imported(text);
        let missing: Vec<_> = about(&import, "pipeline", None);
        let options: Vec<_> = missing
            .iter()
            .map(|f| f.option.as_deref().unwrap())
            .collect();
        assert_eq!(options, ["input", "output"], "{text}");
        spec::parse(&import.spec).unwrap();
    }
    let refused = import("input { stdin { }", None).unwrap_err();
    assert_eq!(refused[0].code, "invalid_syntax");
    assert!(refused[0].pointer.starts_with("1:"), "{refused:?}");
}

#[test]
fn data_streams_become_ordinary_indices() {
    let import = whole(
        "input { stdin {} } output { elasticsearch { data_stream => true data_stream_dataset => nginx } }",
    );
    assert_eq!(import.spec["destination"]["index"], "logs-nginx-default");
    assert_eq!(
        severity(&import, "output elasticsearch", Some("index")),
        Severity::Changed
    );
}

#[test]
fn files_that_filters_name_are_the_operators() {
    let import = whole(
        r#"
        input { stdin {} }
        filter { translate { source => "a" target => "b" dictionary_path => "/etc/logstash/codes.csv" } }
        output { elasticsearch { index => "x" } }"#,
    );
    assert_eq!(
        import.spec["wrangling"][0]["translate"]["dictionary_path"],
        "codes.csv"
    );
    assert_eq!(
        severity(&import, "filter translate", Some("dictionary_path")),
        Severity::Changed
    );
}

#[test]
fn defaults_of_variables_are_taken_where_a_job_has_none() {
    let import = whole(
        "input { file { path => '${DIR:/data}/${NAME:x}.log' } } output { elasticsearch { index => '${INDEX:events}' } }",
    );
    assert_eq!(import.spec["source"]["include"], json!(["x.log"]));
    assert_eq!(import.spec["destination"]["index"], "events");
    let unknown = imported("input { stdin {} } output { elasticsearch { index => '${INDEX}' } }");
    assert_eq!(
        severity(&unknown, "output elasticsearch", Some("index")),
        Severity::Impossible
    );
}

/// Plugins with options whose values can be told apart.
const PLUGINS: [(&str, &str, &[&str]); 16] = [
    ("input", "stdin", &["type", "tags", "id", "nonesuch"]),
    (
        "input",
        "file",
        &[
            "path",
            "exclude",
            "type",
            "sincedb_path",
            "ignore_older",
            "delimiter",
        ],
    ),
    ("input", "beats", &["port", "host", "tags", "enrich"]),
    (
        "input",
        "kafka",
        &["topics", "group_id", "schema_registry_url", "type"],
    ),
    ("input", "jdbc", &["statement", "schedule"]),
    (
        "filter",
        "mutate",
        &["lowercase", "add_tag", "id", "nonesuch"],
    ),
    ("filter", "grok", &["overwrite", "target", "patterns_dir"]),
    (
        "filter",
        "translate",
        &["source", "target", "dictionary_path"],
    ),
    ("filter", "ruby", &["code", "init"]),
    ("filter", "drop", &["add_tag"]),
    ("filter", "sleep", &["time"]),
    ("output", "stdout", &["codec", "id"]),
    (
        "output",
        "elasticsearch",
        &["index", "hosts", "action", "pipeline", "template", "user"],
    ),
    (
        "output",
        "elasticsearch",
        &[
            "document_id",
            "routing",
            "ilm_policy",
            "nonesuch",
            "data_stream_dataset",
        ],
    ),
    ("output", "file", &["path"]),
    ("output", "email", &["to"]),
];

/// A plugin of the list, some of its options by number, and whether it stands in a conditional.
fn choice() -> impl Strategy<Value = (usize, u8, bool)> {
    (0..PLUGINS.len(), any::<u8>(), any::<bool>())
}

proptest! {
    #[test]
    fn nothing_is_dropped_without_a_word(choices in proptest::collection::vec(choice(), 0..8)) {
        let mut text = String::new();
        let mut written = Vec::new();
        for (line, (which, options, conditional)) in choices.iter().enumerate() {
            let (section, plugin, all) = PLUGINS[*which];
            let (before, after) = if *conditional { ("if [a] { ", " }") } else { ("", "") };
            text += &format!("{section} {{ {before}{plugin} {{");
            for (i, option) in all.iter().enumerate().filter(|(i, _)| options & (1 << i) != 0) {
                let value = if *option == "document_id" {
                    format!("%{{v{line}o{i}}}")
                } else {
                    format!("v{line}o{i}")
                };
                text += &format!(" {option} => \"{value}\"");
                written.push((line + 1, format!("{section} {plugin}"), *option, format!("v{line}o{i}")));
            }
            text += &format!(" }}{after} }}\n");
        }
        let import = imported(&text);
        let spec = import.spec.to_string();
        for (line, plugin, option, value) in written {
            let here = |f: &&Finding| f.at.starts_with(&format!("{line}:"));
            let listed = import.findings.iter().filter(here).any(|f| {
                f.plugin == plugin && match &f.option {
                    Some(named) => *named == option,
                    // the plugin with all of its options
                    None => f.severity != Severity::Changed,
                }
            });
            prop_assert!(listed || spec.contains(&value), "{plugin} {option} of\n{text}\n{:#?}", import);
        }
    }

    #[test]
    fn any_text_is_imported_or_refused(text in "(input|filter|output|if|[{}\\[\\]a-z \"=>%$]){0,20}") {
        let _ = import(&text, None);
    }
}

#[test]
fn findings_are_json_for_programs() {
    let import = imported("filter { ruby { code => xx } }");
    let findings = serde_json::to_value(&import.findings).unwrap();
    let ruby = findings
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["plugin"] == "filter ruby");
    let ruby: &Value = ruby.unwrap();
    assert_eq!(ruby["severity"], "impossible");
    assert_eq!(ruby["at"], "1:10");
    assert!(ruby["instead"].as_str().unwrap().contains("mutate"));
}
