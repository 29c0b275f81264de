//! Whether a run's ledger is closed: what the API says, what the report says and what the core DMS holds, against what
//! the input files are known to hold.

use std::collections::BTreeMap;

use api::RunInfo;
use base64::Engine as _;
use domain::{
    file::{FileRecord, FileState},
    ledger::Ledger,
    reject::{RawEncoding, Reject},
    report::Report,
    run::RunState,
};
use serde_json::json;

use super::{Fate, Input, Job};

/// Ids of one question.
const IDS_AT_ONCE: usize = 10_000;

/// Raw bytes that a reject keeps.
const RAW_KEPT: usize = 64 << 10;

impl Job<'_, '_> {
    /// The first run over `inputs` has ended, and everything of it is as it should be.
    pub async fn assert_closed(&self, run: &RunInfo, inputs: &[&Input]) {
        let files = self.assert_ledgers(run, inputs, Input::ledger).await;
        self.assert_documents(inputs).await;
        self.assert_rejects(run, inputs).await;
        self.assert_report(run, &files).await;
    }

    /// Each file's ledger is `expected` of its input, balanced and proven, and the core DMS counts the same.
    pub async fn assert_ledgers(
        &self,
        run: &RunInfo,
        inputs: &[&Input],
        expected: impl Fn(&Input) -> Ledger,
    ) -> Vec<FileRecord> {
        assert!(
            run.ended && run.balanced && run.ledger.balanced(),
            "{run:#?}"
        );
        let files = self.files(&run.id).await;
        let by_name: BTreeMap<_, _> = files
            .iter()
            .map(|file| (file.file.name.as_str(), file))
            .collect();
        assert_eq!(by_name.len(), inputs.len(), "{:?}", by_name.keys());
        for input in inputs {
            let file = by_name[input.name.as_str()];
            let found = Ledger {
                bytes: 0,
                ..file.ledger
            };
            assert_eq!(found, expected(input), "{}: {:?}", input.name, file.state);
            assert!(file.proven(), "{file:#?}");
            assert_eq!(file.file.file_key.as_str(), input.key(&self.id));
            match &file.state {
                FileState::Read => assert!(input.is_whole(), "{}", input.name),
                FileState::Quarantined { failure } => {
                    assert!(!input.is_whole(), "{}: {failure}", input.name)
                }
                FileState::Claimed | FileState::Skipped { .. } => {
                    panic!("{} is not read to its end: {:?}", input.name, file.state)
                }
            }
            let query = json!({ "bool": { "filter": [
                { "term": { "provenance.run": run.id.as_str() } },
                { "term": { "provenance.file": file.file.file_key.as_str() } },
            ] } });
            let counted = self
                .tenant
                .platform
                .dms()
                .count(&self.index, Some(query))
                .await;
            assert_eq!(
                counted, file.ledger.created,
                "{} in the core DMS",
                input.name
            );
        }
        assert_eq!(run.ledger, files.iter().map(|file| file.ledger).sum());
        files
    }

    /// The job's index holds exactly the documents of these inputs, by id: none missing, none twice, none besides.
    pub async fn assert_documents(&self, inputs: &[&Input]) {
        let dms = self.tenant.platform.dms();
        dms.refresh(&self.index).await;
        let mut sum = 0;
        for input in inputs {
            let expected = input.documents(&self.id);
            let ids: Vec<&String> = expected.keys().collect();
            let mut found = 0;
            for ids in ids.chunks(IDS_AT_ONCE) {
                found += dms
                    .count(&self.index, Some(json!({ "ids": { "values": ids } })))
                    .await;
            }
            sum += expected.len() as u64;
            if found < expected.len() as u64 {
                self.name_the_missing(input).await;
            }
        }
        // all that are expected are there: so if there are no more than those, there is none besides and none twice
        assert_eq!(
            dms.count(&self.index, None).await,
            sum,
            "documents in {}",
            self.index
        );
    }

    /// Fails with the ids that are not in the core DMS.
    async fn name_the_missing(&self, input: &Input) {
        let dms = self.tenant.platform.dms();
        let found = dms
            .documents(&self.index, &input.key(&self.id), false)
            .await;
        let mut missing = input.documents(&self.id);
        missing.retain(|id, _| !found.contains_key(id));
        let some: Vec<_> = missing.keys().take(10).collect();
        panic!(
            "{}: {} documents are missing: {some:?}…",
            input.name,
            missing.len()
        );
    }

