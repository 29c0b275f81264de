//! Starting and ending: the home, the address, the first admin token.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use api::{Client, ClientOptions, PageQuery};
use manager::config::{Config, Layers};
use manager::{HomePaths, Manager, ManagerAddress, StartError};
use testkit::Certificates;

use crate::support::{FakeDms, FakeMode, Server, StillEngine};

/// Starts a manager that is expected not to come up.
async fn refused(home: HomePaths, config: &str) -> StartError {
    let config = Config::parse(config, &Layers::default()).unwrap();
    let builder = Manager::builder(home, config, Arc::new(FakeMode))
        .engine(Arc::new(StillEngine))
        .dms(Arc::new(FakeDms::default()));
    builder.serve().await.unwrap_err()
}

#[tokio::test]
async fn the_home_says_where_the_manager_is_and_holds_the_admin_token() {
    let server = Server::start().await;
    let home = server.home.clone();
    assert_eq!(ManagerAddress::read(&home).unwrap().url, server.url);
    let file = home.admin_token();
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap().trim(),
        server.admin_token
    );
    let stored = std::fs::read(home.metadata()).unwrap();
    let secret = server.admin_token.rsplit_once('_').unwrap().1.as_bytes();
    assert!(
        !stored.windows(secret.len()).any(|window| window == secret),
        "the secret itself is stored"
    );
    server.stop().await;
    assert_eq!(ManagerAddress::read(&home), None);
}

#[tokio::test]
async fn the_admin_token_is_not_written_down_if_it_should_not_be() {
    let server = Server::with("admin_token_file = false").await;
    assert!(!server.home.admin_token().exists());
    server.stop().await;
}

#[tokio::test]
async fn a_second_manager_is_refused_the_home() {
    let server = Server::start().await;
    let error = refused(server.home.clone(), "listen = \"127.0.0.1:0\"").await;
    assert_eq!(error.code(), "home_locked");
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let address = server.url.strip_prefix("http://").unwrap();
    let error = refused(
        HomePaths::new(dir.path()),
        &format!("listen = \"{address}\""),
    )
    .await;
    assert_eq!(error.code(), "address_in_use");
    assert!(error.to_string().contains(address), "{error}");
    server.stop().await;
}

#[tokio::test]
async fn an_embedded_core_dms_that_cannot_be_started_is_said_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::parse("listen = \"127.0.0.1:0\"", &Layers::default()).unwrap();
    let missing = manager::Program {
        path: dir.path().join("nonesuch"),
        args: Vec::new(),
    };
    let builder = Manager::builder(
        HomePaths::new(dir.path().join("home")),
        config,
        Arc::new(FakeMode),
    );
    let error = builder
        .engine(Arc::new(StillEngine))
        .coredms(missing)
        .serve()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "core_dms_program");
    assert!(error.to_string().contains("nonesuch"), "{error}");
}

#[tokio::test]
async fn with_a_certificate_the_api_speaks_tls_and_nothing_else() {
    let certificates = Certificates::new(&["server", "other"]);
    let config = |key: &str| {
        format!(
            "tls.certificate = {:?}\ntls.key = {:?}",
            certificates.file("server.pem"),
            certificates.file(key)
        )
    };
    let server = Server::with(&config("server.key")).await;
    assert!(
        server.url.starts_with("https://127.0.0.1:"),
        "{}",
        server.url
    );
    let address = ManagerAddress::read(&server.home).unwrap();
    assert_eq!(address.certificate, Some(certificates.file("server.pem")));
    let trusting = ClientOptions {
        ca_file: Some(certificates.file("ca.pem")),
        ..ClientOptions::new(&server.url, Some(server.admin_token.clone()))
    };
    let trusting = Client::new(trusting).unwrap();
    let clients = trusting.clients(&PageQuery::default()).await.unwrap();
    assert!(clients.items.is_empty());
    let stranger = server.anonymous().healthy().await.unwrap_err().to_string();
    assert!(stranger.contains("certificate"), "{stranger}");
    let plain = server.url.replace("https", "http");
    let plain = Client::new(ClientOptions::new(plain, None)).unwrap();
    assert!(plain.healthy().await.is_err());
    server.stop().await;

    let home = tempfile::tempdir().unwrap();
    let wrong = format!("listen = \"127.0.0.1:0\"\n{}", config("other.key"));
    let error = refused(HomePaths::new(home.path().join("home")), &wrong).await;
    assert_eq!(error.code(), "certificate_unusable", "{error}");
}
