//! Putting a plan up: what is missing is made, what does not run is started, and the rest is left alone.

use std::collections::HashMap;
use std::net::IpAddr;

use bollard::models::{ContainerInspectResponse, NetworkConnectRequest};
use bollard::query_parameters::CreateContainerOptions;
use domain::error::Failure;

use super::failure::{code, permanent, unless};
use super::{Docker, body};
use crate::plan::{Container, Network, NetworkKind, Plan, label};

/// What putting up a plan has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Names of the networks, volumes and containers that were made.
    pub created: Vec<String>,
    /// Names of the containers that were started.
    pub started: Vec<String>,
}

impl Docker {
    /// Puts a plan up; its images must be on the host. Called again, also after it was interrupted, it does what is left
    /// to do. A container that has ended is started again.
    ///
    /// # Errors
    /// When Docker fails, something of the same name belongs to somebody else, or a network of the operator's is missing.
    pub async fn put_up(&self, plan: &Plan) -> Result<Changes, Failure> {
        let mut changes = Changes::default();
        for network in &plan.networks {
            self.ensure_network(plan, network, &mut changes).await?;
        }
        for volume in &plan.volumes {
            self.ensure_volume(plan, volume, &mut changes).await?;
        }
        for container in &plan.containers {
            self.ensure_container(plan, container, &mut changes).await?;
        }
        Ok(changes)
    }

    /// Makes the network that a plan's containers share, if it is not there, and gives the host's address in it.
    ///
    /// # Errors
    /// When Docker fails, or the network belongs to somebody else.
    pub async fn make_inner_network(&self, plan: &Plan) -> Result<IpAddr, Failure> {
        let is_inner = |it: &&Network| it.kind == NetworkKind::Internal;
        let Some(inner) = plan.networks.iter().find(is_inner) else {
            return Err(no_gateway(&plan.project));
        };
        self.ensure_network(plan, inner, &mut Changes::default())
            .await?;
        let name = &inner.name;
        let found = self
            .call(
                &format!("looking at the network {name}"),
                self.client.inspect_network(name, None),
            )
            .await?;
        let addresses = found.ipam.and_then(|it| it.config).unwrap_or_default();
        let gateway = addresses
            .into_iter()
            .find_map(|it| it.gateway?.parse().ok());
        gateway.ok_or_else(|| no_gateway(name))
    }

    async fn ensure_network(
        &self,
        plan: &Plan,
        network: &Network,
        changes: &mut Changes,
    ) -> Result<(), Failure> {
        let name = &network.name;
        let found = self
            .call(
                &format!("looking for the network {name}"),
                self.client.inspect_network(name, None),
            )
            .await;
        match (unless(&[404], found)?, network.kind) {
            (Some(_), NetworkKind::Existing) => Ok(()),
            (Some(found), _) => ours(plan, "network", name, found.labels.as_ref()),
            (None, NetworkKind::Existing) => Err(permanent(
                code::NETWORK_MISSING,
                format!("there is no network {name}, over which the core DMS should be reached"),
                format!(
                    "make it (`docker network create {name}`) and connect the core DMS to it, or configure another"
                ),
            )),
            (None, _) => {
                self.call(
                    &format!("making the network {name}"),
                    self.client.create_network(body::network(plan, network)),
                )
                .await?;
                changes.created.push(name.clone());
                Ok(())
            }
        }
    }

    async fn ensure_volume(
        &self,
        plan: &Plan,
        name: &str,
        changes: &mut Changes,
    ) -> Result<(), Failure> {
        let found = self
            .call(
                &format!("looking for the volume {name}"),
                self.client.inspect_volume(name),
            )
            .await;
        if let Some(found) = unless(&[404], found)? {
            return ours(plan, "volume", name, Some(&found.labels));
        }
        self.call(
            &format!("making the volume {name}"),
            self.client.create_volume(body::volume(plan, name)),
        )
        .await?;
        changes.created.push(name.into());
        Ok(())
    }

    async fn ensure_container(
        &self,
        plan: &Plan,
        container: &Container,
        changes: &mut Changes,
    ) -> Result<(), Failure> {
        let found = match self.inspect(&container.name).await? {
            Some(found) => {
                let labels = found.config.as_ref().and_then(|it| it.labels.as_ref());
                ours(plan, "container", &container.name, labels)?;
                found
            }
            None => self.create(plan, container, changes).await?,
        };
        for network in missing_networks(&found, container) {
            self.connect_container(network, container).await?;
        }
        if is_up(&found) {
            return Ok(());
        }
        self.call(
            &format!("starting the container {}", container.name),
            self.client.start_container(&container.name, None),
        )
        .await?;
        changes.started.push(container.name.clone());
        Ok(())
    }

    async fn create(
        &self,
        plan: &Plan,
        container: &Container,
        changes: &mut Changes,
    ) -> Result<ContainerInspectResponse, Failure> {
        let name = &container.name;
        let options = CreateContainerOptions {
            name: Some(name.clone()),
            ..Default::default()
        };
        self.call(
            &format!("making the container {name}"),
            self.client
                .create_container(Some(options), body::container(plan, container)),
        )
        .await?;
        changes.created.push(name.clone());
        Ok(self.inspect(name).await?.unwrap_or_default())
    }

    /// A container as Docker describes it; none if there is none.
    pub(super) async fn inspect(
        &self,
        name: &str,
    ) -> Result<Option<ContainerInspectResponse>, Failure> {
        let found = self
            .call(
                &format!("looking at the container {name}"),
                self.client.inspect_container(name, None),
            )
            .await;
        unless(&[404], found)
    }

    async fn connect_container(&self, network: &str, container: &Container) -> Result<(), Failure> {
        let request = NetworkConnectRequest {
            container: container.name.clone(),
            endpoint_config: Some(body::endpoint(container)),
        };
        self.call(
            &format!("connecting {} to the network {network}", container.name),
            self.client.connect_network(network, request),
        )
        .await?;
        Ok(())
    }
}

fn no_gateway(network: &str) -> Failure {
    let message = format!("Docker gives the host no address in the network {network}");
    let next_step =
        "connect the core DMS to a network of Docker's, and name that in `docker.network`";
    permanent(code::FAILED, message, next_step)
}

/// Refuses what has the right name but is not of this run.
fn ours(
    plan: &Plan,
    kind: &str,
    name: &str,
    labels: Option<&HashMap<String, String>>,
) -> Result<(), Failure> {
    let same = |key: &str| labels.and_then(|it| it.get(key)) == plan.labels.get(key);
    if same(label::RUN) && same(label::PLATFORM) {
        return Ok(());
    }
    Err(permanent(
        code::CONFLICT,
        format!("there is a {kind} {name} that does not belong to this run"),
        format!(
            "see whose it is (`docker {kind} inspect {name}`), and remove it if it is not needed"
        ),
    ))
}

fn missing_networks<'a>(
    found: &ContainerInspectResponse,
    container: &'a Container,
) -> Vec<&'a str> {
    let connected = found
        .network_settings
        .as_ref()
        .and_then(|it| it.networks.as_ref());
    container
        .networks
        .iter()
        .filter(|name| connected.is_none_or(|it| !it.contains_key(*name)))
        .map(String::as_str)
        .collect()
}

fn is_up(found: &ContainerInspectResponse) -> bool {
    found
        .state
        .as_ref()
        .is_some_and(|state| state.running == Some(true))
}
