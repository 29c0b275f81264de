//! A plan in the words of Docker's API. What the compose file says of a container is said here again, value by value.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigLogConfig, Mount,
    MountType, NetworkCreateRequest, NetworkingConfig, PortBinding, PortMap, RestartPolicy,
    RestartPolicyNameEnum, VolumeCreateRequest,
};
use domain::units::Span;

use crate::plan::{self, Container, HealthCheck, Network, NetworkKind, Plan, SECRETS_TARGET};

pub(super) fn network(plan: &Plan, network: &Network) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: network.name.clone(),
        driver: Some("bridge".into()),
        internal: Some(network.kind == NetworkKind::Internal),
        labels: Some(hash(plan.labels.clone())),
        ..Default::default()
    }
}

pub(super) fn volume(plan: &Plan, name: &str) -> VolumeCreateRequest {
    VolumeCreateRequest {
        name: Some(name.into()),
        labels: Some(hash(plan.labels.clone())),
        ..Default::default()
    }
}

/// What the container is on a network: known by its role.
pub(super) fn endpoint(container: &Container) -> EndpointSettings {
    EndpointSettings {
        aliases: Some(vec![container.role.as_str().into()]),
        ..Default::default()
    }
}

/// The container, on its first network; an older Docker can be told of one only.
pub(super) fn container(plan: &Plan, it: &Container) -> ContainerCreateBody {
    let first = it.networks.first().cloned();
    let endpoints = first.iter().map(|name| (name.clone(), endpoint(it)));
    ContainerCreateBody {
        image: Some(it.image.clone()),
        entrypoint: Some(it.entrypoint.clone()),
        cmd: Some(it.command.clone()),
        env: Some(
            it.environment
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        ),
        user: Some(it.user.clone()),
        working_dir: it.working_dir.clone(),
        labels: Some(hash(plan.labels_of(it))),
        exposed_ports: Some(it.publish.iter().map(|port| tcp(*port)).collect()),
        stop_timeout: i64::try_from(it.stop_grace_seconds()).ok(),
        healthcheck: it.health.as_ref().map(health),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(endpoints.collect()),
        }),
        host_config: Some(HostConfig {
            network_mode: first,
            ..host_config(it)
        }),
        ..Default::default()
    }
}

fn host_config(it: &Container) -> HostConfig {
    let memory = i64::try_from(it.memory_bytes).ok();
    HostConfig {
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".into()]),
        security_opt: Some(vec!["no-new-privileges:true".into()]),
        privileged: Some(false),
        memory,
        memory_swap: memory,
        nano_cpus: Some(i64::from(it.cpu_millis) * 1_000_000),
        pids_limit: Some(it.pids.into()),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        log_config: Some(HostConfigLogConfig {
            typ: Some(plan::LOG_DRIVER.into()),
            config: Some(
                plan::log_options(it.logs)
                    .map(|(key, value)| (key.to_owned(), value))
                    .into(),
            ),
        }),
        extra_hosts: Some(it.extra_hosts()),
        port_bindings: Some(ports(&it.publish)),
        tmpfs: Some(it.mounts.iter().filter_map(tmpfs).collect()),
        mounts: Some(it.mounts.iter().filter_map(mount).collect()),
        ..Default::default()
    }
}

fn ports(publish: &[u16]) -> PortMap {
    let loopback = PortBinding {
        host_ip: Some("127.0.0.1".into()),
        host_port: Some(String::new()),
    };
    publish
        .iter()
        .map(|port| (tcp(*port), Some(vec![loopback.clone()])))
        .collect()
}

pub(super) fn tcp(port: u16) -> String {
    format!("{port}/tcp")
}

fn tmpfs(mount: &plan::Mount) -> Option<(String, String)> {
    match mount {
        plan::Mount::Tmpfs { target, size_bytes } => {
            Some((target.clone(), plan::Mount::tmpfs_options(*size_bytes)))
        }
        _ => None,
    }
}

fn mount(mount: &plan::Mount) -> Option<Mount> {
    let (typ, source, target, read_only) = match mount {
        plan::Mount::Tmpfs { .. } => return None,
        plan::Mount::Volume { volume, target } => {
            (MountType::VOLUME, volume.clone(), target.clone(), false)
        }
        plan::Mount::Bind { source, target } => (
            MountType::BIND,
            source.display().to_string(),
            target.clone(),
            true,
        ),
        plan::Mount::Folder { source, target } => (
            MountType::BIND,
            source.display().to_string(),
            target.clone(),
            false,
        ),
        plan::Mount::Secret { name, source } => (
            MountType::BIND,
            source.display().to_string(),
            format!("{SECRETS_TARGET}/{name}"),
            true,
        ),
    };
    Some(Mount {
        typ: Some(typ),
        source: Some(source),
        target: Some(target),
        read_only: Some(read_only),
        ..Default::default()
    })
}

fn health(it: &HealthCheck) -> HealthConfig {
    HealthConfig {
        test: Some(
            std::iter::once("CMD".to_owned())
                .chain(it.command.iter().cloned())
                .collect(),
        ),
        interval: Some(nanos(it.interval)),
        timeout: Some(nanos(it.timeout)),
        retries: Some(it.retries.into()),
        start_period: Some(nanos(it.start_period)),
        start_interval: None,
    }
}

fn nanos(span: Span) -> i64 {
    i64::try_from(span.duration().as_nanos()).unwrap_or(i64::MAX)
}

fn hash(map: BTreeMap<String, String>) -> HashMap<String, String> {
    map.into_iter().collect()
}
