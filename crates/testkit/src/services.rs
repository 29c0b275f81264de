//! Addresses of the real services that a test needs, from the environment that `make test` prepares.
//!
//! A test that needs one is in a test target whose name begins with the service's (`tests/elasticsearch….rs`,
//! `tests/mongodb….rs`) or in `tests/e2e….rs`; `tests/run.sh` finds it by that name.

use std::env;

/// Base address of a real Elasticsearch (`ELASTICSEARCH_URL`); `None` only when the suite `elasticsearch` is switched
/// off by name (`SKIP_SUITES`).
///
/// # Panics
/// When there is no address and the suite is not switched off: a test that did not run must not look as if it passed.
pub fn elasticsearch_url() -> Option<String> {
    address("elasticsearch", "ELASTICSEARCH_URL")
}

/// Connection string of a server of MongoDB's protocol (`MONGODB_URI`); `None` only when the suite `mongodb` is
/// switched off by name (`SKIP_SUITES`).
///
/// # Panics
/// As [`elasticsearch_url`].
pub fn mongodb_uri() -> Option<String> {
    address("mongodb", "MONGODB_URI")
}

fn address(suite: &str, variable: &str) -> Option<String> {
    let skipped = env::var("SKIP_SUITES").unwrap_or_default();
    match decide(suite, env::var(variable).ok(), &skipped) {
        Some(Ok(address)) => Some(address),
        Some(Err(())) => panic!(
            "this test needs a real service: {variable} is not set. `make test` starts one; for a single test, \
             tests/services/{suite}/start.sh DIR prints an address to set it to; or switch it off by SKIP_SUITES={suite}"
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
