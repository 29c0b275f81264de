//! A file on its way in: written into the hidden `.incoming/`, checked, made durable, and only then given its name.

use std::io::{self, Read};
use std::sync::Arc;

use domain::ids::JobRef;
use domain::plan::Plan;
use domain::staging::{StagedFile, StagingError, Upload, UploadBody};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::arrival::{Arrival, Place, Temporary, begin, go_on};
use super::name::broken_rule;
use super::parts::{UnderWay, part_name};
use super::quota::Share;
use super::survey::{Found, Selector, state};
use super::{INCOMING, LocalStaging};
use crate::failure::{blocking, disk};
use crate::folder::Stamp;

/// What has come.
struct Received {
    bytes: u64,
    sha256: String,
}

impl LocalStaging {
    /// Takes a file in.
    pub(super) async fn take_in(&self, upload: Upload<'_>) -> Result<StagedFile, StagingError> {
        let Upload {
            job,
            spec,
            name,
            plan,
            offset,
            declared_bytes,
            sha256,
            body,
        } = upload;
        if let Some(rule) = broken_rule(name) {
            return Err(StagingError::InvalidName {
                name: name.into(),
                rule: rule.into(),
            });
        }
        let selector =
            Selector::new(&spec.source).map_err(|e| disk("reading the spec's patterns", &e))?;
        let account = self.accounts.of(&job.client);
        let mut under_way = self.under_way(job, name, offset, sha256)?;
        if under_way.is_some() {
            // from here on the part has its share, and is not measured with the others
            account.forget();
        }
        account.refresh(self.measure(&job.client)).await?;
        let mut share = account.begin();
        share.check(declared_bytes.unwrap_or(0), plan)?;

        let place = self.place(job).await?;
        let part = match (offset, sha256) {
            (Some(offset), Some(sha256)) => Some((offset, part_name(job, name, sha256))),
            _ => None,
        };
        let mut arrival;
        (arrival, under_way) = match part {
            Some((offset, part)) => go_on(place, part, offset, under_way).await?,
            None => (begin(place, self.temporary_name()).await?, None),
        };
        share.grow(arrival.bytes, plan)?;
        let came = receive(&mut arrival, body, &mut share, plan).await;
        if let (Err(StagingError::Interrupted(_)), Some(under_way)) = (&came, &mut under_way) {
            under_way.keep(arrival.bytes, arrival.hash.clone());
            account.forget();
        }
        came?;
        // whole: if it is not what was announced, there is nothing to go on with
        arrival.temporary.keep = false;
        let Arrival {
            temporary,
            bytes,
            hash,
            ..
        } = arrival;
        let received = Received {
            bytes,
            sha256: hex::encode(hash.finalize()),
        };
        check(&received, declared_bytes, sha256)?;

        let _settling = account.settling.lock().await;
        let (final_name, digest) = (name.to_owned(), received.sha256.clone());
        let (stamp, is_new) = blocking(move || publish(&temporary, &final_name, &digest)).await?;
        if is_new {
            share.settle();
        }
        self.digests.learn(&stamp, &received.sha256);
        let found = Found {
            state: state(name, &stamp, &selector),
            name: name.into(),
            stamp,
        };
        Ok(StagedFile {
            sha256: Some(received.sha256),
            ..found.staged()
        })
    }

    /// Enters an upload that can be continued; none if this one cannot.
    fn under_way(
        &self,
        job: &JobRef,
        name: &str,
        offset: Option<u64>,
        sha256: Option<&str>,
    ) -> Result<Option<UnderWay>, StagingError> {
        match (offset, sha256) {
            (Some(_), Some(sha256)) => {
                let begun = self.parts.begin(&part_name(job, name, sha256));
                begun
                    .map(Some)
                    .ok_or_else(|| StagingError::UnderWay(name.to_owned()))
            }
            _ => Ok(None),
        }
    }

    async fn place(&self, job: &JobRef) -> Result<Arc<Place>, StagingError> {
        let (root, job) = (self.root.clone(), job.clone());
        blocking(move || {
            let open = || -> io::Result<Place> {
                let job = root
                    .make_child(job.client.as_str())?
                    .make_child(job.job.as_str())?;
                Ok(Place {
                    incoming: job.make_child(INCOMING)?,
                    job,
                })
            };
            open()
                .map(Arc::new)
                .map_err(|e| disk("opening the staging directory", &e).into())
        })
        .await
    }
}

/// Writes what comes, as far as the plan allows, and makes it durable. What has come is written also when no more does.
async fn receive(
    arrival: &mut Arrival,
    body: &mut dyn UploadBody,
    share: &mut Share,
    plan: &Plan,
) -> Result<(), StagingError> {
    let writing = |e: io::Error| StagingError::from(disk("writing an upload", &e));
    let file = arrival.file.try_clone().map_err(writing)?;
    let mut file = tokio::fs::File::from_std(file);
    let end = loop {
        let chunk = match body.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break Ok(()),
            Err(why) => break Err(StagingError::Interrupted(why)),
        };
        share.grow(chunk.len() as u64, plan)?;
        arrival.hash.update(&chunk);
        arrival.bytes += chunk.len() as u64;
        file.write_all(&chunk).await.map_err(writing)?;
    };
    file.flush().await.map_err(writing)?;
    file.sync_all().await.map_err(writing)?;
    end
}

/// Whether what came is what was announced.
fn check(
    received: &Received,
    declared_bytes: Option<u64>,
    sha256: Option<&str>,
) -> Result<(), StagingError> {
    if let Some(declared) = declared_bytes.filter(|&declared| declared != received.bytes) {
        return Err(StagingError::Interrupted(format!(
            "{} of {declared} bytes came",
            received.bytes
        )));
    }
    match sha256.filter(|expected| !expected.eq_ignore_ascii_case(&received.sha256)) {
        Some(expected) => Err(StagingError::ChecksumMismatch {
            expected: expected.into(),
            actual: received.sha256.clone(),
        }),
        None => Ok(()),
    }
}

/// Gives the file its name. One that is there already stays: with the same content that is as good. Says which file has
/// the name then, and whether it is the new one.
fn publish(temporary: &Temporary, name: &str, sha256: &str) -> Result<(Stamp, bool), StagingError> {
    let Place { job, incoming } = &*temporary.place;
    let failed = |e: io::Error| StagingError::from(disk("giving an upload its name", &e));
    let exists = || StagingError::Exists(name.to_owned());
    let stamp = incoming.stamp(&temporary.name).map_err(failed)?;
    if incoming
        .publish(&temporary.name, job, name)
        .map_err(failed)?
    {
        job.sync().map_err(failed)?;
        return Ok((stamp.ok_or_else(exists)?, true));
    }
    let (mut file, stamp) = job.open_file(name).map_err(failed)?.ok_or_else(exists)?;
    if digest(&mut file).map_err(failed)? == sha256 {
        Ok((stamp, false))
    } else {
        Err(exists())
    }
}

fn digest(file: &mut std::fs::File) -> io::Result<String> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}
