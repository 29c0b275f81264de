//! Queries by whole values: `term`, `terms`, `ids`, `prefix`, `exists`.

use super::{
    Context, Parameters, boosted, constant, keyword_term,
    leaf::plain,
    range::{self, Limit},
    text_term,
};
use crate::server::{
    error::{EsError, EsResult},
    mapping::{Field, Kind, ip_key},
    store::FIELDS,
};
use serde_json::Value;
use std::ops::Bound;
use tantivy::{
    Term,
    query::{
        BooleanQuery, EmptyQuery, ExistsQuery, FastFieldRangeQuery, InvertedIndexRangeQuery, Query,
        TermQuery, TermSetQuery,
    },
    schema::IndexRecordOption,
};

/// Most values of one `terms` query.
const MAX_TERMS: usize = 65_536;

pub fn term(context: Context<'_>, body: &Value) -> EsResult<Box<dyn Query>> {
    let (name, mut parameters) = Parameters::of_field("term", body, "value")?;
    let boost = parameters.boost()?;
    let Some(value) = parameters.take("value") else {
        return Err(EsError::illegal("value cannot be null"));
    };
    if parameters
        .take("case_insensitive")
        .is_some_and(|v| v != false)
    {
        return Err(EsError::unsupported("[case_insensitive]"));
    }
    parameters.end()?;
    if name == "_id" {
        return Ok(constant(id_set(&[value])?, boost));
    }
    let Some(field) = context.field(&name) else {
        return Ok(Box::new(EmptyQuery));
    };
    Ok(boosted(value_query(context, field, &value)?, boost))
}

/// Documents that have this value in the field.
pub fn value_query(context: Context<'_>, field: &Field, value: &Value) -> EsResult<Box<dyn Query>> {
    let exact =
        |term: Term| Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn Query>;
    match &field.kind {
        Kind::Keyword { .. } => Ok(exact(keyword_term(field, &plain(value)?))),
        Kind::Text => Ok(exact(text_term(field, &plain(value)?))),
        Kind::Ip => {
            let text = plain(value)?;
            match text.split_once('/') {
                Some((network, bits)) => range::network(field, network, bits),
                None => {
                    let key = ip_key(&text).ok_or_else(|| EsError::illegal(format!("'{text}' is not an IP string literal.")).in_search())?;
                    Ok(exact(keyword_term(field, &key)))
                }
            }
        }
        Kind::GeoPoint => Err(EsError::illegal(format!(
            "Geometry fields do not support exact searching, use dedicated geometry queries instead: [{}]", field.name)).in_search()),
        _ => {
            let limit = |including| Limit { value, including };
            range::between(context, field, Some(limit(true)), Some(limit(true)), None)
        }
    }
}

pub fn terms(context: Context<'_>, body: &Value) -> EsResult<Box<dyn Query>> {
    let mut parameters = Parameters::of("terms", body)?;
    let boost = parameters.boost()?;
    parameters.take("_name");
    let mut fields = parameters.left.into_iter();
    let (Some((name, Value::Array(values))), None) = (fields.next(), fields.next()) else {
        return Err(EsError::parsing(
            "[terms] query requires one field with an array of values",
        ));
    };
    if values.len() > MAX_TERMS {
        return Err(EsError::illegal(format!("The number of terms [{}] used in the Terms Query request has exceeded the allowed maximum of [{MAX_TERMS}]", values.len())).in_search());
    }
    if name == "_id" {
        return Ok(constant(id_set(&values)?, boost));
    }
    let Some(field) = context.field(&name) else {
        return Ok(Box::new(EmptyQuery));
    };
    let of_strings = |term: fn(&Field, &str) -> Term| -> EsResult<Box<dyn Query>> {
        let terms = values
            .iter()
            .map(|value| Ok(term(field, &plain(value)?)))
            .collect::<EsResult<Vec<_>>>()?;
        Ok(Box::new(TermSetQuery::new(terms)))
    };
    let query: Box<dyn Query> = match &field.kind {
        Kind::Keyword { .. } => of_strings(keyword_term)?,
        Kind::Text => of_strings(text_term)?,
        _ => {
            let each = values
                .iter()
                .map(|value| value_query(context, field, value))
                .collect::<EsResult<Vec<_>>>()?;
            Box::new(BooleanQuery::union(each))
        }
    };
    Ok(constant(query, boost))
}

pub fn ids(body: &Value) -> EsResult<Box<dyn Query>> {
    let mut parameters = Parameters::of("ids", body)?;
    let boost = parameters.boost()?;
    let values = match parameters.take("values") {
        Some(Value::Array(values)) => values,
        Some(Value::String(one)) => vec![Value::String(one)],
        _ => return Err(EsError::illegal("[ids] requires values to be specified")),
    };
    parameters.end()?;
    Ok(constant(id_set(&values)?, boost))
}

fn id_set(values: &[Value]) -> EsResult<Box<dyn Query>> {
    let terms = values
        .iter()
        .map(|id| Ok(Term::from_field_text(FIELDS.id, &plain(id)?)))
        .collect::<EsResult<Vec<_>>>()?;
    Ok(Box::new(TermSetQuery::new(terms)))
}

pub fn prefix(context: Context<'_>, body: &Value) -> EsResult<Box<dyn Query>> {
    let (name, mut parameters) = Parameters::of_field("prefix", body, "value")?;
    let boost = parameters.boost()?;
    let value = plain(&parameters.take("value").unwrap_or(Value::Null))?;
    parameters.end()?;
    let Some(field) = context.field(&name) else {
        return Ok(Box::new(EmptyQuery));
    };
    let text = match &field.kind {
        Kind::Keyword { .. } => false,
        Kind::Text => true,
        other => return Err(EsError::new(400, "query_shard_exception", format!(
            "Can only use prefix queries on keyword, text and wildcard fields - not on [{name}] which is of type [{}]", other.name())).in_search()),
    };
    // The strings that start with it lie between it and the next string that does not.
    let term = if text { text_term } else { keyword_term };
    let lower = Bound::Included(term(field, &value));
    let upper = match successor(&value) {
        Some(next) => Bound::Excluded(term(field, &next)),
        None => Bound::Unbounded,
    };
    let query: Box<dyn Query> = match (text, upper) {
        (_, Bound::Unbounded) => exists_of(field),
        (true, upper) => Box::new(InvertedIndexRangeQuery::new(lower, upper)),
        (false, upper) => Box::new(FastFieldRangeQuery::new(lower, upper)),
    };
    Ok(constant(query, boost))
}

/// The smallest string above all that start with `prefix`.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // Scalar values, skipping the surrogates, sort as their UTF-8 does.
        let next = if last == '\u{D7FF}' {
            Some('\u{E000}')
        } else {
            char::from_u32(last as u32 + 1)
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

pub fn exists(context: Context<'_>, body: &Value) -> EsResult<Box<dyn Query>> {
    let mut parameters = Parameters::of("exists", body)?;
    let boost = parameters.boost()?;
    let name = match parameters.take("field") {
        Some(Value::String(name)) => name,
        _ => return Err(EsError::parsing("[exists] must be provided with a [field]")),
    };
    parameters.end()?;
    let fields: Vec<_> = match context.field(&name) {
        Some(field) => vec![field],
        None => context.mapping.below(&name).collect(),
    };
    let each = fields.into_iter().map(|field| exists_of(field)).collect();
    Ok(constant(Box::new(BooleanQuery::union(each)), boost))
}

fn exists_of(field: &Field) -> Box<dyn Query> {
    Box::new(ExistsQuery::new(field.column(), false))
}