    /// Every reject is kept with its place, its reason and its record.
    async fn assert_rejects(&self, run: &RunInfo, inputs: &[&Input]) {
        let mut found: BTreeMap<(String, u64), Reject> = BTreeMap::new();
        for reject in self.rejects(&run.id).await {
            let twice = found.insert((reject.file.clone(), reject.position), reject);
            assert!(twice.is_none(), "rejected twice: {twice:?}");
        }
        for input in inputs {
            for record in &input.records {
                let Fate::Rejected(code) = record.fate else {
                    continue;
                };
                let place = (input.name.clone(), record.position);
                let reject = found
                    .remove(&place)
                    .unwrap_or_else(|| panic!("{place:?} is not among the rejects"));
                assert_eq!(
                    (reject.line, reject.code.as_str()),
                    (record.line, code),
                    "{reject:?}"
                );
                assert_eq!(reject.file_key.as_str(), input.key(&self.id));
                assert!(
                    !reject.message.is_empty() && !reject.step.is_empty(),
                    "{reject:?}"
                );
                assert_eq!(reject.raw_bytes, record.raw.len() as u64, "{place:?}");
                let kept = &record.raw[..record.raw.len().min(RAW_KEPT)];
                assert!(raw(&reject) == kept, "{place:?}: the raw record differs");
            }
        }
        assert!(found.is_empty(), "rejects that nobody expected: {found:#?}");
    }

    /// Both forms of the report say what the files' ledgers say.
    pub async fn assert_report(&self, run: &RunInfo, files: &[FileRecord]) -> Report {
        let report = self.api().report(&self.id, &run.id).await.unwrap();
        let on_disk = std::fs::read(self.folder(&run.id).report_json()).unwrap();
        assert_eq!(serde_json::from_slice::<Report>(&on_disk).unwrap(), report);
        assert_eq!((report.state, report.ledger), (run.state, run.ledger));
        assert!(report.proven, "{report:#?}");
        let rows: Vec<_> = report
            .files
            .iter()
            .map(|f| (&f.name, &f.file_key, f.ledger, f.counted, f.proven))
            .collect();
        let expected: Vec<_> = files
            .iter()
            .map(|f| (&f.file.name, &f.file.file_key, f.ledger, f.counted, true))
            .collect();
        assert_eq!(rows, expected);
        let by_cause: u64 = report.rejects.iter().map(|cause| cause.count).sum();
        assert_eq!(by_cause, run.ledger.rejected);
        self.assert_page(run, &report).await;
        report
    }

    /// The page shows the run and every file of its beginning, and needs nothing from elsewhere.
    async fn assert_page(&self, run: &RunInfo, report: &Report) {
        let page = self.api().report_html(&self.id, &run.id).await.unwrap();
        assert_eq!(
            page,
            std::fs::read_to_string(self.folder(&run.id).report_html()).unwrap()
        );
        let names = report.files.iter().take(10).map(|file| file.name.as_str());
        for text in names.chain([run.id.as_str(), self.id.client.as_str()]) {
            assert!(
                page.contains(text),
                "the report's page does not show {text}"
            );
        }
        for reference in ["<script src", "<link", "src=\"http", "@import"] {
            assert!(
                !page.contains(reference),
                "the report's page needs {reference}"
            );
        }
    }
}

fn raw(reject: &Reject) -> Vec<u8> {
    match reject.raw_encoding {
        RawEncoding::Utf8 => reject.raw.clone().into_bytes(),
        RawEncoding::Base64 => base64::engine::general_purpose::STANDARD
            .decode(&reject.raw)
            .unwrap(),
    }
}

/// The state that a run over inputs ends in, if their rejects are within its budget.
pub fn end_of(inputs: &[&Input]) -> RunState {
    let rejected = inputs.iter().any(|input| input.ledger().rejected > 0);
    match (inputs.iter().all(|input| input.is_whole()), rejected) {
        (false, _) => RunState::Failed,
        (true, true) => RunState::CompletedWithRejects,
        (true, false) => RunState::Completed,
    }
}
