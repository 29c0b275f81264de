//! `match` and `match_phrase`: words for text fields, values for all others.

use super::{Context, Parameters, boosted, compound::minimum, terms::value_query, text_term};
use crate::server::{
    error::{EsError, EsResult},
    mapping::{Kind, tokens},
};
use serde_json::Value;
use tantivy::{
    query::{BooleanQuery, EmptyQuery, Occur, PhraseQuery, Query, TermQuery},
    schema::IndexRecordOption,
};

pub fn match_query(context: Context<'_>, body: &Value) -> EsResult<Box<dyn Query>> {
    let (name, mut parameters) = Parameters::of_field("match", body, "query")?;
    let boost = parameters.boost()?;
    let Some(value) = parameters.take("query") else {
        return Err(EsError::parsing("No text specified for text query"));
    };
    let operator = parameters.take("operator");
    let and = match operator
        .as_ref()
        .map(|o| o.as_str().unwrap_or_default().to_ascii_lowercase())
        .as_deref()
    {
        None | Some("or") => false,
        Some("and") => true,
        Some(other) => {
            return Err(EsError::illegal(format!(
                "No enum constant for operator [{other}]"
            )));
        }
    };
    let required = parameters.take("minimum_should_match");
    parameters.end()?;
    let Some(field) = context.field(&name) else {
        return Ok(Box::new(EmptyQuery));
    };
    if field.kind != Kind::Text {
        return Ok(boosted(value_query(context, field, &value)?, boost));
    }
    let words = tokens(&plain(&value)?);
    let required = match required {
        _ if and => words.len(),
        Some(required) => minimum(&required, words.len())?.max(1),
        None => 1,
    };
    let clauses: Vec<(Occur, Box<dyn Query>)> = words
        .iter()
        .map(|word| {
            let term = TermQuery::new(text_term(field, word), IndexRecordOption::WithFreqs);
            (Occur::Should, Box::new(term) as Box<dyn Query>)
        })
        .collect();
    if clauses.is_empty() || required > clauses.len() {
        return Ok(Box::new(EmptyQuery));
    }
    Ok(boosted(
        Box::new(BooleanQuery::with_minimum_required_clauses(
            clauses, required,
        )),
        boost,
    ))
}

pub fn match_phrase(context: Context<'_>, body: &Value) -> EsResult<Box<dyn Query>> {
    let (name, mut parameters) = Parameters::of_field("match_phrase", body, "query")?;
    let boost = parameters.boost()?;
    let Some(value) = parameters.take("query") else {
        return Err(EsError::parsing("No text specified for text query"));
    };
    match parameters.take("slop") {
        None => {}
        Some(slop) if slop == 0 => {}
        Some(_) => return Err(EsError::unsupported("[slop] of match_phrase")),
    }
    parameters.end()?;
    let Some(field) = context.field(&name) else {
        return Ok(Box::new(EmptyQuery));
    };
    if field.kind != Kind::Text {
        return Ok(boosted(value_query(context, field, &value)?, boost));
    }
    let terms: Vec<_> = tokens(&plain(&value)?)
        .iter()
        .map(|word| text_term(field, word))
        .collect();
    let query: Box<dyn Query> = match &terms[..] {
        [] => Box::new(EmptyQuery),
        [one] => Box::new(TermQuery::new(one.clone(), IndexRecordOption::WithFreqs)),
        _ => Box::new(PhraseQuery::new(terms)),
    };
    Ok(boosted(query, boost))
}

/// A scalar as text.
pub fn plain(value: &Value) -> EsResult<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Null => Err(EsError::illegal("value cannot be null")),
        _ => Err(EsError::parsing(
            "unexpected object or array in place of a value",
        )),
    }
}
