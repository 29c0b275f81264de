//! The configuration as operators meet it: defaults, layers, and everything that can be wrong.

use domain::units::Bytes;
use manager::config::{Config, CoreDmsConfig, Layers, MetadataUrl, Registration};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|&(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

#[test]
fn the_printed_defaults_are_the_defaults() {
    let text = Config::default_toml();
    insta::assert_snapshot!(text);
    assert_eq!(
        Config::parse(&text, &Layers::default()).unwrap(),
        Config::default()
    );
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let file = "listen = \"127.0.0.1:1\"\nmax_runs = 1\nregistration = \"admin\"\n[core_dms]\nurl = \"http://es:9200\"";
    let layers = Layers {
        environment: pairs(&[
            ("INGEST_LISTEN", "127.0.0.1:2"),
            ("INGEST_MAX_RUNS", "2"),
            ("INGEST_UNRELATED", "x"),
            ("HOME", "/"),
        ]),
        flags: pairs(&[
            ("listen", "127.0.0.1:3"),
            ("metadata.url", "mongodb://m/ingest"),
        ]),
    };
    let config = Config::parse(file, &layers).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.max_runs, 2);
    assert_eq!(config.registration, Registration::Admin);
    assert_eq!(config.core_dms, CoreDmsConfig::At("http://es:9200".into()));
    assert_eq!(
        config.metadata,
        MetadataUrl::Url("mongodb://m/ingest".into())
    );
}

#[test]
fn plans_fill_up_with_defaults() {
    let config = Config::parse(
        "[plans.small]\nmax_jobs = 3\nmemory_per_run = \"64MiB\"",
        &Layers::default(),
    )
    .unwrap();
    assert_eq!(config.plans.len(), 2);
    assert_eq!(
        (
            config.plans["small"].max_jobs,
            config.plans["small"].memory_per_run
        ),
        (3, Bytes::mib(64))
    );
}

#[test]
fn all_problems_are_reported_at_once_and_no_secret_is_repeated() {
    let file = r#"
        listen = "nowhere"
        lsten = "127.0.0.1:1"
        max_runs = 0
        monitor_interval = "5 apples"
        log = "info,=x=y"
        registration = "everybody"
        [metadata]
        url = "mongodb://root:s3cret@m/ingest"
        [core_dms]
        url = "https://elastic:s3cret@es:9200"
        username = "elastic"
        [plans.small]
        max_jobs = "many"
        [plans.big]
        max_job = 1
        [nonesuch]
        x = 1
    "#;
    let layers = Layers {
        flags: pairs(&[("lissten", "x")]),
        ..Layers::default()
    };
    let errors = Config::parse(file, &layers).unwrap_err();
    insta::assert_snapshot!(errors);
    assert!(!format!("{errors:?}{errors}").contains("s3cret"));
}

#[test]
fn a_file_that_is_no_toml_is_named_with_its_line() {
    let errors = Config::parse("listen = \n", &Layers::default()).unwrap_err();
    assert!(errors.to_string().contains("line 1"), "{errors}");
}

#[test]
fn kibana_needs_a_real_core_dms_and_a_space_that_can_be() {
    let parse = |text: &str| Config::parse(text, &Layers::default());
    let kibana = "[kibana]\nurl = \"http://kibana:5601\"\n";
    let alone = parse(kibana).unwrap_err().to_string();
    assert!(alone.contains("name that by core_dms.url"), "{alone}");
    let real = format!("[core_dms]\nurl = \"http://es:9200\"\n{kibana}");
    let config = parse(&real).unwrap();
    assert_eq!(config.kibana_url.as_deref(), Some("http://kibana:5601"));
    assert!(parse(&format!("{real}space = \"../other\"\n")).is_err());
    assert!(parse(&format!("{real}space = \"team-a\"\n")).is_ok());
}
