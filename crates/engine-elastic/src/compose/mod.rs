//! The compose file of a plan, for people who start a run's containers by hand.
//!
//! Every text is quoted, and has its `$` doubled, because Compose replaces variables in values.

mod schema;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

use domain::units::Span;

use crate::plan::{Container, HealthCheck, Mount, Network, NetworkKind, Plan, SECRETS_TARGET};
use schema::{
    Condition, Document, Healthcheck, Logging, NetworkDefinition, Service, VolumeDefinition,
    VolumeMount,
};

/// The two files; both lie in the run's folder, where `docker compose up` finds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeFiles {
    /// `docker-compose.yml`.
    pub compose: String,
    /// `.env`: the project's name, and the variables that whoever starts it has to fill in.
    pub env: String,
}

/// Writes a plan's compose file.
///
/// # Errors
/// When the document cannot be made; no value of a plan is known to do that.
pub fn render(plan: &Plan) -> Result<ComposeFiles, serde_json::Error> {
    let document = Document {
        services: plan
            .containers
            .iter()
            .map(|container| (container.role.as_str(), service(plan, container)))
            .collect(),
        networks: plan
            .networks
            .iter()
            .map(|it| (it.name.as_str(), network(plan, it)))
            .collect(),
        volumes: plan
            .volumes
            .iter()
            .map(|it| (it.as_str(), volume(plan, it)))
            .collect(),
    };
    Ok(ComposeFiles {
        compose: yaml::write(&serde_json::to_value(&document)?),
        env: env(plan),
    })
}

/// A text as Compose must see it so that it means itself.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

fn literals(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| literal(text)).collect()
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<String> {
    map.iter()
        .map(|(key, value)| literal(&format!("{key}={value}")))
        .collect()
}

fn millis(span: Span) -> String {
    format!("{}ms", span.ms)
}

fn service<'a>(plan: &'a Plan, it: &'a Container) -> Service<'a> {
    Service {
        image: literal(&it.image),
        container_name: literal(&it.name),
        entrypoint: literals(&it.entrypoint),
        command: literals(&it.command),
        environment: pairs(&it.environment),
        labels: pairs(&plan.labels_of(it)),
        user: literal(&it.user),
        working_dir: it.working_dir.as_deref().map(literal),
        restart: "no",
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        mem_limit: it.memory_bytes,
        memswap_limit: it.memory_bytes,
        cpus: f64::from(it.cpu_millis) / 1000.0,
        pids_limit: it.pids,
        stop_grace_period: format!("{}s", it.stop_grace_seconds()),
        networks: it.networks.iter().map(String::as_str).collect(),
        extra_hosts: it.extra_hosts(),
        ports: it
            .publish
            .iter()
            .map(|port| format!("127.0.0.1::{port}"))
            .collect(),
        depends_on: it
            .depends_on
            .iter()
            .map(|role| (role.as_str(), Condition::STARTED))
            .collect(),
        tmpfs: it.mounts.iter().filter_map(tmpfs).collect(),
        volumes: it
            .mounts
            .iter()
            .filter_map(|mount| volume_mount(&plan.folder, mount))
            .collect(),
        logging: Logging::within(it.logs),
        healthcheck: it.health.as_ref().map(healthcheck),
    }
}

fn tmpfs(mount: &Mount) -> Option<String> {
    match mount {
        Mount::Tmpfs { target, size_bytes } => Some(literal(&format!(
            "{target}:{}",
            Mount::tmpfs_options(*size_bytes)
        ))),
        _ => None,
    }
}

fn volume_mount(folder: &Path, mount: &Mount) -> Option<VolumeMount> {
    match mount {
        Mount::Tmpfs { .. } => None,
        Mount::Volume { volume, target } => Some(VolumeMount {
            kind: "volume",
            source: volume.clone(),
            target: literal(target),
            read_only: false,
        }),
        Mount::Bind { source, target } => Some(VolumeMount {
            kind: "bind",
            source: literal(&relative(folder, source)),
            target: literal(target),
            read_only: true,
        }),
        Mount::Folder { source, target } => Some(VolumeMount {
            kind: "bind",
            source: literal(&relative(folder, source)),
            target: literal(target),
            read_only: false,
        }),
        Mount::Secret { name, .. } => Some(VolumeMount {
            kind: "bind",
            source: format!("${{{}:?{}}}", secret_variable(name), secret_hint(name)),
            target: literal(&format!("{SECRETS_TARGET}/{name}")),
            read_only: true,
        }),
    }
}

/// What is in the run's folder is named relative to it, so that the folder can be moved.
fn relative(folder: &Path, path: &Path) -> String {
    match path.strip_prefix(folder) {
        Ok(inside) => format!("./{}", inside.display()),
        Err(_) => path.display().to_string(),
    }
}

fn healthcheck(it: &HealthCheck) -> Healthcheck {
    Healthcheck {
        test: std::iter::once("CMD".to_owned())
            .chain(literals(&it.command))
            .collect(),
        interval: millis(it.interval),
        timeout: millis(it.timeout),
        retries: it.retries,
        start_period: millis(it.start_period),
    }
}

fn network(plan: &Plan, it: &Network) -> NetworkDefinition {
    let ours = it.kind != NetworkKind::Existing;
    NetworkDefinition {
        name: literal(&it.name),
        external: !ours,
        internal: it.kind == NetworkKind::Internal,
        labels: if ours {
            pairs(&plan.labels)
        } else {
            Vec::new()
        },
    }
}

fn volume(plan: &Plan, name: &str) -> VolumeDefinition {
    VolumeDefinition {
        name: literal(name),
        labels: pairs(&plan.labels),
    }
}

fn secret_variable(name: &str) -> String {
    format!("INGEST_SECRET_{name}")
}

fn secret_hint(name: &str) -> String {
    format!("path of the file that holds {name}")
}

fn env(plan: &Plan) -> String {
    let mut text = format!(
        "# Read by Docker Compose together with docker-compose.yml.\nCOMPOSE_PROJECT_NAME={}\n",
        plan.project
    );
    let mut names: Vec<&str> = plan
        .containers
        .iter()
        .flat_map(|container| &container.mounts)
        .filter_map(|mount| match mount {
            Mount::Secret { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        text += &format!(
            "# Fill in: {}\n{}=\n",
            secret_hint(name),
            secret_variable(name)
        );
    }
    text
}
