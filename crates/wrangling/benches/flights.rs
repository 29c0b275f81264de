//! Records per second of one thread: flights CSV rows through convert, date and the platform's statements.
//!
//! `cargo bench -p wrangling --bench flights -- <flights.csv> [seconds] [row|line|json]`; the file is plain CSV with a header line and no quotes.

use std::time::{Duration, Instant};

use wrangling::ast::{Decode, Document as Naming, Program, Statement};
use wrangling::{
    Compiled, Document, Environment, Output, Payload, Record, Reject, Violation, steps,
};

/// Measures one way through the program.
type Bench = fn(&str, Duration) -> Result<(), Vec<Violation>>;

/// Counts and encodes, as a sink that sends nothing.
#[derive(Default)]
struct Counting {
    buffer: Vec<u8>,
    documents: u64,
    rejects: u64,
    bytes: u64,
}

impl Output for Counting {
    fn document(&mut self, document: &Document<'_>) {
        self.buffer.clear();
        self.buffer.extend_from_slice(b"{\"create\":{\"_index\":\"");
        self.buffer.extend_from_slice(document.index.as_bytes());
        self.buffer.extend_from_slice(b"\",\"_id\":\"");
        self.buffer.extend_from_slice(document.id.as_bytes());
        self.buffer.extend_from_slice(b"\"}}\n");
        document.encode(&mut self.buffer);
        self.buffer.push(b'\n');
        self.documents += 1;
        self.bytes += self.buffer.len() as u64;
    }

    fn reject(&mut self, _: &Reject<'_>) {
        self.rejects += 1;
    }
}

fn convert_and_date() -> serde_json::Value {
    let integers = [
        "year",
        "month",
        "day",
        "dep_time",
        "sched_dep_time",
        "dep_delay",
        "arr_time",
        "sched_arr_time",
        "arr_delay",
        "flight",
        "air_time",
        "distance",
        "hour",
        "minute",
    ];
    let convert: serde_json::Map<_, _> = integers
        .iter()
        .map(|name| ((*name).to_owned(), "integer".into()))
        .collect();
    serde_json::json!([
        {"mutate": {"convert": convert}},
        {"date": {"match": ["time_hour", "ISO8601"]}},
    ])
}

fn program(steps: &serde_json::Value, null_values: &[&str]) -> Result<Program, Vec<Violation>> {
    let null_values = null_values.iter().map(|text| (*text).to_owned()).collect();
    let mut body = vec![Statement::Decode(Decode {
        null_values,
        keep_original: false,
    })];
    body.extend(steps::parse(steps)?);
    body.extend([
        Statement::RejectFailures,
        Statement::DefaultTimestamp,
        Statement::Provenance,
        Statement::Document(Naming {
            index: "flights".to_owned(),
            id: Vec::new(),
        }),
    ]);
    Ok(Program { body })
}

fn compile(program: &Program) -> Result<Compiled, Vec<Violation>> {
    let environment = Environment {
        clock_ms: 1_700_000_000_000,
        client: "demo".to_owned(),
        job: "flights".to_owned(),
        run: "01J0000000000000000000000".to_owned(),
        revision: 1,
        ..Environment::default()
    };
    Compiled::compile(program, &environment)
}

/// Time this thread spent on a processor, so that a busy machine does not blur the figure; else time since `start`.
fn busy(start: Instant) -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match schedstat
        .split(' ')
        .next()
        .and_then(|nanos| nanos.parse().ok())
    {
        Some(nanos) => Duration::from_nanos(nanos),
        None => start.elapsed(),
    }
}

/// Runs `pass` over the records until the time is up and prints the rate.
fn measure(name: &str, budget: Duration, mut pass: impl FnMut(&mut Counting) -> u64) {
    let mut output = Counting::default();
    pass(&mut output);
    let (start, mut records) = (Instant::now(), 0_u64);
    let before = busy(start);
    while start.elapsed() < budget {
        records += pass(&mut output);
    }
    let rate = records as f64 / busy(start).saturating_sub(before).as_secs_f64();
    let mean = output.bytes / output.documents.max(1);
    println!(
        "{name:<34} {:>7.0} ns/record {:>6.2} M records/s ({mean} bytes each, {} rejects)",
        1e9 / rate,
        rate / 1e6,
        output.rejects
    );
}

