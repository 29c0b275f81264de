//! Removing jobs and clients: what hangs on them first, they themselves last, so that a removal that was cut off can be
//! asked for again.

use api::Code;
use domain::ids::ClientId;
use domain::job::Job;
use domain::run::{Run, RunState};
use domain::store::{Entity, Kind, Metadata, Query, StoreError, Versioned, keys};
use serde_json::json;
use supervisor::remove_folder;

use super::super::call::Call;
use super::super::fault::Fault;

/// What the audit log calls the removal of a client.
pub(super) const CLIENT_REMOVED: &str = "client.delete";

/// Tries to remove a client's document while others write to it.
const ATTEMPTS: u32 = 20;

/// Runs of a job that have not ended.
async fn active(metadata: &Metadata, owner: &str) -> Result<Vec<String>, StoreError> {
    let query = Query {
        owner: Some(owner.to_owned()),
        states: RunState::under_way(),
        limit: 10,
        ..Query::default()
    };
    Ok(metadata
        .list::<Run>(&query)
        .await?
        .items
        .iter()
        .map(|run| run.value.id.to_string())
        .collect())
}

fn under_way(what: &str, runs: &[String]) -> Fault {
    Fault::new(
        Code::RunsUnderWay,
        format!("{what} has runs under way: {}", runs.join(", ")),
    )
}

/// Removes a job, unless a run of it is under way.
pub(super) async fn job(call: &Call, job: &Versioned<Job>) -> Result<(), Fault> {
    let (metadata, target) = (&call.app.metadata, job.value.job_ref());
    let owner = keys::job(&target.client, &target.job);
    // marked first: a run that is asked for from now on is refused, or not admitted
    let mut job = job.clone();
    job.value.removing = true;
    let mut job = metadata.update(job, None).await?;
    let runs = active(metadata, &owner).await?;
    if !runs.is_empty() {
        job.value.removing = false;
        metadata.update(job, None).await?;
        return Err(under_way(&format!("the job {target}"), &runs));
    }
    call.app.staging.remove(&target).await?;
    remove_folder(call.app.job_folder(&target)).await?;
    let ended = Query {
        owner: Some(owner.clone()),
        ..Query::default()
    };
    for run in metadata.list_all::<Run>(ended).await? {
        metadata
            .store()
            .remove_owned(Kind::File, &run.value.key())
            .await?;
    }
    for kind in [Kind::Run, Kind::Revision, Kind::Trigger, Kind::StartKey] {
        metadata.store().remove_owned(kind, &owner).await?;
    }
    let audit = call.audit(
        "job.delete",
        &target,
        Some(&target.client),
        json!({ "revision": job.value.revision }),
    );
    Ok(metadata.remove(&job, Some(audit)).await?)
}

/// Removes a client with everything that is its, unless runs of it are under way.
pub(super) async fn client(call: &Call) -> Result<(), Fault> {
    let metadata = &call.app.metadata;
    let found = call.client().await?;
    let id = found.value.id.clone();
    let jobs = metadata
        .list_all::<Job>(Query {
            owner: Some(id.to_string()),
            ..Query::default()
        })
        .await?;
    for job in &jobs {
        let runs = active(metadata, &job.value.key()).await?;
        if !runs.is_empty() {
            return Err(under_way(&format!("the client {id}"), &runs));
        }
    }
    for each in &jobs {
        job(call, each).await?;
    }
    remove_client(call, &id).await?;
    let audit = call.audit(
        CLIENT_REMOVED,
        &id,
        Some(&id),
        json!({ "name": found.value.name }),
    );
    // read again: a run that was being admitted, or had just ended, has written its slot into it
    for _ in 0..ATTEMPTS {
        let found = call.client().await?;
        match metadata.remove(&found, Some(audit.clone())).await {
            Err(StoreError::Stale { .. }) => {}
            removed => return Ok(removed?),
        }
    }
    let detail = "others kept changing the client at the same time";
    Err(Fault::new(Code::Conflict, detail))
}

async fn remove_client(call: &Call, id: &ClientId) -> Result<(), Fault> {
    remove_folder(call.app.client_folder(id)).await?;
    for kind in [Kind::Token, Kind::Usage] {
        let store = call.app.metadata.store();
        store.remove_owned(kind, id.as_str()).await?;
    }
    Ok(())
}
