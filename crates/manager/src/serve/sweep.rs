//! What earlier managers of this home have left in Docker, and no run knows of: after a metadata store was put back to an
//! older state, say. What a run knows of it removes itself.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::error::{Culprit, Failure};
use domain::ids::RunId;
use domain::provisions::Containers;
use domain::store::Metadata;
use engine_elastic::docker::{Docker, Patience};

/// Docker may be busy; nobody waits for this.
const PATIENCE: Patience = Patience {
    call: Duration::from_secs(20),
    idle: Duration::from_secs(20),
};

/// Removes it, if there is a Docker.
pub(super) async fn sweep(metadata: Metadata, containers: Containers) {
    let docker = match Docker::connect(containers.docker_host.as_deref(), PATIENCE).await {
        Ok(docker) => docker,
        Err(failure) => return tracing::debug!(%failure, "no Docker to be swept"),
    };
    match docker
        .sweep(&containers.platform, under_way(&metadata))
        .await
    {
        Ok(gone) if gone.is_empty() => {}
        Ok(gone) => {
            tracing::warn!(runs = ?gone, "removed from Docker what belonged to runs that are over or unknown")
        }
        Err(failure) => tracing::warn!(%failure, "Docker could not be swept"),
    }
}

async fn under_way(metadata: &Metadata) -> Result<BTreeSet<RunId>, Failure> {
    let runs = metadata.runs_under_way().await.map_err(|error| {
        let message = format!("the runs under way cannot be listed: {error}");
        let next_step = "it is tried again when the manager starts the next time";
        Failure::transient("store_failed", Culprit::MetadataStore, message, next_step)
    })?;
    Ok(runs.into_iter().map(|run| run.value.id).collect())
}