fn bench_rows(text: &str, budget: Duration) -> Result<(), Vec<Violation>> {
    let compiled = compile(&program(&convert_and_date(), &["NA"])?)?;
    let mut lines = text.lines();
    let header: Vec<String> = lines
        .next()
        .unwrap_or_default()
        .split(',')
        .map(str::to_owned)
        .collect();
    let columns = compiled.bind_columns(&header)?;
    let rows: Vec<(Vec<&str>, &str)> = lines
        .map(|line| (line.split(',').collect(), line))
        .collect();
    let mut scratch = compiled.scratch();
    measure("row + convert + date", budget, |output| {
        for (position, (values, raw)) in (0_u64..).zip(&rows) {
            let payload = Payload::Row {
                columns: &columns,
                values,
                raw,
            };
            compiled.run(
                &Record {
                    payload,
                    position,
                    file_key: "0123456789abcdef01234567",
                },
                &mut scratch,
                output,
            );
        }
        rows.len() as u64
    });
    Ok(())
}

fn bench_lines(text: &str, budget: Duration) -> Result<(), Vec<Violation>> {
    let header: Vec<&str> = text.lines().next().unwrap_or_default().split(',').collect();
    let csv = serde_json::json!({"csv": {"columns": header, "remove_field": "message"}});
    let mut steps = vec![csv];
    steps.extend(convert_and_date().as_array().into_iter().flatten().cloned());
    // the fields that hold NA do not convert: without nulls of a format, a condition removes them
    for field in [
        "dep_time",
        "dep_delay",
        "arr_time",
        "arr_delay",
        "air_time",
        "tailnum",
    ] {
        let remove = serde_json::json!({"mutate": {"remove_field": field}});
        steps.insert(
            1,
            serde_json::json!({"if": format!("[{field}] == \"NA\""), "then": [remove]}),
        );
    }
    let compiled = compile(&program(&serde_json::Value::Array(steps), &[])?)?;
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let mut scratch = compiled.scratch();
    measure("line + csv filter + convert + date", budget, |output| {
        for (position, line) in (0_u64..).zip(&lines) {
            let record = Record {
                payload: Payload::Line(line),
                position,
                file_key: "0123456789abcdef01234567",
            };
            compiled.run(&record, &mut scratch, output);
        }
        lines.len() as u64
    });
    Ok(())
}

fn bench_json(text: &str, budget: Duration) -> Result<(), Vec<Violation>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let object = |line: &str| {
        let members = header
            .iter()
            .zip(line.split(','))
            .map(|(name, value)| ((*name).to_owned(), value.into()));
        serde_json::Value::Object(members.collect()).to_string()
    };
    let records: Vec<String> = lines.map(object).collect();
    let compiled = compile(&program(
        &serde_json::json!([{"date": {"match": ["time_hour", "ISO8601"]}}]),
        &[],
    )?)?;
    let mut scratch = compiled.scratch();
    measure("json + date", budget, |output| {
        for (position, json) in (0_u64..).zip(&records) {
            let record = Record {
                payload: Payload::Json(json),
                position,
                file_key: "0123456789abcdef01234567",
            };
            compiled.run(&record, &mut scratch, output);
        }
        records.len() as u64
    });
    Ok(())
}

/// Access lines of a made-up site, the same in every run.
fn access_lines(count: u64) -> Vec<String> {
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

fn bench_apache(_: &str, budget: Duration) -> Result<(), Vec<Violation>> {
    let steps = serde_json::json!([
        {"grok": {"match": {"message": "%{COMBINEDAPACHELOG}"}}},
        {"date": {"match": ["timestamp", "dd/MMM/yyyy:HH:mm:ss Z"], "remove_field": "timestamp"}},
    ]);
    let compiled = compile(&program(&steps, &[])?)?;
    let lines = access_lines(100_000);
    let mut scratch = compiled.scratch();
    measure("line + grok + date", budget, |output| {
        for (position, line) in (0_u64..).zip(&lines) {
            let record = Record {
                payload: Payload::Line(line),
                position,
                file_key: "0123456789abcdef01234567",
            };
            compiled.run(&record, &mut scratch, output);
        }
        lines.len() as u64
    });
    Ok(())
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let Some(path) = arguments.first() else {
        println!(
            "usage: cargo bench -p wrangling --bench flights -- <flights.csv> [seconds] [row|line|json]"
        );
        return;
    };
    let seconds = arguments
        .get(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(3.0);
    let budget = Duration::from_secs_f64(seconds);
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let all: [(&str, Bench); 4] = [
                ("apache", bench_apache),
                ("row", bench_rows),
                ("line", bench_lines),
                ("json", bench_json),
            ];
            let chosen = all
                .into_iter()
                .filter(|(name, _)| arguments.get(2).is_none_or(|only| only == name));
            let results = chosen.map(|(_, bench)| bench(&text, budget));
            for violation in results.filter_map(Result::err).flatten() {
                eprintln!("{violation}");
            }
        }
        Err(error) => eprintln!("{path} cannot be read: {error}"),
    }
}
