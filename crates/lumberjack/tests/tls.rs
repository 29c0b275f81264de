//! Listening with TLS.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{
    client::Client,
    listening::{config, listen},
    whole_window,
};
use lumberjack::{BindError, ClientAuthentication, Config, Listener, Tls};
use testkit::Certificates;
use tokio::time::timeout;

fn tls(certificates: &Certificates, client_authentication: ClientAuthentication) -> Config {
    let tls = Tls {
        certificate: certificates.file("server.pem"),
        key: certificates.file("server.key"),
        client_authentication,
    };
    Config {
        tls: Some(tls),
        ..config()
    }
}

/// Whether a window is acknowledged to a client of that name.
async fn served(listener: &mut Listener, certificates: &Certificates, name: Option<&str>) -> bool {
    let Ok(mut client) = Client::connect_tls(listener.local_addr(), certificates, name).await
    else {
        return false;
    };
    client.send(&whole_window(&["{\"a\":1}"])).await;
    // with TLS 1.3 a client learns only from the first read that it was refused
    let (acknowledged, ()) = tokio::join!(client.real_ack(), async {
        if let Ok(Some(window)) = timeout(Duration::from_secs(1), listener.next()).await {
            window.ack.all();
        }
    });
    acknowledged == Some(1)
}

#[tokio::test]
async fn tls_is_spoken_and_clients_are_verified_as_configured() {
    let certificates = Certificates::new(&["server", "beat"]);
    let strange = Certificates::new(&["beat"]);
    for file in ["beat.pem", "beat.key"] {
        let renamed = certificates.file(&file.replace("beat", "stranger"));
        std::fs::copy(strange.file(file), renamed).unwrap();
    }
    let authorities = vec![certificates.file("ca.pem")];
    for (authentication, expected) in [
        (ClientAuthentication::None, [true, true, true]),
        (
            ClientAuthentication::Optional(authorities.clone()),
            [true, true, false],
        ),
        (
            ClientAuthentication::Required(authorities),
            [false, true, false],
        ),
    ] {
        let mut listener = listen(tls(&certificates, authentication)).await;
        for (name, expected) in [None, Some("beat"), Some("stranger")]
            .into_iter()
            .zip(expected)
        {
            assert_eq!(
                served(&mut listener, &certificates, name).await,
                expected,
                "{name:?}"
            );
        }
        let mut plain = Client::connect(listener.local_addr()).await;
        plain.send(&whole_window(&["{}"])).await;
        plain.until_closed().await;
    }
}

#[tokio::test]
async fn what_cannot_be_listened_with_is_said() {
    let certificates = Certificates::new(&["server", "other"]);
    let none = || ClientAuthentication::None;
    let refusal = async |config| Listener::bind(config).await.unwrap_err();

    let taken = listen(config()).await;
    let error = refusal(Config {
        port: taken.local_addr().port(),
        ..config()
    })
    .await;
    assert!(
        error.to_string().starts_with("cannot listen on 127.0.0.1:"),
        "{error}"
    );

    let mut wrong = tls(&certificates, none());
    wrong.tls.as_mut().unwrap().key = certificates.file("ca.pem");
    let error = refusal(wrong).await;
    assert!(
        matches!(
            error,
            BindError::Pem {
                role: "ssl_key",
                ..
            }
        ),
        "{error}"
    );

    let mut missing = tls(&certificates, none());
    missing.tls.as_mut().unwrap().certificate = certificates.file("nowhere.pem");
    let error = refusal(missing).await;
    assert!(
        matches!(
            error,
            BindError::Pem {
                role: "ssl_certificate",
                ..
            }
        ),
        "{error}"
    );

    let mut other = tls(&certificates, none());
    other.tls.as_mut().unwrap().key = certificates.file("other.key");
    let error = refusal(other).await;
    assert!(matches!(error, BindError::Certificate(_)), "{error}");

    let error = refusal(tls(
        &certificates,
        ClientAuthentication::Required(Vec::new()),
    ))
    .await;
    assert!(matches!(error, BindError::Authorities(_)), "{error}");
}
