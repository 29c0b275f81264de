//! The port over the Elasticsearch client. The address may change while it is used: an embedded server that was started
//! again may have got another one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use coredms::client::{Client, ClientOptions, Credentials};
use domain::error::{Culprit, Failure};
use domain::ids::FileKey;
use domain::index::Index;
use domain::monitor::DmsHealth;
use domain::ports::{CoreDms, RunContext};
use domain::run::Run;
use domain::worker::{DmsEndpoint, RunFolder};
use serde_json::{Value, json};

use super::failure::failure;
use super::keys::{self, RunKeys};
use super::showcase::Showcase;
use crate::config::Config;
use crate::index;

/// Documents of a request to remove some; a server removes so many well within the time that it is given.
const REMOVED_AT_ONCE: u64 = 100_000;

/// An Elasticsearch-compatible server.
pub(crate) struct ElasticDms {
    current: RwLock<Current>,
    /// Gives runs keys of their own; none where the platform's are to do.
    keys: Option<RunKeys>,
    /// Where clients look at their documents; none if nowhere.
    showcase: Option<Showcase>,
}

#[derive(Clone)]
struct Current {
    client: Arc<Client>,
    endpoint: DmsEndpoint,
}

impl Current {
    fn new(endpoint: DmsEndpoint) -> Result<Self, Failure> {
        let mut options = ClientOptions::new(&endpoint.url);
        options.credentials = credentials(&endpoint)?;
        options.ca_certificate = endpoint.ca_file.clone();
        let client = Arc::new(Client::new(options).map_err(failure)?);
        Ok(Self { client, endpoint })
    }
}

/// What a secret's file holds.
fn secret(path: &Path) -> Result<String, Failure> {
    let unusable = |reason: String| {
        let message = format!(
            "the core DMS's secret {} cannot be used: {reason}",
            path.display()
        );
        Failure::permanent(
            "core_dms_secret",
            Culprit::Platform,
            message,
            "the operator has to put the secret there",
        )
    };
    let text = fs::read_to_string(path).map_err(|e| unusable(e.to_string()))?;
    let secret = text.trim();
    if secret.is_empty() {
        Err(unusable("it is empty".into()))
    } else {
        Ok(secret.to_owned())
    }
}

fn credentials(endpoint: &DmsEndpoint) -> Result<Option<Credentials>, Failure> {
    if let Some(file) = &endpoint.api_key_file {
        return Ok(Some(Credentials::ApiKey(secret(file)?)));
    }
    match (&endpoint.username, &endpoint.password_file) {
        (Some(user), Some(file)) => Ok(Some(Credentials::Basic {
            user: user.clone(),
            password: secret(file)?,
        })),
        _ => Ok(None),
    }
}

impl ElasticDms {
    /// The server at an endpoint; it is not asked anything yet.
    pub(crate) fn new(endpoint: DmsEndpoint) -> Result<Self, Failure> {
        Ok(Self {
            current: RwLock::new(Current::new(endpoint)?),
            keys: None,
            showcase: None,
        })
    }

    /// The configured server at this address.
    pub(crate) fn configured(url: &str, config: &Config) -> Result<Self, Failure> {
        let endpoint = DmsEndpoint {
            url: url.to_owned(),
            api_key_file: config.core_dms_api_key_file.clone(),
            username: config.core_dms_username.clone(),
            password_file: config.core_dms_password_file.clone(),
            ca_file: config.core_dms_ca_file.clone(),
        };
        // who needs no credentials cannot be given any
        let has_credentials = endpoint.api_key_file.is_some() || endpoint.username.is_some();
        let keys = (config.core_dms_run_keys && has_credentials).then(RunKeys::default);
        let showcase = Showcase::configured(config, credentials(&endpoint)?)?;
        Ok(Self {
            keys,
            showcase,
            ..Self::new(endpoint)?
        })
    }

    /// From now on the server is there.
    pub(crate) fn moved(&self, endpoint: DmsEndpoint) -> Result<(), Failure> {
        let current = Current::new(endpoint)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
        Ok(())
    }

