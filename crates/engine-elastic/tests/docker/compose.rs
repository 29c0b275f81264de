//! The compose file, read by a real Compose, makes the same containers as the API does (rule 27).

use std::fs;
use std::process::{Command, Output};

use bollard::models::ContainerInspectResponse;
use serde_json::{Value, json};

use super::bench::{Bench, FOREVER, NASTY, raw};

/// Runs Compose in the run's folder, in the form in which it is installed.
fn compose(bench: &Bench, arguments: &[&str]) -> Output {
    let standalone = Command::new("docker-compose")
        .arg("version")
        .output()
        .is_ok();
    let mut command = if standalone {
        Command::new("docker-compose")
    } else {
        let mut command = Command::new("docker");
        command.arg("compose");
        command
    };
    let output = command
        .args(arguments)
        .current_dir(bench.folder())
        .env("DOCKER_HOST", &bench.host)
        .env(
            "INGEST_SECRET_ELASTICSEARCH_API_KEY",
            bench.folder().join("../secret").canonicalize().unwrap(),
        )
        .output()
        .expect("Docker Compose is missing: tests/deps.sh docker installs it");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output
}

/// What makes a container what it is, without what only one of the two ways leaves behind.
fn essence(found: ContainerInspectResponse) -> Value {
    let config = found.config.unwrap();
    let host = found.host_config.unwrap();
    let mut environment = config.env.unwrap_or_default();
    environment.sort();
    let mut labels = config.labels.unwrap_or_default();
    labels.retain(|key, _| !key.starts_with("com.docker.compose."));
    let mut mounts: Vec<_> = found
        .mounts
        .unwrap_or_default()
        .into_iter()
        .map(|it| json!([it.destination, it.typ, it.name, it.source, it.rw]))
        .collect();
    mounts.sort_by_key(|it| it[0].to_string());
    let mut networks: Vec<_> = found
        .network_settings
        .unwrap()
        .networks
        .unwrap()
        .into_keys()
        .collect();
    networks.sort();
    json!({
        "image": config.image, "command": config.cmd, "entrypoint": config.entrypoint,
        "environment": environment, "labels": labels.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "user": config.user, "health": config.healthcheck, "stop": config.stop_timeout,
        "read_only": host.readonly_rootfs, "capabilities": host.cap_drop, "security": host.security_opt,
        "privileged": host.privileged, "memory": host.memory, "swap": host.memory_swap, "cpus": host.nano_cpus,
        "pids": host.pids_limit, "folder": config.working_dir, "log": host.log_config, "tmpfs": host.tmpfs.unwrap_or_default(), "hosts": host.extra_hosts.unwrap_or_default(),
        "mounts": mounts, "networks": networks,
        "ports": host.port_bindings.unwrap_or_default(),
    })
}

async fn essences(bench: &Bench) -> Vec<Value> {
    let docker = raw(&bench.host);
    let mut all = Vec::new();
    for container in &bench.plan.containers {
        all.push(essence(
            docker
                .inspect_container(&container.name, None)
                .await
                .unwrap(),
        ));
    }
    all
}

#[tokio::test]
async fn compose_makes_the_containers_that_the_api_makes() {
    let Some(mut bench) = Bench::new("01j0000000000000000000000k").await else {
        return;
    };
    bench.programs(FOREVER, FOREVER);
    bench.plan.containers[0].publish = vec![9600];
    let files = engine_elastic::compose::render(&bench.plan).unwrap();
    fs::write(bench.folder().join("docker-compose.yml"), files.compose).unwrap();
    fs::write(bench.folder().join(".env"), files.env).unwrap();
    compose(&bench, &["config", "--quiet"]);

    bench.docker.put_up(&bench.plan).await.unwrap();
    let by_api = essences(&bench).await;
    bench.docker.remove(&bench.run).await.unwrap();
    compose(&bench, &["up", "--detach"]);
    let by_compose = essences(&bench).await;
    // what Compose put up carries the labels too, so it is ours to remove
    bench.docker.remove(&bench.run).await.unwrap();
    assert!(bench.docker.runs(&bench.platform).await.unwrap().is_empty());

    for (api, compose) in by_api.iter().zip(&by_compose) {
        for (key, value) in api.as_object().unwrap() {
            assert_eq!(value, &compose[key], "{key}");
        }
    }
    let environment = by_compose[0]["environment"].as_array().unwrap();
    assert!(
        environment.contains(&format!("NASTY={NASTY}").into()),
        "{environment:?}"
    );
}
