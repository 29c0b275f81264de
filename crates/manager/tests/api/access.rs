//! Every route × every kind of token. The routes come from the server's own table, so that none can be forgotten.

use api::NewToken;
use domain::store::Versioned;
use domain::token::Token;
use serde_json::Value;

use crate::support::{Server, client_id, job_ref};

/// What a route says to somebody with this kind of token before it does anything; none if it lets them in.
fn expected(access: &str, bearer: &str) -> Option<(u16, &'static str)> {
    match (access, bearer) {
        ("public", _) => None,
        (_, "garbage" | "revoked" | "expired") => Some((401, "invalid_token")),
        ("registration", _) => None,
        (_, "admin") => None,
        (_, "none") => Some((401, "unauthenticated")),
        (_, "invitation") => Some((403, "forbidden")),
        ("admin", _) => Some((403, "forbidden")),
        ("own_client", "foreign") => Some((404, "client_not_found")),
        ("any_token" | "own_client", "own" | "foreign") => None,
        other => panic!("a kind of route or token that this test does not know: {other:?}"),
    }
}

struct Bearers(Vec<(&'static str, Option<String>)>);

impl Bearers {
    async fn of(server: &Server) -> Self {
        let acme = client_id("acme");
        let revoked = server
            .admin
            .create_token(&acme, &NewToken::default())
            .await
            .unwrap();
        server
            .admin
            .revoke_token(&acme, &revoked.info.id)
            .await
            .unwrap();
        let expired = server
            .admin
            .create_token(&acme, &NewToken::default())
            .await
            .unwrap();
        let Versioned { value, version } = server
            .metadata
            .token(&expired.info.id)
            .await
            .unwrap()
            .unwrap();
        let value = Token {
            expires_ms: Some(1),
            ..value
        };
        server
            .metadata
            .update(Versioned { value, version }, None)
            .await
            .unwrap();
        let own = server
            .admin
            .create_token(&acme, &NewToken::default())
            .await
            .unwrap();
        let mut wrong_secret = own.token.clone();
        let last = if wrong_secret.pop() == Some('0') {
            '1'
        } else {
            '0'
        };
        wrong_secret.push(last);
        Self(vec![
            ("none", None),
            ("garbage", Some("garbage".to_owned())),
            ("garbage", Some(wrong_secret)),
            ("revoked", Some(revoked.token)),
            ("expired", Some(expired.token)),
            (
                "invitation",
                Some(
                    server
                        .admin
                        .invite(&NewToken::default())
                        .await
                        .unwrap()
                        .token,
                ),
            ),
            ("foreign", Some(server.register("other").await)),
            ("own", Some(own.token)),
            ("admin", Some(server.admin_token.clone())),
        ])
    }
}

/// A route's path with the parts of what exists.
fn path(route: &str, run: &str) -> String {
    let parts = [
        ("{client}", "acme"),
        ("{job}", "flights"),
        ("{run}", run),
        ("{revision}", "1"),
        ("{file}", "none.csv"),
    ];
    let path = parts.iter().fold(route.to_owned(), |path, (name, value)| {
        path.replace(name, value)
    });
    path.replace("{token}", "0123456789abcdefghjkmnpqrs")
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let server = Server::start().await;
    server.with_job("acme/flights").await;
    let run = server
        .admin
        .start(&job_ref("acme/flights"))
        .await
        .unwrap()
        .id;
    let bearers = Bearers::of(&server).await;
    let mut let_in = 0;
    for route in manager::route_infos() {
        // what ends with the run, or removes what the other routes need, is asked for by those only who are refused
        let spared = matches!(
            route.operation,
            "run_events" | "delete_job" | "delete_client"
        );
        for (kind, token) in &bearers.0 {
            let expected = expected(route.access, kind);
            if spared && expected.is_none() {
                continue;
            }
            let request = server.request(
                &route.method,
                &path(route.path, run.as_str()),
                token.as_deref(),
            );
            let (status, _, body) = server.raw(request).await;
            let code = body.get("code").and_then(Value::as_str).unwrap_or_default();
            let at = format!(
                "{} {} with {kind}: {status} {body}",
                route.method, route.path
            );
            match expected {
                Some((refused, with)) => assert_eq!((status, code), (refused, with), "{at}"),
                None => {
                    let_in += 1;
                    assert!(
                        !matches!(
                            code,
                            "unauthenticated" | "invalid_token" | "forbidden" | "client_not_found"
                        ),
                        "{at}"
                    );
                    assert!(status < 500, "{at}");
                }
            }
        }
    }
    assert!(let_in > 100, "only {let_in} requests were let in");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_is_anothers_looks_like_one_that_does_not_exist() {
    let server = Server::start().await;
    let token = server.register("acme").await;
    server.with_job("other/flights").await;
    let mut answers = Vec::new();
    for client in ["other", "nobody"] {
        let request = server.request(
            "GET",
            &format!("/v1/clients/{client}/jobs/flights"),
            Some(&token),
        );
        let (status, _, mut body) = server.raw(request).await;
        body["request_id"] = Value::Null;
        answers.push((status, body.to_string().replace(client, "[client]")));
    }
    assert_eq!(answers[0], answers[1]);
    server.stop().await;
}
