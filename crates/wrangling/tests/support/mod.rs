//! What the tests of whole programs share: a collecting output and short ways to run records.

#![allow(dead_code, reason = "each test uses what it needs")]

pub mod mmdb;

use serde_json::Value;
use wrangling::ast::{Decode, Document as Naming, Program, Statement};
use wrangling::schema::Schema;
use wrangling::{
    Compiled, Document, Environment, Output, Payload, Record, Reject, Resources, Violation, steps,
};

pub const FILE_KEY: &str = "0123456789abcdef01234567";

/// A stored document.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub index: String,
    pub id: String,
    pub source: Value,
}

/// Everything that came out.
#[derive(Debug, Default)]
pub struct Collected {
    pub documents: Vec<Stored>,
    /// Code, step, field, message.
    pub rejects: Vec<[String; 4]>,
}

impl Output for Collected {
    fn document(&mut self, document: &Document<'_>) {
        let mut json = Vec::new();
        document.encode(&mut json);
        let source = serde_json::from_slice(&json).unwrap();
        self.documents.push(Stored {
            index: document.index.to_owned(),
            id: document.id.to_owned(),
            source,
        });
    }

    fn reject(&mut self, reject: &Reject<'_>) {
        self.rejects
            .push([reject.code, reject.step, reject.field, reject.message].map(str::to_owned));
    }
}

/// A job's program, as the platform builds it around a client's steps.
pub struct Job {
    pub decode: Decode,
    pub steps: Value,
    pub schema: Schema,
    pub reject_failures: bool,
    pub index: &'static str,
    pub id: Vec<&'static str>,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            decode: Decode::default(),
            steps: serde_json::json!([]),
            schema: Schema::default(),
            reject_failures: true,
            index: "things",
            id: Vec::new(),
        }
    }
}

pub fn environment() -> Environment {
    Environment {
        clock_ms: 1_700_000_000_000,
        client: "acme".to_owned(),
        job: "things".to_owned(),
        run: "r1".to_owned(),
        revision: 3,
        ..Environment::default()
    }
}

impl Job {
    pub fn program(&self) -> Program {
        let mut body = vec![Statement::Decode(self.decode.clone())];
        body.extend(steps::parse(&self.steps).unwrap());
        if self.reject_failures {
            body.push(Statement::RejectFailures);
        }
        body.extend([
            Statement::DefaultTimestamp,
            Statement::Schema(self.schema.clone()),
            Statement::Provenance,
            Statement::Document(Naming {
                index: self.index.to_owned(),
                id: self.id.iter().map(|field| (*field).to_owned()).collect(),
            }),
        ]);
        Program { body }
    }

    pub fn compiled(&self) -> Compiled {
        Compiled::compile(&self.program(), &environment()).unwrap()
    }

    /// Runs JSON records.
    pub fn json(&self, records: &[&str]) -> Collected {
        self.run(records.iter().map(|text| Payload::Json(text)))
    }

    /// Runs lines.
    pub fn lines(&self, records: &[&str]) -> Collected {
        self.run(records.iter().map(|text| Payload::Line(text)))
    }

    fn run<'a>(&self, payloads: impl Iterator<Item = Payload<'a>>) -> Collected {
        let compiled = self.compiled();
        let (mut scratch, mut collected) = (compiled.scratch(), Collected::default());
        for (position, payload) in (0..).zip(payloads) {
            compiled.run(
                &Record {
                    payload,
                    position,
                    file_key: FILE_KEY,
                },
                &mut scratch,
                &mut collected,
            );
        }
        collected
    }
}

/// An environment whose folder of resources holds these files.
pub fn environment_with(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Environment) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let environment = Environment {
        resources: Resources::Folder(folder.path().to_owned()),
        ..environment()
    };
    (folder, environment)
}

/// What steps alone make of JSON records, without the timestamp.
pub fn documents(
    steps: &Value,
    environment: &Environment,
    records: &[&str],
) -> Result<Vec<Value>, Vec<Violation>> {
    let mut body = vec![Statement::Decode(Decode::default())];
    body.extend(steps::parse_in(steps, "", environment)?);
    let compiled = Compiled::compile(&Program { body }, environment)?;
    let (mut scratch, mut collected) = (compiled.scratch(), Collected::default());
    for (position, record) in (0..).zip(records) {
        let record = Record {
            payload: Payload::Json(record),
            position,
            file_key: FILE_KEY,
        };
        compiled.run(&record, &mut scratch, &mut collected);
    }
    let source = |document: Stored| {
        let mut source = document.source;
        source.as_object_mut().unwrap().remove("@timestamp");
        source
    };
    Ok(collected.documents.into_iter().map(source).collect())
}
