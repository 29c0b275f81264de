//! The same job on both engines: equal ledgers, equal documents.

use std::{collections::BTreeMap, fs, path::PathBuf};

use domain::{run::RunState, spec::EngineKind};
use serde_json::Value;

use crate::bench::{assert_nothing_left, input, platform, spec};
use crate::harness::{Input, Job, Options, Tenant, checksum, end_of};

const ENGINES: [EngineKind; 2] = [EngineKind::Native, EngineKind::Elastic];

/// The documents of a job by file name and position, without what tells the two jobs apart.
async fn documents(job: &Job<'_, '_>, run: &api::RunInfo) -> Documents {
    let mut all = BTreeMap::new();
    for file in job.files(&run.id).await {
        let key = file.file.file_key.as_str();
        let found = job
            .tenant
            .platform
            .dms()
            .documents(&job.index, key, true)
            .await;
        for (id, mut document) in found {
            let provenance = document["provenance"].take();
            let position = provenance["position"].as_u64().unwrap();
            assert_eq!(id, format!("{key}-{position}"));
            assert_eq!(provenance["run"], run.id.as_str());
            all.insert((file.file.name.clone(), position), document);
        }
    }
    all
}

type Documents = BTreeMap<(String, u64), Value>;

fn assert_same(native: &Documents, elastic: &Documents) {
    assert_eq!(native.len(), elastic.len());
    for (one, other) in native.iter().zip(elastic) {
        assert_eq!(one, other, "native, then elastic");
    }
}

async fn job<'t, 'p>(tenant: &'t Tenant<'p>, engine: EngineKind, mut spec: Value) -> Job<'t, 'p> {
    let name = format!("{engine:?}").to_lowercase();
    spec["destination"]["index"] = name.as_str().into();
    spec["engine"] = name.as_str().into();
    tenant.job(&name, &spec).await
}

pub async fn flights() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clientapps/flights");
    let text = fs::read_to_string(folder.join("job.yaml")).unwrap();
    let spec: Value = serde_yaml_ng::from_str(&text).unwrap();
    let bytes = fs::read(folder.join("flights-2013-01.csv.gz")).unwrap();
    let platform = platform(Options::default()).await;
    let tenant = platform.tenant("flights").await;
    let mut found = Vec::new();
    for engine in ENGINES {
        let job = job(&tenant, engine, spec.clone()).await;
        job.stage_bytes("flights-2013-01.csv.gz", bytes.clone(), &checksum(&bytes))
            .await
            .unwrap();
        let end = job.run_to(RunState::Completed).await;
        assert_eq!((end.ledger.created, end.engine), (27_004, engine));
        let files = job.files(&end.id).await;
        assert!(files.iter().all(|file| file.proven()), "{files:#?}");
        job.assert_report(&end, &files).await;
        found.push((end.ledger, documents(&job, &end).await));
        // once more: nothing is doubled, and everything is found to be there
        job.stage_bytes("again.csv.gz", bytes.clone(), &checksum(&bytes))
            .await
            .unwrap();
        let again = job.run_to(RunState::Completed).await;
        assert_eq!((again.ledger.created, again.ledger.duplicate), (0, 27_004));
    }
    assert_eq!(found[0].0, found[1].0);
    assert_same(&found[0].1, &found[1].1);
    assert_nothing_left(&platform).await;
    platform.end().await;
}

pub async fn many_files() {
    let platform = platform(Options::default()).await;
    let tenant = platform.tenant("many").await;
    let mut inputs: Vec<Input> = (0..30)
        .map(|n| input(&format!("{n}.csv"), 20 + n))
        .collect();
    inputs.push(input("packed.csv.gz", 5_000));
    let mut last = input("unterminated.csv", 3);
    last.unterminated("99,some,7", crate::harness::Fate::Stored);
    inputs.push(last);
    let inputs: Vec<&Input> = inputs.iter().collect();
    let mut found = Vec::new();
    for engine in ENGINES {
        let job = job(&tenant, engine, spec(engine)).await;
        job.stage_all(inputs.iter().copied()).await;
        let end = job.run_to(end_of(&inputs)).await;
        job.assert_closed(&end, &inputs).await;
        let types = platform.dms().types(&job.index).await;
        let mut all = documents(&job, &end).await;
        // the records have no time of their own: it is when the run's files were claimed
        all.values_mut()
            .for_each(|it| drop(it["@timestamp"].take()));
        found.push((end.ledger, types, all));
    }
    assert_eq!((&found[0].0, &found[0].1), (&found[1].0, &found[1].1));
    assert_same(&found[0].2, &found[1].2);
    assert_nothing_left(&platform).await;
    platform.end().await;
}
