use super::*;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

fn id(text: &str) -> ClientId {
    text.parse().unwrap()
}

/// A user with a home whose manager is at `http://127.0.0.1:1`, and with nothing else.
fn user() -> (TempDir, Sources) {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(
        home.join("manager.json"),
        r#"{"url":"http://127.0.0.1:1","pid":1,"version":"0.1.0"}"#,
    )
    .unwrap();
    fs::write(home.join("admin.token"), "ing_admin\n").unwrap();
    let credentials = Credentials::in_folder(&dir.path().join("config"));
    let sources = Sources {
        server: None,
        ca_file: None,
        token_file: None,
        token: None,
        home: Some(home),
        credentials: Some(credentials),
    };
    (dir, sources)
}

fn token(sources: &Sources, role: Role<'_>) -> Option<String> {
    let found = sources.token(&sources.server(), role).unwrap();
    found.map(|found| found.token)
}

#[test]
fn the_address_is_the_named_one_else_the_homes_else_the_default() {
    let (_dir, mut sources) = user();
    assert_eq!(sources.server(), "http://127.0.0.1:1");
    sources.server = Some("http://elsewhere:2/".into());
    assert_eq!(sources.server(), "http://elsewhere:2");
    sources.server = None;
    sources.home = Some("/nonesuch".into());
    assert_eq!(sources.server(), DEFAULT_SERVER);
}

#[test]
fn the_token_is_the_named_one_else_the_saved_one_else_the_homes() {
    let (dir, mut sources) = user();
    let (acme, demo) = (id("acme"), id("demo"));
    assert_eq!(
        token(&sources, Role::Client(&acme)).as_deref(),
        Some("ing_admin")
    );
    let credentials = sources.credentials.clone().unwrap();
    credentials
        .save("http://127.0.0.1:1", &acme, "ing_acme")
        .unwrap();
    assert_eq!(
        token(&sources, Role::Client(&acme)).as_deref(),
        Some("ing_acme")
    );
    assert_eq!(
        token(&sources, Role::Client(&demo)).as_deref(),
        Some("ing_admin")
    );
    assert_eq!(
        token(&sources, Role::Operator).as_deref(),
        Some("ing_admin")
    );
    sources.token = Some("ing_variable".into());
    assert_eq!(
        token(&sources, Role::Client(&acme)).as_deref(),
        Some("ing_variable")
    );
    let file = dir.path().join("token");
    fs::write(&file, "ing_file\n").unwrap();
    sources.token_file = Some(file);
    assert_eq!(token(&sources, Role::Operator).as_deref(), Some("ing_file"));
}

#[test]
fn the_homes_admin_token_is_sent_to_its_own_manager_only() {
    let (_dir, mut sources) = user();
    sources.server = Some("http://elsewhere:2".into());
    assert_eq!(token(&sources, Role::Operator), None);
    // with no admin token, the only saved one serves
    let credentials = sources.credentials.clone().unwrap();
    credentials
        .save("http://elsewhere:2", &id("acme"), "ing_acme")
        .unwrap();
    assert_eq!(token(&sources, Role::Operator).as_deref(), Some("ing_acme"));
    credentials
        .save("http://elsewhere:2", &id("demo"), "ing_demo")
        .unwrap();
    assert_eq!(token(&sources, Role::Operator), None);
}

#[test]
fn saved_tokens_are_private_and_forgotten_with_their_client() {
    let (_dir, sources) = user();
    let credentials = sources.credentials.clone().unwrap();
    credentials.save("http://s", &id("acme"), "one").unwrap();
    credentials.save("http://s", &id("acme"), "two").unwrap();
    let mode = fs::metadata(credentials.path())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        credentials.get("http://s", &id("acme")).unwrap().as_deref(),
        Some("two")
    );
    assert!(credentials.forget("http://s", &id("acme")).unwrap());
    assert!(!credentials.forget("http://s", &id("acme")).unwrap());
    assert_eq!(credentials.get("http://s", &id("acme")).unwrap(), None);
}

#[test]
fn an_empty_token_file_and_a_damaged_credentials_file_are_named() {
    let (dir, mut sources) = user();
    let credentials = sources.credentials.clone().unwrap();
    credentials.save("http://s", &id("acme"), "one").unwrap();
    fs::write(credentials.path(), "{").unwrap();
    let error = credentials.get("http://s", &id("acme")).unwrap_err();
    assert!(error.to_string().contains("credentials.json"), "{error}");
    let file = dir.path().join("empty");
    fs::write(&file, "\n").unwrap();
    sources.token_file = Some(file.clone());
    let error = sources.token("http://s", Role::Operator).unwrap_err();
    assert!(error.to_string().contains("holds no token"), "{error}");
}
