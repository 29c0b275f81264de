//! Registering, profiles, tokens, invitations, the audit log.

use api::{ClientPatch, NewClient, NewToken, PageQuery, SpecText};
use domain::audit::Actor;
use domain::units::Span;

use crate::support::{SPEC, Server, client_id, code, job_ref, new_client};

#[tokio::test]
async fn open_registration_gives_a_client_its_first_token() {
    let server = Server::start().await;
    let registered = server
        .anonymous()
        .register(&new_client("acme"))
        .await
        .unwrap();
    assert_eq!(
        (
            registered.client.name.as_str(),
            registered.client.plan_name.as_str()
        ),
        ("acme", "default")
    );
    let own = server.bearing(&registered.token.token);
    assert_eq!(
        own.client(&client_id("acme")).await.unwrap(),
        registered.client
    );
    assert_eq!(
        own.whoami().await.unwrap(),
        Actor::Client {
            client: client_id("acme"),
            token: registered.token.info.id
        }
    );
    assert_eq!(
        code(server.anonymous().register(&new_client("acme")).await),
        "client_exists"
    );
    let with_plan = NewClient {
        plan: Some("default".into()),
        ..new_client("other")
    };
    assert_eq!(
        code(server.anonymous().register(&with_plan).await),
        "forbidden"
    );
    let loud = NewClient {
        name: Some("x".repeat(201)),
        contact: Some("a\0b".into()),
        ..new_client("other")
    };
    let refused = server.anonymous().register(&loud).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().violations.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn an_invitation_registers_one_client_once() {
    let server = Server::with("registration = \"invite\"").await;
    assert_eq!(
        code(server.anonymous().register(&new_client("acme")).await),
        "unauthenticated"
    );
    let token = server.register("first").await;
    assert_eq!(
        code(server.bearing(&token).register(&new_client("acme")).await),
        "registration_closed"
    );
    let invited = server.bearing(
        &server
            .admin
            .invite(&NewToken::default())
            .await
            .unwrap()
            .token,
    );
    assert_eq!(
        code(invited.register(&new_client("first")).await),
        "client_exists"
    );
    invited.register(&new_client("acme")).await.unwrap();
    assert_eq!(
        code(invited.register(&new_client("second")).await),
        "invalid_token"
    );
    let withdrawn = server.admin.invite(&NewToken::default()).await.unwrap();
    server
        .admin
        .withdraw_invitation(&withdrawn.info.id)
        .await
        .unwrap();
    assert_eq!(
        code(
            server
                .bearing(&withdrawn.token)
                .register(&new_client("third"))
                .await
        ),
        "invalid_token"
    );
    let listed = server
        .admin
        .invitations(&PageQuery::default())
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 2);
    assert!(
        listed
            .items
            .iter()
            .all(|invitation| invitation.revoked_ms.is_some())
    );
    server.stop().await;
}

