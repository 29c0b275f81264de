//! `ingest search`.

use serde_json::{Value, json};

use super::Context;
use crate::args::SearchArgs;
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::search::{self, BY};
use crate::spec_file::{STDIN, parse_json, read_stdin};

/// What only a whole search body has at its top.
const BODY_FIELDS: [&str; 8] = [
    "query",
    "aggs",
    "aggregations",
    "size",
    "from",
    "sort",
    "_source",
    "track_total_hits",
];

pub(super) async fn run(context: &Context, arguments: SearchArgs) -> Result<Exit, CliError> {
    let query = match arguments.query.as_deref() {
        None => None,
        Some(STDIN) => Some(parse_json(STDIN, &read_stdin()?)?),
        Some(text) => Some(parse_json("--query", text)?),
    };
    let body = body(query, arguments.by.as_deref(), arguments.limit);
    let answer = context
        .client(Role::Client(&arguments.job.client))?
        .search(&arguments.job, &body)
        .await?;
    context.out.show(&answer, |view| match &arguments.by {
        Some(field) => search::counts(field, &answer, view),
        None => search::hits(&answer, view),
    })?;
    Ok(Exit::Ok)
}

/// The search body: the user's own, or one around the user's query.
fn body(query: Option<Value>, by: Option<&str>, limit: u32) -> Value {
    let mut body = match query {
        Some(Value::Object(own)) if BODY_FIELDS.iter().any(|field| own.contains_key(*field)) => {
            Value::Object(own)
        }
        Some(query) => json!({ "query": query }),
        None => json!({}),
    };
    let mut fill = |field: &str, value: Value| {
        if body.get(field).is_none() {
            body[field] = value;
        }
    };
    fill("track_total_hits", true.into());
    fill("size", if by.is_some() { 0 } else { limit }.into());
    if let Some(field) = by {
        body["aggs"] = json!({ BY: { "terms": { "field": field, "size": limit.max(1) } } });
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_put_into_a_body_and_a_body_is_left_as_it_is() {
        let term = json!({ "term": { "carrier": "UA" } });
        assert_eq!(
            body(None, None, 10),
            json!({ "track_total_hits": true, "size": 10 })
        );
        assert_eq!(
            body(Some(term.clone()), None, 5),
            json!({ "query": term, "track_total_hits": true, "size": 5 })
        );
        let own = json!({ "query": term, "size": 1, "track_total_hits": false });
        assert_eq!(body(Some(own.clone()), None, 10), own);
        let by = body(Some(term.clone()), Some("carrier"), 3);
        assert_eq!(by["size"], 0);
        assert_eq!(
            by["aggs"],
            json!({ "by": { "terms": { "field": "carrier", "size": 3 } } })
        );
        assert_eq!(by["query"], term);
    }
}
