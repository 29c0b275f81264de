//! The bundled job over its 27,004 real records: every document as it must be, the report, the file put away; and again.

use std::{collections::BTreeMap, fs, io::Read as _, path::PathBuf};

use api::client::SpecText;
use domain::run::RunState;
use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};

use crate::harness::{Configuration, Job, Options, Platform, Tenant, checksum};

const FILE: &str = "flights-2013-01.csv.gz";
const RECORDS: u64 = 27_004;

fn bundled(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../clientapps/flights")
        .join(name)
}

async fn flights<'t, 'p>(tenant: &'t Tenant<'p>) -> Job<'t, 'p> {
    let spec = fs::read_to_string(bundled("job.yaml")).unwrap();
    let id = tenant.named("flights");
    let put = tenant
        .api()
        .put_job(&id, SpecText::Yaml(&spec))
        .await
        .unwrap();
    Job {
        tenant,
        id,
        index: put.job.index,
    }
}

/// The document that a row of the file must become, but for its provenance.
fn document(columns: &[&str], row: &str) -> Value {
    const NUMBERS: [&str; 4] = ["dep_delay", "arr_delay", "air_time", "distance"];
    let mut document = Map::new();
    for (name, value) in columns.iter().zip(row.split(',')) {
        match *name {
            _ if value == "NA" => {}
            name if NUMBERS.contains(&name) => {
                drop(document.insert(name.into(), value.parse::<i64>().unwrap().into()))
            }
            name => drop(document.insert(name.into(), value.into())),
        }
    }
    // both the document's time and, as the schema says, a date of its own
    let time = row.rsplit(',').next().unwrap().replace("00Z", "00.000Z");
    document.insert("time_hour".into(), time.clone().into());
    document.insert("@timestamp".into(), time.into());
    Value::Object(document)
}

/// The documents that the file must become, by position.
fn expected() -> BTreeMap<u64, Value> {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(bundled(FILE)).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let columns: Vec<&str> = header.split(',').collect();
    let mut position = header.len() as u64 + 1;
    let mut documents = BTreeMap::new();
    for row in rows.lines() {
        documents.insert(position, document(&columns, row));
        position += row.len() as u64 + 1;
    }
    documents
}

/// What the README promises of the bundled job.
pub async fn arrive_whole_and_once(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("flights").await;
    let job = flights(&tenant).await;
    let sum = checksum(&fs::read(bundled(FILE)).unwrap());
    let stage = async |name| {
        let staged = job
            .api()
            .stage_file(&job.id, name, &bundled(FILE), &sum, 0, |_| {})
            .await;
        assert_eq!(
            staged.unwrap().bytes,
            fs::metadata(bundled(FILE)).unwrap().len()
        );
    };
    stage(FILE).await;

    let first = job.run_to(RunState::Completed).await;
    let files = job.files(&first.id).await;
    assert_eq!(
        (first.ledger.read, first.ledger.created),
        (RECORDS, RECORDS),
        "{first:#?}"
    );
    assert!(files.len() == 1 && files[0].proven(), "{files:#?}");
    job.assert_report(&first, &files).await;
    assert!(job.staged().await.is_empty());
    assert_eq!(job.names_in(&format!("done/{}", first.id)), [FILE]);

    let key = files[0].file.file_key.as_str();
    let mut documents = platform.dms().documents(&job.index, key, true).await;
    let expected = expected();
    assert_eq!((documents.len(), expected.len()), (27_004, 27_004));
    for (position, mut document) in expected {
        document["provenance"] = json!({
            "client": tenant.id.as_str(), "job": "flights", "run": first.id.as_str(), "revision": 1,
            "file": key, "position": position,
        });
        assert_eq!(
            documents.remove(&format!("{key}-{position}")),
            Some(document)
        );
    }
    let types = platform.dms().types(&job.index).await;
    for (field, kind) in [
        ("carrier", "keyword"),
        ("flight", "keyword"),
        ("dep_delay", "integer"),
        ("time_hour", "date"),
        ("@timestamp", "date"),
        ("provenance.run", "keyword"),
        ("provenance.file", "keyword"),
        ("provenance.position", "long"),
    ] {
        assert_eq!(
            types.get(field).map(String::as_str),
            Some(kind),
            "{field} in {types:?}"
        );
    }

    // the same delivery under another name
    stage("again.csv.gz").await;
    let second = job.run_to(RunState::Completed).await;
    let files = job.files(&second.id).await;
    let ledger = second.ledger;
    assert_eq!(
        (ledger.read, ledger.created, ledger.duplicate),
        (RECORDS, 0, RECORDS),
        "{second:#?}"
    );
    job.assert_report(&second, &files).await;
    assert_eq!(platform.dms().count(&job.index, None).await, RECORDS);
    let report = fs::read_to_string(job.folder(&second.id).report_json()).unwrap();
    assert!(
        report.contains(first.id.as_str()),
        "the report does not name the run that wrote the documents first"
    );
    platform.end().await;
}
