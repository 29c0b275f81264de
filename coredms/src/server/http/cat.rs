//! `_cat`: tables for people, or as JSON.

use super::{Answer, Call, answer::Body};
use crate::server::error::{EsError, EsResult};
use serde_json::{Map, Value, json};

const COMMON: &[&str] = &["h", "v", "s", "bytes", "time", "health", "pri"];

/// `_cat/indices`.
pub fn indices(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    let columns = [
        "health",
        "status",
        "index",
        "uuid",
        "pri",
        "rep",
        "docs.count",
        "docs.deleted",
        "store.size",
        "pri.store.size",
        "dataset.size",
    ];
    let rows = call
        .app
        .store
        .resolve(expression, call.scope())?
        .into_iter()
        .map(|index| {
            let meta = index.meta();
            let bytes = size(index.disk_bytes(), call.parameter("bytes"));
            vec![
                "green".into(),
                "open".into(),
                meta.name,
                meta.uuid,
                "1".into(),
                "0".into(),
                index.count().to_string(),
                index.deleted().to_string(),
                bytes.clone(),
                bytes.clone(),
                bytes,
            ]
        })
        .collect();
    table(call, &columns, rows)
}

/// `_cat/count`.
pub fn count(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    let mut count = 0;
    for index in call.app.store.resolve(expression, call.scope())? {
        count += index.searcher()?.num_docs();
    }
    let seconds = call.now_ms / 1000;
    let time = jiff::Timestamp::from_second(seconds)
        .map(|t| t.strftime("%H:%M:%S").to_string())
        .unwrap_or_default();
    table(
        call,
        &["epoch", "timestamp", "count"],
        vec![vec![seconds.to_string(), time, count.to_string()]],
    )
}

fn size(bytes: u64, unit: Option<&str>) -> String {
    let units = [
        ("b", 1u64),
        ("kb", 1 << 10),
        ("mb", 1 << 20),
        ("gb", 1 << 30),
        ("tb", 1 << 40),
    ];
    if let Some((_, divisor)) = units.iter().find(|(name, _)| Some(*name) == unit) {
        return (bytes / divisor).to_string();
    }
    let (name, divisor) = units
        .iter()
        .rev()
        .find(|(_, divisor)| bytes >= *divisor)
        .unwrap_or(&units[0]);
    if *divisor == 1 {
        format!("{bytes}b")
    } else {
        format!("{:.1}{name}", bytes as f64 / *divisor as f64)
    }
}

fn table(call: &Call<'_>, columns: &[&str], mut rows: Vec<Vec<String>>) -> EsResult<Answer> {
    call.allow(COMMON)?;
    let place = |name: &str| columns.iter().position(|column| *column == name);
    if let Some(sort) = call.parameter("s") {
        let (name, direction) = sort.split_once(':').unwrap_or((sort, "asc"));
        let column = place(name).ok_or_else(|| {
            EsError::illegal(format!("Unable to sort by unknown sort key `{name}`"))
        })?;
        rows.sort_by(
            |a, b| match (a[column].parse::<f64>(), b[column].parse::<f64>()) {
                (Ok(a), Ok(b)) => a.total_cmp(&b),
                _ => a[column].cmp(&b[column]),
            },
        );
        if direction == "desc" {
            rows.reverse();
        }
    }
    let shown: Vec<usize> = match call.parameter("h") {
        None => (0..columns.len()).collect(),
        Some(names) => names.split(',').filter_map(place).collect(),
    };
    if call.parameter("format") == Some("json") {
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| {
                Value::Object(
                    shown
                        .iter()
                        .map(|n| (columns[*n].to_owned(), json!(row[*n])))
                        .collect::<Map<_, _>>(),
                )
            })
            .collect();
        return Ok(Answer::ok(Value::Array(rows)));
    }
    if call.flag("v") {
        rows.insert(
            0,
            columns.iter().map(|column| (*column).to_owned()).collect(),
        );
    }
    let widths: Vec<usize> = shown
        .iter()
        .map(|n| {
            rows.iter()
                .map(|row| row[*n].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = shown
            .iter()
            .zip(&widths)
            .map(|(n, width)| format!("{:width$}", row[*n]))
            .collect();
        text.push_str(cells.join(" ").trim_end());
        text.push('\n');
    }
    Ok(Answer {
        status: 200,
        body: Body::Text(text),
    })
}
