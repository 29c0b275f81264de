//! Nanoseconds per record of one thread, step by step: flights' rows and access lines through filters, the platform's
//! statements and the encoder. Prints rows of a Markdown table; `make bench` runs it.

mod access;

use std::io::Read;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wrangling::ast::{Decode, Document as Naming, Program, Statement};
use wrangling::{
    Compiled, Document, Environment, Output, Payload, Record, Reject, Violation, steps,
};

/// How long each figure is measured.
const BUDGET: Duration = Duration::from_secs(2);
const FILE_KEY: &str = "0123456789abcdef01234567";

/// Encodes as a sink that sends nothing, or only counts.
#[derive(Default)]
struct Counting {
    encodes: bool,
    buffer: Vec<u8>,
    documents: u64,
}

impl Output for Counting {
    fn document(&mut self, document: &Document<'_>) {
        self.documents += 1;
        if self.encodes {
            self.buffer.clear();
            self.buffer.extend_from_slice(b"{\"create\":{\"_index\":\"");
            self.buffer.extend_from_slice(document.index.as_bytes());
            self.buffer.extend_from_slice(b"\",\"_id\":\"");
            self.buffer.extend_from_slice(document.id.as_bytes());
            self.buffer.extend_from_slice(b"\"}}\n");
            document.encode(&mut self.buffer);
            self.buffer.push(b'\n');
        }
    }

    fn reject(&mut self, reject: &Reject<'_>) {
        panic!("{reject:?}");
    }
}

fn compile(steps: &Value) -> Result<Compiled, Vec<Violation>> {
    let mut body = vec![Statement::Decode(Decode {
        null_values: vec!["NA".to_owned()],
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
    let environment = Environment {
        clock_ms: 1_700_000_000_000,
        client: "demo".to_owned(),
        job: "flights".to_owned(),
        run: "01J0000000000000000000000".to_owned(),
        revision: 1,
        ..Environment::default()
    };
    Compiled::compile(&Program { body }, &environment)
}

/// Nanoseconds per record of `pass`, which goes over all records once: of the fastest of many, which others disturbed least.
fn nanoseconds(encodes: bool, mut pass: impl FnMut(&mut Counting)) -> f64 {
    let mut output = Counting {
        encodes,
        ..Counting::default()
    };
    let start = Instant::now();
    let mut fastest = f64::INFINITY;
    while start.elapsed() < BUDGET {
        output.documents = 0;
        let began = Instant::now();
        pass(&mut output);
        fastest = fastest.min(began.elapsed().as_secs_f64() * 1e9 / output.documents as f64);
    }
    fastest
}

/// Measures with and without encoding, and prints a row.
fn row(name: &str, mut pass: impl FnMut(&mut Counting)) {
    let with = nanoseconds(true, &mut pass);
    let without = nanoseconds(false, &mut pass);
    let encoding = (with - without).max(0.0);
    println!("| one thread: {name} | {with:.0} ns a record, {encoding:.0} of it encoding |");
}

/// Programs of one more step each.
fn growing(steps: &[(&str, Value)]) -> Vec<(String, Value)> {
    let upto = |count: usize| -> (String, Value) {
        let (names, values): (Vec<&str>, Vec<Value>) = steps.iter().take(count).cloned().unzip();
        (names.join(" + "), Value::Array(values))
    };
    (0..=steps.len()).map(upto).collect()
}

fn flights() -> Result<(), Vec<Violation>> {
    let packed = include_bytes!("../../../clientapps/flights/flights-2013-01.csv.gz");
    let mut text = String::new();
    if flate2::read::GzDecoder::new(&packed[..])
        .read_to_string(&mut text)
        .is_err()
    {
        return Err(Vec::new());
    }
    let mut lines = text.lines();
    let header = lines
        .next()
        .unwrap_or_default()
        .split(',')
        .map(str::to_owned);
    let header: Vec<String> = header.collect();
    let rows: Vec<(Vec<&str>, &str)> = lines
        .map(|line| (line.split(',').collect(), line))
        .collect();
    for (name, steps) in growing(&access::flights_steps()) {
        let compiled = compile(&steps)?;
        let columns = compiled.bind_columns(&header)?;
        let mut scratch = compiled.scratch();
        row(&format!("flights, rows{}", after(&name)), |output| {
            for (position, (values, raw)) in (0_u64..).zip(&rows) {
                let payload = Payload::Row {
                    columns: &columns,
                    values,
                    raw,
                };
                let record = Record {
                    payload,
                    position,
                    file_key: FILE_KEY,
                };
                compiled.run(&record, &mut scratch, output);
            }
        });
    }
    Ok(())
}

/// Measures steps over lines.
fn lines_row(name: &str, steps: &Value, lines: &[String]) -> Result<(), Vec<Violation>> {
    let compiled = compile(steps)?;
    let mut scratch = compiled.scratch();
    row(name, |output| {
        for (position, line) in (0_u64..).zip(lines) {
            let record = Record {
                payload: Payload::Line(line),
                position,
                file_key: FILE_KEY,
            };
            compiled.run(&record, &mut scratch, output);
        }
    });
    Ok(())
}

fn apache() -> Result<(), Vec<Violation>> {
    let lines = access::access_lines(100_000);
    for (name, steps) in growing(&access::access_steps()) {
        lines_row(&format!("Apache, lines{}", after(&name)), &steps, &lines)?;
    }
    Ok(())
}

/// The same work by a filter and by a script, and a script that computes.
fn scripts() -> Result<(), Vec<Violation>> {
    let lines = access::access_lines(100_000);
    let script = |source: &str| json!([{"script": {"source": source}}]);
    for (name, steps) in [
        ("nothing", json!([])),
        (
            "mutate",
            json!([{"mutate": {"copy": {"message": "copy"}, "add_field": {"kind": "access"}}}]),
        ),
        (
            "script",
            script("event.copy = event.message; event.kind = \"access\";"),
        ),
        (
            "computing script",
            script("let n = 0; for i in 0..100 { n += i; } event.n = n;"),
        ),
    ] {
        lines_row(&format!("lines, {name}"), &steps, &lines)?;
    }
    Ok(())
}

fn after(name: &str) -> String {
    match name {
        "" => String::new(),
        name => format!(" + {name}"),
    }
}

fn main() {
    for violation in [flights(), apache(), scripts()]
        .into_iter()
        .filter_map(Result::err)
        .flatten()
    {
        eprintln!("{violation}");
    }
}
