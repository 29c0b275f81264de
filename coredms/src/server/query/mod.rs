//! Elasticsearch's query language, compiled to the search library's queries for one mapping.
//!
//! A field that the mapping does not have matches nothing, as with Elasticsearch. A query or
//! parameter that is not known here is refused. Scores rank by BM25 as Elasticsearch's do, but
//! their values differ: only which documents match, and in which order by `sort`, is the same.

mod compound;
mod leaf;
mod range;
mod terms;

use super::{
    error::{EsError, EsResult},
    mapping::{Field, Mapping},
    store::FIELDS,
};
use serde_json::{Map, Value};
use std::sync::Arc;
use tantivy::{
    Term,
    query::{AllQuery, BoostQuery, ConstScoreQuery, EmptyQuery, Query},
};

/// What queries are compiled by.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The fields.
    pub mapping: &'a Mapping,
    /// The time that `now` means, milliseconds since 1970.
    pub now_ms: i64,
    depth: usize,
}

/// Deepest nesting of queries.
const MAX_DEPTH: usize = 30;

impl<'a> Context<'a> {
    /// A context for one mapping.
    pub fn new(mapping: &'a Mapping, now_ms: i64) -> Self {
        Self {
            mapping,
            now_ms,
            depth: 0,
        }
    }

    fn field(&self, name: &str) -> Option<&'a Arc<Field>> {
        self.mapping.find(name)
    }
}

/// Compiles a query object.
///
/// # Errors
/// 400 for what Elasticsearch refuses, 501 for what only Elasticsearch can.
pub fn compile(context: Context<'_>, query: &Value) -> EsResult<Box<dyn Query>> {
    let context = Context {
        depth: context.depth + 1,
        ..context
    };
    if context.depth > MAX_DEPTH {
        return Err(EsError::illegal(format!(
            "The nested depth of the query exceeds the maximum nested depth for queries set in [{MAX_DEPTH}]"
        )));
    }
    let Some(object) = query.as_object() else {
        return Err(EsError::parsing(
            "query malformed, no start_object after query name",
        ));
    };
    let mut members = object.iter();
    let (name, body) = match (members.next(), members.next()) {
        (Some(member), None) => member,
        (None, _) => return Err(EsError::illegal("query malformed, empty clause found")),
        (Some((first, _)), Some((second, _))) => {
            return Err(EsError::parsing(format!(
                "[{first}] malformed query, expected [END_OBJECT] but found [FIELD_NAME] ({second})"
            )));
        }
    };
    match name.as_str() {
        "match_all" => {
            let mut parameters = Parameters::of(name, body)?;
            let boost = parameters.boost()?;
            parameters.end()?;
            Ok(constant(Box::new(AllQuery), boost))
        }
        "match_none" => Ok(Box::new(EmptyQuery)),
        "bool" => compound::boolean(context, body),
        "constant_score" => compound::constant_score(context, body),
        "match" => leaf::match_query(context, body),
        "match_phrase" => leaf::match_phrase(context, body),
        "term" => terms::term(context, body),
        "terms" => terms::terms(context, body),
        "ids" => terms::ids(body),
        "prefix" => terms::prefix(context, body),
        "exists" => terms::exists(context, body),
        "range" => range::range(context, body),
        "boosting"
        | "dis_max"
        | "function_score"
        | "fuzzy"
        | "geo_bounding_box"
        | "geo_distance"
        | "geo_polygon"
        | "geo_shape"
        | "has_child"
        | "has_parent"
        | "intervals"
        | "knn"
        | "match_bool_prefix"
        | "match_phrase_prefix"
        | "more_like_this"
        | "multi_match"
        | "nested"
        | "percolate"
        | "query_string"
        | "regexp"
        | "script"
        | "script_score"
        | "simple_query_string"
        | "span_term"
        | "terms_set"
        | "wildcard" => Err(EsError::unsupported(format!("the query [{name}]"))),
        other => Err(
            EsError::parsing(format!("unknown query [{other}]")).because(
                "named_object_not_found_exception",
                format!("unknown field [{other}]"),
            ),
        ),
    }
}

/// The parameters of a query: each is taken once, and none may be left.
struct Parameters<'a> {
    query: &'a str,
    left: Map<String, Value>,
}

impl<'a> Parameters<'a> {
    fn of(query: &'a str, body: &Value) -> EsResult<Self> {
        match body {
            Value::Object(object) => Ok(Self {
                query,
                left: object.clone(),
            }),
            _ => Err(EsError::parsing(format!(
                "[{query}] query malformed, no start_object after query name"
            ))),
        }
    }

    /// `{"<field>": {parameters}}` or `{"<field>": value}`, which stands for one parameter.
    fn of_field(query: &'a str, body: &Value, short: &str) -> EsResult<(String, Self)> {
        let object = Self::of(query, body)?.left;
        let mut members = object.into_iter();
        let (Some((field, value)), None) = (members.next(), members.next()) else {
            return Err(EsError::parsing(format!(
                "[{query}] query doesn't support multiple fields or none"
            )));
        };
        let left = match value {
            Value::Object(object) => object,
            Value::Array(_) => {
                return Err(EsError::parsing(format!(
                    "[{query}] query does not support array of values"
                )));
            }
            other => Map::from_iter([(short.to_owned(), other)]),
        };
        Ok((field, Self { query, left }))
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.left.shift_remove(name)
    }

    fn boost(&mut self) -> EsResult<f32> {
        match self.take("boost") {
            None => Ok(1.0),
            Some(boost) => boost
                .as_f64()
                .filter(|b| *b >= 0.0)
                .map(|b| b as f32)
                .ok_or_else(|| {
                    EsError::illegal(format!(
                        "[boost] must be a number of 0 or more, found [{boost}]"
                    ))
                }),
        }
    }

    fn end(mut self) -> EsResult<()> {
        self.take("_name");
        match self.left.keys().next() {
            None => Ok(()),
            Some(other) => Err(EsError::parsing(format!(
                "[{}] query does not support [{other}]",
                self.query
            ))),
        }
    }
}

fn constant(query: Box<dyn Query>, score: f32) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, score))
}

fn boosted(query: Box<dyn Query>, boost: f32) -> Box<dyn Query> {
    if boost == 1.0 {
        query
    } else {
        Box::new(BoostQuery::new(query, boost))
    }
}

fn keyword_term(field: &Field, value: &str) -> Term {
    string_term(FIELDS.keyword, field, value)
}

fn text_term(field: &Field, value: &str) -> Term {
    string_term(FIELDS.text, field, value)
}

fn string_term(group: tantivy::schema::Field, field: &Field, value: &str) -> Term {
    let mut term = Term::from_field_json_path(group, &field.key, false);
    term.append_type_and_str(value);
    term
}
