//! What a run's containers are doing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bollard::models::{
    ContainerInspectResponse, ContainerMemoryStats, ContainerState, ContainerStateStatusEnum,
    ContainerStatsResponse, ContainerSummary, HealthStatusEnum, PortMap,
};
use bollard::query_parameters::{ListContainersOptions, StatsOptions};
use domain::error::Failure;
use domain::ids::RunId;
use futures::{StreamExt, TryStreamExt};

use super::failure::{code, permanent, transient, unless};
use super::{Docker, labelled};
use crate::plan::{Role, label};

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Made, and never started.
    Created,
    /// It runs.
    Running,
    /// It has ended.
    Exited,
    /// Something short or odd in between: paused, being removed.
    Other,
}

/// A container as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its name in Docker.
    pub name: String,
    /// What it does in the run.
    pub role: Role,
    /// What it does now.
    pub state: State,
    /// How it ended; none while it runs, or if it never did.
    pub exit_code: Option<i64>,
    /// Whether something in it was ended because it used too much memory.
    pub oom_killed: bool,
    /// How often Docker has started it again by itself.
    pub restarts: i64,
    /// What its health check says; none without a check, or before the first has succeeded or enough have failed.
    pub healthy: Option<bool>,
    /// Why it could not be started, if it could not.
    pub error: Option<String>,
    /// Its addresses, by network.
    pub addresses: BTreeMap<String, IpAddr>,
    /// Published ports: the container's, and the one on the host's loopback interface.
    pub ports: BTreeMap<u16, u16>,
    /// What it uses; none if it does not run.
    pub usage: Option<Usage>,
}

/// What a container uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Memory without the caches of files that can be dropped, in bytes.
    pub memory_bytes: u64,
    /// CPU time since its start, in milliseconds.
    pub cpu_ms: u64,
}

impl Docker {
    /// The containers of a run, by role; empty if there are none.
    ///
    /// # Errors
    /// When Docker cannot tell.
    pub async fn observe(&self, run: &RunId) -> Result<Vec<Seen>, Failure> {
        let mut all = Vec::new();
        for summary in self.list(label::RUN, run.as_str()).await? {
            let Some(found) = self
                .inspect(summary.id.as_deref().unwrap_or_default())
                .await?
            else {
                continue; // gone since it was listed
            };
            let Some(mut seen) = seen(&found) else {
                continue; // not of our making
            };
            if seen.state == State::Running {
                seen.usage = self.usage(&seen.name).await?;
            }
            all.push(seen);
        }
        all.sort_by_key(|it| it.role);
        Ok(all)
    }

    /// The containers that carry a label with this value, also those that do not run.
    pub(super) async fn list(
        &self,
        label: &str,
        value: &str,
    ) -> Result<Vec<ContainerSummary>, Failure> {
        let options = ListContainersOptions {
            all: true,
            filters: labelled(label, value),
            ..Default::default()
        };
        Ok(self
            .call(
                "listing the containers",
                self.client.list_containers(Some(options)),
            )
            .await?)
    }

    async fn usage(&self, name: &str) -> Result<Option<Usage>, Failure> {
        let options = StatsOptions {
            stream: false,
            one_shot: true,
        };
        let mut stats = self.client.stats(name, Some(options)).boxed();
        let first = self
            .call(
                &format!("asking what the container {name} uses"),
                stats.try_next(),
            )
            .await;
        Ok(unless(&[404, 409], first)?
            .flatten()
            .and_then(|it| usage(&it)))
    }
}

impl Seen {
    /// Why it is not doing its work, if it has ended in a way that it should not.
    pub fn failure(&self) -> Option<Failure> {
        let name = &self.name;
        if self.oom_killed {
            return Some(permanent(
                code::CONTAINER_OOM,
                format!("the container {name} used more memory than it may, and was ended"),
                "give the job more memory (`limits.memory`), or the client's plan (`memory_per_run`)",
            ));
        }
        let how = match (self.state, self.exit_code, &self.error) {
            (State::Exited | State::Created, _, Some(error)) => {
                format!("could not be started: {error}")
            }
            (State::Exited, Some(exit_code), _) if exit_code != 0 => {
                format!("ended with code {exit_code}")
            }
            _ => return None,
        };
        Some(transient(
            code::CONTAINER_FAILED,
            format!("the container {name} {how}"),
            "see its log in the run's folder",
        ))
    }
}

fn seen(found: &ContainerInspectResponse) -> Option<Seen> {
    let labels = found.config.as_ref()?.labels.as_ref()?;
    let state = found.state.as_ref()?;
    let network = found.network_settings.as_ref();
    let kind = kind(state);
    Some(Seen {
        name: found.name.as_deref()?.trim_start_matches('/').into(),
        role: Role::of(labels.get(label::ROLE)?)?,
        state: kind,
        exit_code: state.exit_code.filter(|_| kind == State::Exited),
        oom_killed: state.oom_killed == Some(true),
        restarts: found.restart_count.unwrap_or(0),
        healthy: state.health.as_ref().and_then(|it| match it.status? {
            HealthStatusEnum::HEALTHY => Some(true),
            HealthStatusEnum::UNHEALTHY => Some(false),
            _ => None,
        }),
        error: state.error.clone().filter(|it| !it.is_empty()),
        addresses: network
            .and_then(|it| it.networks.as_ref())
            .into_iter()
            .flatten()
            .filter_map(|(name, it)| Some((name.clone(), it.ip_address.as_ref()?.parse().ok()?)))
            .collect(),
        ports: network
            .and_then(|it| it.ports.as_ref())
            .map(ports)
            .unwrap_or_default(),
        usage: None,
    })
}

fn kind(state: &ContainerState) -> State {
    match state.status {
        Some(ContainerStateStatusEnum::CREATED) => State::Created,
        Some(ContainerStateStatusEnum::RUNNING) => State::Running,
        Some(ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD) => State::Exited,
        _ => State::Other,
    }
}

fn ports(map: &PortMap) -> BTreeMap<u16, u16> {
    map.iter()
        .filter_map(|(container, bindings)| {
            let host = bindings.as_ref()?.first()?.host_port.as_ref()?;
            Some((
                container.strip_suffix("/tcp")?.parse().ok()?,
                host.parse().ok()?,
            ))
        })
        .collect()
}

fn usage(stats: &ContainerStatsResponse) -> Option<Usage> {
    Some(Usage {
        memory_bytes: memory(stats.memory_stats.as_ref()?)?,
        cpu_ms: stats.cpu_stats.as_ref()?.cpu_usage.as_ref()?.total_usage? / 1_000_000,
    })
}

fn memory(stats: &ContainerMemoryStats) -> Option<u64> {
    // the first is what version 1 of cgroups calls it, the second version 2
    let cache = stats.stats.as_ref().and_then(|it| {
        it.get("total_inactive_file")
            .or_else(|| it.get("inactive_file"))
    });
    Some(stats.usage?.saturating_sub(cache.copied().unwrap_or(0)))
}
