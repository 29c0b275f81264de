//! Addresses of the real services that a test needs, from the environment that `make test` prepares.
//!
//! A test that needs one is in a test target whose name begins with the service's (`tests/elasticsearch….rs`,
//! `tests/mongodb….rs`, `tests/filebeat….rs`, `tests/docker….rs`) or in `tests/e2e….rs`; `tests/run.sh` finds it by that name.

use std::{env, path::PathBuf};

/// Base address of a real Elasticsearch (`ELASTICSEARCH_URL`); `None` only when the suite `elasticsearch` is switched
/// off by name (`SKIP_SUITES`).
///
/// # Panics
/// When there is no address and the suite is not switched off: a test that did not run must not look as if it passed.
pub fn elasticsearch_url() -> Option<String> {
    value("elasticsearch", "ELASTICSEARCH_URL", "start.sh DIR")
}

/// Address of a real Elasticsearch with security on, which holds the name and the password of a superuser
/// (`ELASTICSEARCH_SECURED_URL`, `http://test:password@127.0.0.1:9200`); `None` only when the suite `elasticsearch` is
/// switched off by name (`SKIP_SUITES`).
///
/// # Panics
/// As [`elasticsearch_url`].
pub fn secured_elasticsearch_url() -> Option<String> {
    let script = "start.sh DIR, with ES_PASSWORD";
    value("elasticsearch", "ELASTICSEARCH_SECURED_URL", script)
}

/// Connection string of a server of MongoDB's protocol (`MONGODB_URI`); `None` only when the suite `mongodb` is
/// switched off by name (`SKIP_SUITES`).
///
/// # Panics
/// As [`elasticsearch_url`].
pub fn mongodb_uri() -> Option<String> {
    value("mongodb", "MONGODB_URI", "start.sh DIR")
}

/// Path of a real Filebeat (`FILEBEAT`); `None` only when the suite `filebeat` is switched off by name (`SKIP_SUITES`).
///
/// # Panics
/// As [`elasticsearch_url`].
pub fn filebeat() -> Option<PathBuf> {
    value("filebeat", "FILEBEAT", "install.sh").map(PathBuf::from)
}

/// Path of the reader of Logstash configurations that is not ours (`CONFIG_READER`): JSON strings in, what they hold out,
/// see `tests/services/grammar/go/main.go`; `None` only when the suite `grammar` is switched off by name (`SKIP_SUITES`).
///
/// # Panics
/// As [`elasticsearch_url`].
pub fn config_reader() -> Option<PathBuf> {
    value("grammar", "CONFIG_READER", "install.sh").map(PathBuf::from)
}

/// Address of a real Docker (`DOCKER_HOST`); `None` only when the suite `docker` is switched off by name
/// (`SKIP_SUITES`).
///
/// # Panics
/// As [`elasticsearch_url`].
pub fn docker_host() -> Option<String> {
    value("docker", "DOCKER_HOST", "start.sh DIR")
}

/// What the environment says about a service; `script` of it prints what to set the variable to.
fn value(suite: &str, variable: &str, script: &str) -> Option<String> {
    let skipped = env::var("SKIP_SUITES").unwrap_or_default();
    match decide(suite, env::var(variable).ok(), &skipped) {
        Some(Ok(value)) => Some(value),
        Some(Err(())) => panic!(
            "this test needs a real service: {variable} is not set. `make test` does it; for a single test, set it to \
             what tests/services/{suite}/{script} prints; or switch it off by SKIP_SUITES={suite}"
        ),
        None => {
            eprintln!("switched off: SKIP_SUITES contains {suite}");
            None
        }
    }
}

/// What to do, given the two variables; switching off wins over an address.
fn decide(suite: &str, address: Option<String>, skipped: &str) -> Option<Result<String, ()>> {
    if skipped.split(',').any(|name| name.trim() == suite) {
        return None;
    }
    Some(
        address
            .filter(|address| !address.is_empty())
            .map(|address| address.trim_end_matches('/').to_owned())
            .ok_or(()),
    )
}

#[cfg(test)]
mod tests {
    use super::decide;

    #[test]
    fn a_missing_service_is_an_error_unless_switched_off_by_name() {
        let url = || Some("http://127.0.0.1:9200/".to_owned());
        assert_eq!(
            decide("mongodb", url(), "fmt"),
            Some(Ok("http://127.0.0.1:9200".into()))
        );
        assert_eq!(decide("mongodb", None, "fmt,mongo"), Some(Err(())));
        assert_eq!(decide("mongodb", Some(String::new()), ""), Some(Err(())));
        assert_eq!(decide("mongodb", None, "fmt, mongodb"), None);
        assert_eq!(decide("mongodb", url(), "mongodb"), None);
    }
}
