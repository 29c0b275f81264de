//! Formats, packing, filters and bad input: every number exact, every reject with its place, its record and its reason.

use domain::run::RunState;
use serde_json::{Value, json};

use crate::harness::{Configuration, Fate, Input, Options, Platform, end_of};

use Fate::{Filtered, Rejected, Stored};

fn spec(include: &str, format: Value) -> Value {
    json!({
        "mode": "batch",
        "source": { "include": [include] },
        "format": format,
        "destination": { "index": "records" },
        "error_budget": { "max_percent": 100.0 },
    })
}

/// csv: drop, conditionals, quoting, and records that cannot be rows.
pub async fn csv(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("csv").await;
    let mut spec = spec("*.csv*", json!({ "type": "csv" }));
    spec["wrangling"] = json!([
        { "if": "[kind] == \"noise\"", "then": [{ "drop": {} }],
          "elif": [{ "if": "[kind] == \"loud\"", "then": [{ "mutate": { "uppercase": ["note"] } }] }],
          "else": [{ "mutate": { "add_field": { "seen": "%{kind} of %{id}" } } }] },
    ]);
    spec["schema"] = json!({ "fields": {
        "id": { "type": "long", "required": true },
        "amount": { "type": "integer" },
        "kind": { "type": "keyword" },
    } });
    let job = tenant.job("rows", &spec).await;

    let mut plain = Input::new("a.csv");
    plain.without_record(b"\xEF\xBB\xBFid,kind,amount,note\r\n");
    plain.record("1,quiet,10,\"two\nlines, and a \"\"quote\"\"\"", Stored);
    plain.without_record(b"\n\r\n");
    plain.record("2,loud,20,hey", Stored);
    plain.record("3,noise,30,never stored", Filtered);
    plain.record("4,quiet", Rejected("csv_columns"));
    plain.record("5,quiet,50,many,too", Rejected("csv_columns"));
    plain.record(
        "6,quiet,2147483648,out of range",
        Rejected("schema_mismatch"),
    );
    plain.record("7,quiet,a lot,no number", Rejected("schema_mismatch"));
    plain.record(",quiet,8,no id", Rejected("schema_mismatch"));
    plain.record(b"9,quiet,90,\xff\xfe", Rejected("encoding"));
    plain.record("10,\"quiet\"!,100,x", Rejected("csv_quoting"));
    plain.record("11,quiet,-2147483648,\0 in between", Stored);
    plain.unterminated("12,quiet,120,the last line has no end", Stored);
    let mut packed = Input::new("b.csv.gz");
    packed.without_record(b"amount,note,id,kind\n");
    for id in 0..5000 {
        let (kind, fate) = if id % 7 == 0 {
            ("noise", Filtered)
        } else {
            ("quiet", Stored)
        };
        packed.record(
            format!("{id},same columns in another order,{id},{kind}"),
            fate,
        );
    }
    let mut ignored = Input::new("c.txt");
    ignored.record("not this job's", Stored);
    job.stage_all([&plain, &packed, &ignored]).await;

    let inputs = [&plain, &packed];
    let run = job.run_to(end_of(&inputs)).await;
    job.assert_closed(&run, &inputs).await;
    let left = job.staged().await;
    assert!(left.len() == 1 && left[0].name == "c.txt", "{left:?}");

    let documents = platform
        .dms()
        .documents(&job.index, &plain.key(&job.id), true)
        .await;
    let document = |id: &str| {
        documents
            .values()
            .find(|document| document["id"] == json!(id.parse::<u64>().unwrap()))
            .unwrap()
    };
    assert_eq!(document("1")["note"], "two\nlines, and a \"quote\"");
    assert_eq!(document("1")["seen"], "quiet of 1");
    assert_eq!(
        (&document("2")["note"], document("2").get("seen")),
        (&json!("HEY"), None)
    );
    assert_eq!(document("11")["note"], "\0 in between");
    assert_eq!(document("11")["amount"], json!(-2147483648_i64));
    let clock = run.claimed_ms.unwrap();
    let timestamp = document("1")["@timestamp"].as_str().unwrap();
    let milliseconds = timestamp[20..23].parse::<i64>().unwrap();
    assert_eq!(milliseconds, clock % 1000, "the claim's time: {timestamp}");
    platform.end().await;
}

