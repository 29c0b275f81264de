//! A job that is rendered, taken away, and done by people who know Compose.

use std::path::Path;
use std::process::Command;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use domain::spec::EngineKind;
use serde_json::{Value, json};
use testkit::wait_until;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{input, platform, spec};
use crate::harness::{Options, PATIENCE, Platform};

/// Networks of this kind are nobody's: its gateway is an address of this host that only containers know.
const NETWORK: &str = "ingest-test-by-hand";
const SUBNET: &str = "10.231.77.0/29";
const GATEWAY: &str = "10.231.77.1";

/// Passes connections of containers on to a port of this host's loopback; its address.
async fn forward(port: u16) -> String {
    let listener = TcpListener::bind((GATEWAY, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut to = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    format!("http://{address}")
}

fn compose(folder: &Path, arguments: &[&str]) {
    let mut command = match Command::new("docker-compose").arg("version").output() {
        Ok(_) => Command::new("docker-compose"),
        Err(_) => {
            let mut docker = Command::new("docker");
            docker.arg("compose");
            docker
        }
    };
    let output = command.args(arguments).current_dir(folder).output();
    let output = output.expect("Docker Compose is missing: tests/deps.sh docker installs it");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

async fn documents(platform: &Platform, index: &str, run: &str) -> u64 {
    let query = json!({ "term": { "provenance.run": run } });
    platform.dms().refresh(index).await;
    platform.dms().count(index, Some(query)).await
}

pub async fn rendered() {
    let platform = platform(Options {
        dms_proxy: true, // so that it is a server of its own, at an address that is known
        ..Options::default()
    })
    .await;
    let tenant = platform.tenant("by-hand").await;
    let mut rows = spec(EngineKind::Native);
    // the operator's files are not taken away
    rows["wrangling"].as_array_mut().unwrap().truncate(2);
    let job = tenant.job("rows", &rows).await;
    let work = tempfile::tempdir().unwrap();
    let (file, folder) = (work.path().join("packed.csv.gz"), work.path().join("away"));
    let input = input("packed.csv.gz", 5_000);
    std::fs::write(&file, input.staged()).unwrap();

    let docker = bollard::Docker::connect_with_defaults().unwrap();
    let _ = docker.remove_network(NETWORK).await; // of a test that was broken off
    let network = NetworkCreateRequest {
        name: NETWORK.into(),
        ipam: Some(Ipam {
            config: Some(vec![IpamConfig {
                subnet: Some(SUBNET.into()),
                gateway: Some(GATEWAY.into()),
                ..IpamConfig::default()
            }]),
            ..Ipam::default()
        }),
        ..NetworkCreateRequest::default()
    };
    docker.create_network(network).await.unwrap();
    let port = platform.dms_proxy().address().port();
    let url = forward(port).await;

    let rendered = Command::new(env!("CARGO_BIN_EXE_ingest"))
        .env("INGEST_SERVER", platform.url())
        .env("INGEST_TOKEN", &tenant.token)
        .args(["--output", "json", "job", "render"])
        .args([&job.id.to_string(), "--url", &url, "--to"])
        .args([&folder, &file])
        .output()
        .unwrap();
    assert!(rendered.status.success(), "{rendered:?}");
    let rendered: Value = serde_json::from_slice(&rendered.stdout).unwrap();
    let sums = input.ledger();
    // what the decoder refuses is not sent
    let unreadable = 5_000 / 50;
    assert_eq!(rendered["records"], sums.read - unreadable, "{rendered}");
    let run = rendered["run"].as_str().unwrap();

    compose(&folder, &["up", "--detach"]);
    wait_until("all documents are there", PATIENCE, async || {
        documents(&platform, &job.index, run).await == sums.created
    })
    .await;
    compose(&folder, &["down", "--volumes"]);
    docker.remove_network(NETWORK).await.unwrap();
    platform.end().await;
}
