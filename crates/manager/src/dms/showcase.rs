//! What clients look at their documents with: made in Kibana when a job first completes.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use coredms::client::Credentials;
use coredms::kibana::{JobView, Kibana, KibanaError, KibanaOptions, objects};
use domain::error::{Culprit, Failure};
use domain::ids::JobRef;
use domain::index::pattern;
use domain::ports::RunContext;
use wrangling::field_ref::FieldRef;

use crate::config::Config;

/// A run's end waits no longer than this for Kibana.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A Kibana, and the jobs that it is known to have everything of.
pub(super) struct Showcase {
    kibana: Kibana,
    done: Mutex<BTreeSet<JobRef>>,
}

impl Showcase {
    /// The configured one.
    pub(super) fn configured(
        config: &Config,
        credentials: Option<Credentials>,
    ) -> Result<Option<Self>, Failure> {
        let Some(url) = config.kibana_url.clone() else {
            return Ok(None);
        };
        let options = KibanaOptions {
            url,
            space: config.kibana_space.clone(),
            credentials,
            ca_certificate: config.core_dms_ca_file.clone(),
            timeout: TIMEOUT,
        };
        let kibana = Kibana::new(&options).map_err(unusable)?;
        let done = Mutex::default();
        Ok(Some(Self { kibana, done }))
    }

    /// Makes what a job has not got yet; what is there stays as its client may have changed it.
    pub(super) async fn show(&self, context: &RunContext) {
        let job = context.run.job_ref();
        let done = || self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done().contains(&job) {
            return;
        }
        let view = JobView {
            client: job.client.to_string(),
            job: job.job.to_string(),
            indices: pattern(&job.client, &context.spec.destination.index),
            fields: context
                .spec
                .schema
                .fields
                .keys()
                .filter_map(|name| Some(FieldRef::parse(name).ok()?.path().join(".")))
                .collect(),
        };
        match self.kibana.import(&objects(&view)).await {
            Ok(imported) => {
                tracing::info!(%job, created = imported.created, kept = imported.kept, "Kibana shows the job");
                done().insert(job);
            }
            Err(error) => {
                tracing::warn!(%job, %error, "Kibana does not show the job; tried again when it completes the next time");
            }
        }
    }
}

fn unusable(error: KibanaError) -> Failure {
    let next_step = "the operator has to correct the section kibana of the configuration";
    Failure::permanent(
        "kibana_configuration",
        Culprit::Platform,
        error.to_string(),
        next_step,
    )
}
