//! Ending and removing what a run has. All of it can be done again.

use std::collections::BTreeSet;
use std::time::Duration;

use bollard::query_parameters::{
    ListNetworksOptions, ListVolumesOptions, RemoveContainerOptions, RemoveVolumeOptions,
    StopContainerOptions,
};
use domain::error::Failure;
use domain::ids::RunId;
use domain::units::Span;

use super::failure::unless;
use super::observe::State;
use super::{Docker, labelled};
use crate::plan::label;

impl Docker {
    /// Asks a run's containers to end, one after another in the direction in which the records flow, and kills what has
    /// not ended within `grace`; returns when they have ended.
    ///
    /// # Errors
    /// When Docker cannot do it.
    pub async fn stop(&self, run: &RunId, grace: Span) -> Result<(), Failure> {
        let seconds = grace.ms.div_ceil(1000);
        let options = StopContainerOptions {
            signal: None,
            t: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
        };
        for seen in self.observe(run).await? {
            if matches!(seen.state, State::Created | State::Exited) {
                continue;
            }
            let stopped = self
                .call_within(
                    self.patience.call + Duration::from_secs(seconds),
                    &format!("stopping the container {}", seen.name),
                    self.client
                        .stop_container(&seen.name, Some(options.clone())),
                )
                .await;
            unless(&[404], stopped)?;
        }
        Ok(())
    }

    /// Freezes a container as it is. One that is frozen, or is not there, stays as it is.
    ///
    /// # Errors
    /// When Docker cannot do it.
    pub async fn pause(&self, container: &str) -> Result<(), Failure> {
        let paused = self
            .call(
                &format!("pausing the container {container}"),
                self.client.pause_container(container),
            )
            .await;
        unless(&[404, 409], paused)?;
        Ok(())
    }

    /// Lets a frozen container go on.
    ///
    /// # Errors
    /// When Docker cannot do it.
    pub async fn unpause(&self, container: &str) -> Result<(), Failure> {
        let unpaused = self
            .call(
                &format!("letting the container {container} go on"),
                self.client.unpause_container(container),
            )
            .await;
        // 500: it is not frozen, as older versions say
        unless(&[404, 409, 500], unpaused)?;
        Ok(())
    }

    /// Ends a run's containers at once, and returns when they have ended.
    ///
    /// # Errors
    /// When Docker cannot do it.
    pub async fn kill(&self, run: &RunId) -> Result<(), Failure> {
        self.stop(run, Span::secs(0)).await
    }

    /// Removes everything of a run: containers, however they are, then networks and volumes.
    ///
    /// # Errors
    /// When Docker cannot do it; what is left is removed by the next call.
    pub async fn remove(&self, run: &RunId) -> Result<(), Failure> {
        self.remove_containers(run).await?;
        for network in self.networks(label::RUN, run.as_str()).await? {
            let name = network.name.unwrap_or_default();
            let removed = self
                .call(
                    &format!("removing the network {name}"),
                    self.client
                        .remove_network(network.id.as_deref().unwrap_or(&name)),
                )
                .await;
            unless(&[404], removed)?;
        }
        for volume in self.volumes(label::RUN, run.as_str()).await? {
            let removed = self
                .call(
                    &format!("removing the volume {}", volume.name),
                    self.client
                        .remove_volume(&volume.name, None::<RemoveVolumeOptions>),
                )
                .await;
            unless(&[404], removed)?;
        }
        Ok(())
    }

    async fn remove_containers(&self, run: &RunId) -> Result<(), Failure> {
        let options = RemoveContainerOptions {
            force: true,
            v: true,
            link: false,
        };
        for container in self.list(label::RUN, run.as_str()).await? {
            let id = container.id.unwrap_or_default();
            let removed = self
                .call(
                    &format!("removing the container {id}"),
                    self.client.remove_container(&id, Some(options.clone())),
                )
                .await;
            // 409: it is being removed already
            unless(&[404, 409], removed)?;
        }
        Ok(())
    }

    /// Removes what this installation's runs have left behind that are no more, and gives those runs. `known` is awaited
    /// only after Docker was asked: so a run that begins meanwhile is known, since it is stored before it is put up.
    ///
    /// # Errors
    /// When Docker or `known` fails.
    pub async fn sweep(
        &self,
        platform: &str,
        known: impl Future<Output = Result<BTreeSet<RunId>, Failure>>,
    ) -> Result<BTreeSet<RunId>, Failure> {
        let found = self.runs(platform).await?;
        let known = known.await?;
        let gone: BTreeSet<RunId> = found.difference(&known).cloned().collect();
        for run in &gone {
            self.remove(run).await?;
        }
        Ok(gone)
    }

    /// The runs of this installation that anything is there of.
    ///
    /// # Errors
    /// When Docker cannot tell.
    pub async fn runs(&self, platform: &str) -> Result<BTreeSet<RunId>, Failure> {
        let containers = self.list(label::PLATFORM, platform).await?;
        let networks = self.networks(label::PLATFORM, platform).await?;
        let volumes = self.volumes(label::PLATFORM, platform).await?;
        Ok(containers
            .into_iter()
            .map(|it| it.labels.unwrap_or_default())
            .chain(networks.into_iter().map(|it| it.labels.unwrap_or_default()))
            .chain(volumes.into_iter().map(|it| it.labels))
            .filter_map(|mut labels| labels.remove(label::RUN)?.parse().ok())
            .collect())
    }

    async fn networks(
        &self,
        label: &str,
        value: &str,
    ) -> Result<Vec<bollard::models::Network>, Failure> {
        let options = ListNetworksOptions {
            filters: labelled(label, value),
        };
        Ok(self
            .call(
                "listing the networks",
                self.client.list_networks(Some(options)),
            )
            .await?)
    }

    async fn volumes(
        &self,
        label: &str,
        value: &str,
    ) -> Result<Vec<bollard::models::Volume>, Failure> {
        let options = ListVolumesOptions {
            filters: labelled(label, value),
        };
        let answer = self
            .call(
                "listing the volumes",
                self.client.list_volumes(Some(options)),
            )
            .await?;
        Ok(answer.volumes.unwrap_or_default())
    }
}
