//! Input of benchmarks: steps for the flights, and lines of an Apache access log with steps for them.

use serde_json::{Value, json};

/// Access lines of a made-up site, the same in every run.
pub fn access_lines(count: u64) -> Vec<String> {
    let agents = [
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "curl/8.5.0",
    ];
    let paths = [
        "/",
        "/index.html",
        "/img/logo.png?v=3",
        "/api/v1/flights/1545/seats",
    ];
    let line = |n: u64| {
        let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let pick = |of: &[&'static str], by: u64| of[(mixed / by % of.len() as u64) as usize];
        format!(
            "10.{}.{}.{} - {} [{:02}/Mar/2013:{:02}:{:02}:{:02} +0100] \"{} {} HTTP/1.1\" {} {} \"{}\" \"{}\"",
            mixed % 256,
            mixed / 7 % 256,
            n % 254 + 1,
            pick(&["-", "-", "-", "frank"], 11),
            n / 86_400 % 28 + 1,
            n / 3600 % 24,
            n / 60 % 60,
            n % 60,
            pick(&["GET", "GET", "GET", "POST"], 13),
            pick(&paths, 17),
            pick(&["200", "200", "304", "404"], 19),
            mixed % 50_000,
            pick(&["-", "http://example.org/start.html"], 23),
            pick(&agents, 29),
        )
    };
    (0..count).map(line).collect()
}

/// What is measured for the flights, filter by filter.
pub fn flights_steps() -> Vec<(&'static str, Value)> {
    let integers = ["dep_delay", "arr_delay", "air_time", "distance"];
    let convert: serde_json::Map<_, _> = integers
        .iter()
        .map(|name| ((*name).to_owned(), "integer".into()))
        .collect();
    let carriers = json!({
        "9E": "Endeavor Air", "AA": "American Airlines", "AS": "Alaska Airlines", "B6": "JetBlue Airways",
        "DL": "Delta Air Lines", "EV": "ExpressJet Airlines", "F9": "Frontier Airlines", "FL": "AirTran Airways",
        "HA": "Hawaiian Airlines", "MQ": "Envoy Air", "OO": "SkyWest Airlines", "UA": "United Air Lines",
        "US": "US Airways", "VX": "Virgin America", "WN": "Southwest Airlines", "YV": "Mesa Airlines",
    });
    vec![
        ("convert", json!({"mutate": {"convert": convert}})),
        ("date", json!({"date": {"match": ["time_hour", "ISO8601"]}})),
        (
            "translate",
            json!({"translate": {"source": "carrier", "target": "carrier_name", "dictionary": carriers}}),
        ),
    ]
}

/// What is measured for access lines.
pub fn access_steps() -> Vec<(&'static str, Value)> {
    vec![
        (
            "grok COMBINEDAPACHELOG",
            json!({"grok": {"match": {"message": "%{COMBINEDAPACHELOG}"}}}),
        ),
        (
            "date",
            json!({"date": {"match": ["timestamp", "dd/MMM/yyyy:HH:mm:ss Z"], "remove_field": "timestamp"}}),
        ),
    ]
}