    fn current(&self) -> Current {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn client(&self) -> Arc<Client> {
        self.current().client
    }
}

#[async_trait]
impl CoreDms for ElasticDms {
    async fn identify(&self) -> Result<String, Failure> {
        let info = self.client().info().await.map_err(failure)?;
        Ok(match info.flavor.as_str() {
            "embedded" => format!("embedded core DMS {}", info.version),
            _ => format!("Elasticsearch {}", info.version),
        })
    }

    async fn health(&self) -> DmsHealth {
        match self.client().health().await.map(|health| health.status) {
            Ok(status) if status == "green" => DmsHealth::Green,
            Ok(status) if status == "yellow" => DmsHealth::Yellow,
            Ok(_) => DmsHealth::Red,
            Err(_) => DmsHealth::Unreachable,
        }
    }

    async fn prepare(&self, context: &RunContext) -> Result<(), Failure> {
        let template = index::template(&context.run.job_ref(), &context.spec);
        self.client()
            .put_index_template(&template.name, &template.body)
            .await
            .map_err(failure)
    }

    async fn count_by_file(
        &self,
        indices: &[String],
        run: &Run,
    ) -> Result<BTreeMap<FileKey, u64>, Failure> {
        let client = self.client();
        let names: Vec<&str> = indices.iter().map(String::as_str).collect();
        client.refresh(&names).await.map_err(failure)?;
        let counts = client
            .count_by_file(&names, run.id.as_str())
            .await
            .map_err(failure)?;
        let known = |(key, count): (String, u64)| match FileKey::try_from(key) {
            Ok(key) => Ok((key, count)),
            Err(error) => {
                let message = format!("documents of the run {} name no file: {error}", run.id);
                let next_step = "somebody else wrote into the client's indices: find out who, then run the job again";
                Err(Failure::permanent(
                    "foreign_documents",
                    Culprit::CoreDms,
                    message,
                    next_step,
                ))
            }
        };
        counts.into_iter().map(known).collect()
    }

    async fn indices(&self, pattern: &str) -> Result<Vec<Index>, Failure> {
        let indices = self.client().indices(pattern).await.map_err(failure)?;
        Ok(indices
            .into_iter()
            .map(|(name, created_ms)| Index { name, created_ms })
            .collect())
    }

    async fn remove_index(&self, index: &str) -> Result<(), Failure> {
        self.client().delete_index(index).await.map_err(failure)
    }

    async fn remove_documents(
        &self,
        indices: &[String],
        run: &Run,
        file: Option<&FileKey>,
    ) -> Result<u64, Failure> {
        let client = self.client();
        let names: Vec<&str> = indices.iter().map(String::as_str).collect();
        client.refresh(&names).await.map_err(failure)?;
        let mut terms = vec![json!({ "term": { "provenance.run": { "value": run.id } } })];
        terms.extend(file.map(|key| json!({ "term": { "provenance.file": { "value": key } } })));
        let query = json!({ "bool": { "filter": terms } });
        let report = client
            .delete_by_query(&names, &query, REMOVED_AT_ONCE)
            .await
            .map_err(failure)?;
        Ok(report.deleted)
    }

    async fn search(&self, index: &str, body: &Value) -> Result<Value, Failure> {
        self.client().search(index, body).await.map_err(failure)
    }

    async fn mappings(&self, index: &str) -> Result<BTreeMap<String, Value>, Failure> {
        self.client().mappings(index).await.map_err(failure)
    }

    fn endpoint(&self) -> DmsEndpoint {
        self.current().endpoint
    }

    async fn admit(&self, context: &RunContext) -> Result<DmsEndpoint, Failure> {
        let Current { client, endpoint } = self.current();
        match &self.keys {
            Some(keys) if keys.mint(&client, context).await? => Ok(DmsEndpoint {
                api_key_file: Some(context.folder.dms_key()),
                username: None,
                password_file: None,
                ..endpoint
            }),
            Some(_) | None => Ok(endpoint),
        }
    }

    async fn show(&self, context: &RunContext) {
        if let Some(showcase) = &self.showcase {
            showcase.show(context).await;
        }
    }

    async fn dismiss(&self, run: &Run, folder: &RunFolder) -> Result<(), Failure> {
        keys::revoke(&self.client(), run, folder).await
    }
}
