//! Docker away, or silent, is an explained state and not a hang. Needs no Docker.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

use std::os::unix::net::UnixListener;
use std::time::Duration;

use engine_elastic::docker::{Docker, Patience, failure::code};
use tokio::net::TcpListener;

/// Why connecting there fails.
async fn refused(host: &str) -> String {
    let patience = Patience {
        call: Duration::from_millis(300),
        idle: Duration::from_millis(300),
    };
    let failure = Docker::connect(Some(host), patience).await.unwrap_err();
    assert!(failure.message.contains(host), "{failure}");
    assert!(!failure.next_step.is_empty());
    failure.code
}

#[tokio::test]
async fn no_docker_is_told_from_a_slow_one_and_from_a_bad_address() {
    let folder = tempfile::tempdir().unwrap();
    let socket = |name: &str| format!("unix://{}", folder.path().join(name).display());
    assert_eq!(refused(&socket("none")).await, code::AWAY);
    // a socket that nobody listens on any more
    drop(UnixListener::bind(folder.path().join("dead")).unwrap());
    assert_eq!(refused(&socket("dead")).await, code::AWAY);
    // one that takes calls and never answers
    let _silent = UnixListener::bind(folder.path().join("silent")).unwrap();
    assert_eq!(refused(&socket("silent")).await, code::SLOW);

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    assert_eq!(refused(&format!("tcp://{address}")).await, code::SLOW);
    drop(silent);
    assert_eq!(refused(&format!("tcp://{address}")).await, code::AWAY);
    assert_eq!(refused("ssh://somewhere").await, code::BAD_ADDRESS);
}

#[tokio::test]
async fn an_old_docker_is_told_what_is_needed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("tcp://{}", server.local_addr().unwrap());
    let old = tokio::spawn(async move {
        loop {
            let (mut connection, _) = server.accept().await.unwrap();
            let _ = connection.read(&mut [0; 4096]).await;
            let body = r#"{"message":"client version is too new"}"#;
            let answer = format!(
                "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    let failure = Docker::connect(Some(&host), Patience::default())
        .await
        .unwrap_err();
    assert_eq!(failure.code, code::TOO_OLD);
    old.abort();
}