/// ndjson: objects only; fields that the core DMS itself refuses.
pub async fn ndjson(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("ndjson").await;
    let mut spec = spec("*", json!({ "type": "ndjson" }));
    spec["wrangling"] = json!([{ "if": "[level] == \"debug\"", "then": [{ "drop": {} }] }]);
    spec["schema"] = json!({ "fields": {
        "level": { "type": "keyword" },
        "code": { "type": "long", "on_mismatch": "keep" },
        "at": { "type": "ip", "on_mismatch": "null" },
    } });
    let job = tenant.job("events", &spec).await;

    let mut plain = Input::new("events.ndjson");
    plain.record(
        r#"{"level":"info","code":1,"at":"192.0.2.1","nested":{"deep":[{"er":[1,2]},{"er":3}]}}"#,
        Stored,
    );
    plain.record(r#"{"level":"debug","code":2}"#, Filtered);
    plain.record(r#"{"level":"info","at":"nowhere"}"#, Stored);
    plain.record(r#"{"level":"info","#, Rejected("json_parse"));
    plain.record("[1,2,3]", Rejected("json_parse"));
    plain.record("no JSON at all", Rejected("json_parse"));
    plain.record(b"{\"level\":\"\xc3\x28\"}", Rejected("encoding"));
    plain.record(
        r#"{"level":"info","provenance":{"run":"forged"}}"#,
        Rejected("reserved_field"),
    );
    plain.record(
        r#"{"level":"info","code":"not a number"}"#,
        Rejected("mapping_conflict"),
    );
    let mut packed = Input::new("more.ndjson.gz");
    for number in 0..4000 {
        let (level, fate) = if number % 4 == 0 {
            ("debug", Filtered)
        } else {
            ("info", Stored)
        };
        packed.record(format!(r#"{{"level":"{level}","code":{number}}}"#), fate);
    }
    job.stage_all([&plain, &packed]).await;

    let inputs = [&plain, &packed];
    let run = job.run_to(end_of(&inputs)).await;
    job.assert_closed(&run, &inputs).await;
    let refused = job
        .rejects(&run.id)
        .await
        .into_iter()
        .find(|reject| reject.code == "mapping_conflict")
        .unwrap();
    assert_eq!(refused.step, "core_dms");
    platform.end().await;
}

/// lines: what a line may hold, a line of 10 MB, and a file that ends in the middle of its compressed bytes.
pub async fn lines(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("lines").await;
    let mut spec = spec("*", json!({ "type": "lines" }));
    spec["wrangling"] = json!([{ "if": "[message] =~ /^#/", "then": [{ "drop": {} }] }]);
    let job = tenant.job("lines", &spec).await;

    let mut plain = Input::new("a.log");
    plain
        .record("# a comment", Filtered)
        .record("first", Stored)
        .without_record(b"\n\r\n");
    plain.record("long ".repeat(2 << 20), Rejected("record_too_large"));
    plain.record("zwölf Boxkämpfer \u{1F94A}", Stored);
    plain.record("nul \0 inside", Stored);
    plain.record(b"\xE4 is Latin-1", Rejected("encoding"));
    plain.unterminated("the last line has no end", Stored);
    let mut broken = Input::new("broken.log.gz").truncated();
    for number in 0..3000 {
        broken.record(format!("line {number}"), Stored);
    }
    let mut whole = Input::new("whole.log.gz");
    for number in 0..3000 {
        whole.record(format!("line {number} of another"), Stored);
    }
    let empty = Input::new("empty.log");
    job.stage_all([&plain, &broken, &whole, &empty]).await;

    let inputs = [&plain, &broken, &whole, &empty];
    let run = job.run_to(RunState::Failed).await;
    assert_eq!(end_of(&inputs), RunState::Failed);
    job.assert_closed(&run, &inputs).await;
    let failure = run
        .outcome
        .as_ref()
        .and_then(|outcome| outcome.failure())
        .unwrap();
    assert_eq!(failure.code, "files_quarantined");
    assert!(failure.message.contains("broken.log.gz"), "{failure}");
    assert_eq!(
        job.names_in(&format!("quarantine/{}", run.id)),
        ["broken.log.gz"]
    );
    platform.end().await;
}

/// json: arrays over several lines, in UTF-16 and in UTF-8, with elements that are no objects, and a file without its end.
pub async fn json_arrays(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("json").await;
    let job = tenant
        .job("arrays", &spec("*", json!({ "type": "json" })))
        .await;

    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let mut utf16 = Input::new("exported.json");
    utf16
        .without_record(b"\xFF\xFE")
        .without_record(&wide("[\r\n"));
    for number in 0..3000 {
        if number > 0 {
            utf16.without_record(&wide(",\r\n"));
        }
        let element = format!("{{\r\n  \"number\": {number},\r\n  \"name\": \"zwölf \u{1F94A}\"}}");
        utf16.unterminated(wide(&element), Stored);
    }
    utf16.without_record(&wide("]\r\n"));
    let mut utf8 = Input::new("mixed.json.gz");
    utf8.without_record(b"[")
        .unterminated(r#"{"number":1,"text":"},{"}"#, Stored)
        .without_record(b",\n")
        .unterminated(r#"{"number" 2}"#, Rejected("json_parse"))
        .without_record(b",")
        .unterminated("3", Rejected("json_parse"))
        .without_record(b",\n")
        .unterminated(
            format!("[\"{}\"]", "long ".repeat(1 << 20)),
            Rejected("record_too_large"),
        )
        .without_record(b",\n")
        .unterminated(r#"{"number":4}"#, Stored)
        .without_record(b"]");
    job.stage_all([&utf16, &utf8]).await;

    let inputs = [&utf16, &utf8];
    let run = job.run_to(end_of(&inputs)).await;
    job.assert_closed(&run, &inputs).await;

    let mut cut_off = Input::new("cut-off.json");
    cut_off
        .without_record(b"[")
        .unterminated(r#"{"number":5}"#, Stored)
        .without_record(br#", {"number":"#);
    job.stage(&cut_off).await;
    let run = job.run_to(RunState::Failed).await;
    assert_eq!(run.ledger.created, 1, "{run:#?}");
    assert_eq!(
        job.names_in(&format!("quarantine/{}", run.id)),
        ["cut-off.json"]
    );
    platform.end().await;
}

/// A run that rejects more than its budget allows ends early, as failed, with a closed ledger.
pub async fn budget(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("budget").await;
    let mut spec = spec("*", json!({ "type": "ndjson" }));
    spec["error_budget"] = json!({ "max_records": 3 });
    let job = tenant.job("hopeless", &spec).await;
    let mut input = Input::new("hopeless.ndjson");
    for number in 0..50_000 {
        input.record(
            format!("record {number} is no JSON"),
            Rejected("json_parse"),
        );
    }
    job.stage(&input).await;
    let run = job.run_to(RunState::Failed).await;
    let failure = run
        .outcome
        .as_ref()
        .and_then(|outcome| outcome.failure())
        .unwrap();
    assert_eq!(failure.code, "error_budget_exceeded", "{failure}");
    assert!(
        run.ledger.balanced() && run.ledger.rejected > 3 && run.ledger.created == 0,
        "{run:#?}"
    );
    let files = job.files(&run.id).await;
    job.assert_report(&run, &files).await;
    assert_eq!(
        job.names_in("")
            .iter()
            .filter(|name| *name == "hopeless.ndjson")
            .count(),
        1,
        "it comes again"
    );
    platform.end().await;
}
