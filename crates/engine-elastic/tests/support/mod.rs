//! Jobs to be rendered, and texts that try to get in the way.

use domain::worker::DmsEndpoint;
use proptest::prelude::*;
use serde_json::{Value, json};
use wrangling::Environment;

pub fn environment() -> Environment {
    Environment {
        clock_ms: 1_700_000_000_123,
        client: "demo".into(),
        job: "job".into(),
        run: "01m7z5e4qg600j0295bjtag5b6".into(),
        revision: 3,
        ..Environment::default()
    }
}

/// An Elasticsearch that asks for no credentials.
pub fn open_dms() -> DmsEndpoint {
    DmsEndpoint {
        url: "http://127.0.0.1:9200".into(),
        api_key_file: None,
        username: None,
        password_file: None,
        ca_file: None,
    }
}

pub fn job(format: &str, schema: Value) -> Value {
    json!({
        "mode": "batch",
        "format": { "type": format },
        "schema": { "fields": schema },
        "destination": { "index": "rows" },
    })
}

/// Texts that try to break out of their place.
pub fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,4}",
        Just("\"".to_owned()),
        Just("'".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("${HOME}".to_owned()),
        Just("${".to_owned()),
        Just("%{message}".to_owned()),
        Just("%{".to_owned()),
        Just("}".to_owned()),
        Just("=> }".to_owned()),
        Just("# x\n".to_owned()),
        Just("]".to_owned()),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Three times of four a text that offends nobody: a job of hostile texts alone is nearly always refused.
pub fn or_plain(
    plain: &'static str,
    texts: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(plain.to_owned()), 1 => texts]
}
