//! Options of codecs that the recorded cases do not reach.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use serde_json::{Value, json};

/// What a codec makes of a file's content, without what every event has.
fn decoded(codec: &str, content: &[u8]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.log");
    std::fs::write(&file, content).unwrap();
    let config = format!(
        r#"input {{ file {{ path => "{}" mode => read codec => {codec} }} }}
           filter {{ mutate {{ remove_field => ["host", "log", "event", "@timestamp", "@version"] }} }}
           output {{ stdout {{ codec => json_lines }} }}"#,
        file.display()
    );
    let output = support::run(folder.path(), &["-e", &config], b"");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    assert!(!file.exists(), "a file that was read is deleted by default");
    support::documents(&output)
}

/// What a codec writes for one event with the message `a` and the field `n`.
fn encoded(codec: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        r#"input {{ generator {{ message => "a" count => 1 ecs_compatibility => disabled }} }}
           filter {{ mutate {{ add_field => {{ "n" => "1" }} remove_field => ["host", "sequence", "@version"] }}
                     date {{ match => ["n", "UNIX"] }} }}
           output {{ stdout {{ codec => {codec} }} }}"#
    );
    let output = support::run(folder.path(), &["-e", &config], b"");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn csv_takes_its_columns_from_the_first_line() {
    let codec = r#"csv { autodetect_column_names => true skip_empty_columns => true separator => ";" target => "row"
        convert => { "n" => "float" } autogenerate_column_names => false }"#;
    let found = decoded(codec, b"n;name\n1.5;\"a;b\"\n;x;y\n\"open\n");
    let expected = [
        json!({"row": {"n": 1.5, "name": "a;b"}}),
        json!({"row": {"name": "x"}}),
        json!({"message": "\"open", "tags": ["_csvparsefailure"]}),
    ];
    assert_eq!(found, expected);
}

#[test]
fn json_may_go_to_a_target_and_what_is_none_is_kept() {
    let content = b"{\"a\":{\"b\":1.50}}\n[{\"c\":1},{\"c\":2}]\n{\"a\":\n7\n[1]\n\n";
    let found = decoded("json { target => \"doc\" }", content);
    let failure = |text: &str| json!({"message": text, "tags": ["_jsonparsefailure"]});
    let expected = [
        json!({"doc": {"a": {"b": 1.5}}}),
        json!({"doc": {"c": 1}}),
        json!({"doc": {"c": 2}}),
        failure("{\"a\":"),
        failure("7"),
        failure("[1]"),
    ];
    assert_eq!(found, expected);
    let found = decoded(
        "json_lines",
        b"{\"@timestamp\":\"2020-01-01T00:00:00Z\"}\n{\"x\":2}",
    );
    assert_eq!(found, [json!({}), json!({"x": 2})]);
}

#[test]
fn bytes_become_text_by_their_charset() {
    let text = |codec: &str, bytes: &[u8]| decoded(codec, bytes).remove(0)["message"].clone();
    assert_eq!(
        text(r#"plain { charset => "CP1252" }"#, b"\x80 caf\xe9\n"),
        "€ café"
    );
    assert_eq!(
        text(r#"line { charset => "ISO-8859-1" }"#, b"\xe9\x85\n"),
        "é\u{85}"
    );
    assert_eq!(
        text(r#"plain { charset => "Shift_JIS" }"#, b"\x93\xfa\x96\x7b\n"),
        "日本"
    );
    assert_eq!(
        text(r#"plain { charset => "US-ASCII" }"#, b"a\xff\n"),
        "a\u{fffd}"
    );
    assert_eq!(text("plain", b"a\"\xff\n"), "a\\\"\\xFF");
}

#[test]
fn lines_are_joined_up_to_a_number_of_bytes() {
    let codec = r#"multiline { pattern => "^%{DIGITS}" what => previous patterns_dir => [] negate => true
        max_bytes => "5 B" multiline_tag => "" }"#;
    let found = decoded(&codec.replace("DIGITS", "INT"), b"1 a\n b\n c\n2\n");
    let messages: Vec<_> = found.iter().map(|event| event["message"].clone()).collect();
    assert_eq!(messages, ["1 a\n b", " c", "2"], "{found:?}");
    assert_eq!(found[1].get("tags"), None);
}

#[test]
fn events_are_written_as_the_codec_says() {
    assert_eq!(
        encoded("line { format => \"%{message}-%{n}-%{+YYYY}\" delimiter => \"|\" }"),
        "a-1-1970|"
    );
    assert_eq!(encoded("plain { format => \"%{message}\" }"), "a");
    assert_eq!(encoded("plain"), "1970-01-01T00:00:01.000Z %{host} a");
    assert_eq!(encoded("dots"), ".");
    assert_eq!(
        encoded(
            "csv { columns => [\"message\", \"[event][original]\", \"none\", \"event\", \"@timestamp\"] include_headers => true }"
        ),
        "message,[event][original],none,event,@timestamp\na,a,,\"{\"\"original\"\"=>\"\"a\"\"}\",1970-01-01T00:00:01.000Z\n"
    );
    let document = json!({"message": "a", "n": "1", "event": {"original": "a"}, "@timestamp": "1970-01-01T00:00:01.000Z"});
    let json = encoded("json");
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), document);
    assert!(!json.ends_with('\n'));
}

#[test]
fn what_outputs_write_has_a_version() {
    let versions = |input: &[u8]| -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        let config = r#"input { stdin { codec => json_lines } } filter { if [drop] { mutate { remove_field => "@version" } } }
            output { stdout { codec => json_lines } }"#;
        let output = support::run(folder.path(), &["-e", config], input);
        let documents = support::documents(&output).into_iter();
        documents
            .map(|document| document["@version"].clone())
            .collect()
    };
    let found = versions(b"{\"a\":1}\n{\"@version\":\"7\"}\n{\"drop\":true}\n");
    assert_eq!(found, [json!("1"), json!("7"), Value::Null]);
}