#[tokio::test]
async fn with_registration_by_admins_nobody_else_registers() {
    let server = Server::with("registration = \"admin\"").await;
    assert_eq!(
        code(server.anonymous().register(&new_client("acme")).await),
        "unauthenticated"
    );
    server.admin.register(&new_client("acme")).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_client_changes_its_name_but_not_its_plan() {
    let server = Server::with("[plans.small]\nmax_jobs = 1").await;
    let own = server.bearing(&server.register("acme").await);
    let acme = client_id("acme");
    let named = ClientPatch {
        name: Some("Acme Corp".into()),
        ..ClientPatch::default()
    };
    assert_eq!(
        own.update_client(&acme, &named).await.unwrap().name,
        "Acme Corp"
    );
    let planned = ClientPatch {
        plan: Some("small".into()),
        ..ClientPatch::default()
    };
    assert_eq!(code(own.update_client(&acme, &planned).await), "forbidden");
    let after = server.admin.update_client(&acme, &planned).await.unwrap();
    assert_eq!((after.name.as_str(), after.plan.max_jobs), ("Acme Corp", 1));
    let unknown = ClientPatch {
        plan: Some("huge".into()),
        ..ClientPatch::default()
    };
    assert_eq!(
        code(server.admin.update_client(&acme, &unknown).await),
        "plan_not_found"
    );
    let plans: Vec<_> = own
        .plans()
        .await
        .unwrap()
        .into_iter()
        .map(|plan| plan.name)
        .collect();
    assert_eq!(plans, ["default", "small"]);
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_good_until_it_is_revoked() {
    let server = Server::start().await;
    let own = server.bearing(&server.register("acme").await);
    let acme = client_id("acme");
    let new = NewToken {
        name: "nightly".into(),
        expires_in: Some(Span::secs(3600)),
    };
    let made = own.create_token(&acme, &new).await.unwrap();
    assert_eq!(made.info.expires_ms, Some(made.info.created_ms + 3_600_000));
    let nightly = server.bearing(&made.token);
    nightly.client(&acme).await.unwrap();
    own.revoke_token(&acme, &made.info.id).await.unwrap();
    own.revoke_token(&acme, &made.info.id).await.unwrap();
    assert_eq!(code(nightly.client(&acme).await), "invalid_token");
    let listed = own
        .tokens(&acme, &PageQuery::default())
        .await
        .unwrap()
        .items;
    assert_eq!(
        listed
            .iter()
            .map(|token| (token.name.as_str(), token.revoked_ms.is_some()))
            .collect::<Vec<_>>(),
        [("first", false), ("nightly", true)]
    );
    let stored = serde_json::to_string(
        &server
            .metadata
            .token(&made.info.id)
            .await
            .unwrap()
            .unwrap()
            .value,
    )
    .unwrap();
    let secret = made.token.rsplit_once('_').unwrap().1;
    assert!(!stored.contains(secret), "the secret itself is stored");
    let other = server.register("other").await;
    assert_eq!(
        code(
            server
                .bearing(&other)
                .revoke_token(&client_id("other"), &listed[0].id)
                .await
        ),
        "token_not_found"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_client_is_removed_with_all_that_is_its() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let run = own.start(&job_ref("acme/flights")).await.unwrap();
    assert_eq!(
        code(server.admin.delete_client(&client_id("acme")).await),
        "runs_under_way"
    );
    server.end(&run.id).await;
    server
        .admin
        .delete_client(&client_id("acme"))
        .await
        .unwrap();
    assert_eq!(code(own.client(&client_id("acme")).await), "invalid_token");
    assert_eq!(
        code(server.admin.client(&client_id("acme")).await),
        "client_not_found"
    );
    // its documents are still there: not everybody can have its id
    let by_anybody = server.anonymous().register(&new_client("acme")).await;
    assert_eq!(code(by_anybody), "client_exists");
    // and one that an admin lets in begins anew
    let again = server.bearing(&server.register("acme").await);
    assert_eq!(
        again
            .jobs(&client_id("acme"), &PageQuery::default())
            .await
            .unwrap()
            .items,
        []
    );
    server.stop().await;
}

#[tokio::test]
async fn the_audit_log_says_who_changed_what() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    server.with_job("other/flights").await;
    own.put_job(&job_ref("acme/flights"), SpecText::Json(SPEC))
        .await
        .unwrap();
    let entries = own.audit(&PageQuery::default()).await.unwrap().items;
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        ["job.put", "token.create", "client.register"],
        "the same spec again is no change"
    );
    assert!(matches!(&entries[0].actor, Actor::Client { client, .. } if client.as_str() == "acme"));
    assert!(matches!(&entries[2].actor, Actor::Admin { .. }));
    assert!(entries.iter().all(|entry| entry.request_id.is_some()));
    let all = server.admin.audit(&PageQuery::first(4)).await.unwrap();
    assert_eq!(all.items.len(), 4);
    let rest = server
        .admin
        .audit(&PageQuery::after(all.next.unwrap()))
        .await
        .unwrap();
    assert_eq!(
        (rest.items.len(), rest.next),
        (3, None),
        "three of each client, and the first admin token"
    );
    server.stop().await;
}
