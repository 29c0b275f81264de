//! `bool` and `constant_score`.

use super::{Context, Parameters, boosted, compile, constant};
use crate::server::error::{EsError, EsResult};
use serde_json::Value;
use tantivy::query::{AllQuery, BooleanQuery, EmptyQuery, Occur, Query};

/// Most clauses of one `bool`.
const MAX_CLAUSES: usize = 1024;

pub fn boolean(context: Context<'_>, body: &Value) -> EsResult<Box<dyn Query>> {
    let mut parameters = Parameters::of("bool", body)?;
    let boost = parameters.boost()?;
    let mut clauses = |name: &str| -> EsResult<Vec<Box<dyn Query>>> {
        match parameters.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => list.iter().map(|query| compile(context, query)).collect(),
            Some(query) => Ok(vec![compile(context, &query)?]),
        }
    };
    let (must, filter) = (clauses("must")?, clauses("filter")?);
    let (should, must_not) = (clauses("should")?, clauses("must_not")?);
    let required = parameters.take("minimum_should_match");
    parameters.end()?;
    if must.len() + filter.len() + should.len() + must_not.len() > MAX_CLAUSES {
        return Err(EsError::illegal(format!(
            "too many clauses in a bool query: more than {MAX_CLAUSES}"
        )));
    }
    let alone = must.is_empty() && filter.is_empty();
    let minimum = match required {
        None => usize::from(alone && !should.is_empty()),
        Some(value) => minimum(&value, should.len())?,
    };
    if minimum > should.len() {
        return Ok(Box::new(EmptyQuery));
    }
    if alone && should.is_empty() && must_not.is_empty() {
        return Ok(constant(Box::new(AllQuery), boost));
    }
    let mut all: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    // Something positive must be there for the exclusions to exclude from.
    if alone && minimum == 0 {
        all.push((Occur::Must, constant(Box::new(AllQuery), 0.0)));
    }
    all.extend(must.into_iter().map(|query| (Occur::Must, query)));
    all.extend(
        filter
            .into_iter()
            .map(|query| (Occur::Must, constant(query, 0.0))),
    );
    all.extend(must_not.into_iter().map(|query| (Occur::MustNot, query)));
    if minimum > 0 {
        let should = should
            .into_iter()
            .map(|query| (Occur::Should, query))
            .collect();
        let group = BooleanQuery::with_minimum_required_clauses(should, minimum);
        all.push((Occur::Must, Box::new(group)));
    } else {
        all.extend(should.into_iter().map(|query| (Occur::Should, query)));
    }
    Ok(boosted(Box::new(BooleanQuery::new(all)), boost))
}

/// `minimum_should_match`: a number or percentage, negative ones count from the top.
pub fn minimum(value: &Value, clauses: usize) -> EsResult<usize> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let wrong = || EsError::unsupported(format!("[minimum_should_match: {text}]"));
    let all = clauses as i64;
    let wanted = match text.strip_suffix('%') {
        Some(percent) => {
            let percent: i64 = percent.parse().map_err(|_| wrong())?;
            let part = percent.saturating_mul(all) / 100;
            if percent < 0 { all + part } else { part }
        }
        None => match text.parse::<i64>().map_err(|_| wrong())? {
            negative if negative < 0 => all + negative,
            number => number,
        },
    };
    Ok(usize::try_from(wanted).unwrap_or(0))
}

pub fn constant_score(context: Context<'_>, body: &Value) -> EsResult<Box<dyn Query>> {
    let mut parameters = Parameters::of("constant_score", body)?;
    let boost = parameters.boost()?;
    let Some(filter) = parameters.take("filter") else {
        return Err(EsError::parsing(
            "[constant_score] requires a 'filter' element",
        ));
    };
    parameters.end()?;
    Ok(constant(compile(context, &filter)?, boost))
}
