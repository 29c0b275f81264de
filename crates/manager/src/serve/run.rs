//! A platform from its parts: serves until it is told to stop, then ends in stages: requests, runs, adapters.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use domain::ids::RunId;
use domain::provisions::{Containers, Provisions};
use supervisor::{Settings, Supervisor};
use tokio_util::sync::CancellationToken;

use super::parts::Parts;
use super::sweep::sweep;
use super::{listen, tls};
use crate::auth::first_admin_token;
use crate::config::Config;
use crate::dms::Embedded;
use crate::home::{Home, write_private};
use crate::http::{AppState, Metrics};
use crate::preview::Previews;
use crate::{ManagerAddress, StartError, ids};

/// A manager that takes requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its base address.
    pub url: String,
    /// The first admin token, if it was made just now: to be shown, once.
    pub admin_token: Option<String>,
}

/// How a manager ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// What did not come to rest within the grace period, by name. Nothing of it is lost: it is taken up again at the next
    /// start.
    pub stragglers: Vec<String>,
}

impl Ended {
    /// 0 if everything came to rest, 3 if something did not.
    pub fn exit_code(&self) -> ExitCode {
        if self.stragglers.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(3)
        }
    }
}

/// Everything that is up before requests are taken.
pub(super) struct Platform {
    pub config: Config,
    pub home: Home,
    pub listener: TcpListener,
    pub parts: Parts,
    pub embedded: Option<Embedded>,
}

impl Platform {
    pub(super) async fn serve(
        self,
        stop: CancellationToken,
        on_ready: impl FnOnce(&Started),
    ) -> Result<Ended, StartError> {
        let Self {
            config,
            home,
            listener,
            parts,
            embedded,
        } = self;
        let grace = config.grace_period.duration();
        let metadata = parts.metadata.clone();
        let file = config.admin_token_file.then(|| home.paths.admin_token());
        let admin_token = first_admin_token(&metadata, file.as_deref(), ids::now_ms()).await?;
        let supervisor = supervisor(&config, &home, &parts);
        let sweeping = tokio::spawn(sweep(metadata.clone(), containers(&config, &home)));
        let tls = tls::server_config(&config)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let certificate = config.tls_certificate.clone();
        let state = state(config, &home, parts, supervisor.clone(), stop.clone())?;
        let server = listen::server(listener, tls, web::Data::new(state), grace)?;
        let handle = server.handle();
        let (stop_runs, stop_adapters) = (CancellationToken::new(), CancellationToken::new());
        let mut requests = tokio::spawn(server);
        let runs = tokio::spawn({
            let stop = stop_runs.clone();
            async move { supervisor.run(stop).await }
        });
        let adapters =
            embedded.map(|embedded| tokio::spawn(embedded.keep(stop_adapters.clone(), grace)));
        announce(&home, &url, certificate)?;
        on_ready(&Started {
            url,
            admin_token: admin_token.map(|token| token.to_string()),
        });
        let mut broken = None;
        tokio::select! {
            () = stop.cancelled() => {}
            ended = &mut requests => broken = Some(ended),
        }
        stop.cancel();
        let mut ended = Ended::default();
        if broken.is_none() && !stopped_in_time(&handle, grace).await {
            ended.stragglers.push("requests".into());
        }
        sweeping.abort();
        stop_runs.cancel();
        let runs = runs.await.map_err(std::io::Error::other)?;
        ended.stragglers.extend(
            runs.stragglers
                .iter()
                .map(|run: &RunId| format!("run {run}")),
        );
        stop_adapters.cancel();
        if let Some(adapters) = adapters
            && !adapters.await.map_err(std::io::Error::other)?
        {
            ended.stragglers.push("embedded core DMS".into());
        }
        withdraw(&home);
        match broken {
            Some(result) => Err(StartError::System(server_error(result))),
            None => Ok(ended),
        }
    }
}

/// Stops taking requests; says whether those under way ended in time.
async fn stopped_in_time(handle: &actix_web::dev::ServerHandle, grace: Duration) -> bool {
    if tokio::time::timeout(grace, handle.stop(true)).await.is_ok() {
        return true;
    }
    handle.stop(false).await;
    false
}

fn server_error(result: Result<std::io::Result<()>, tokio::task::JoinError>) -> std::io::Error {
    match result {
        Ok(Ok(())) => std::io::Error::other("the server ended by itself"),
        Ok(Err(error)) => error,
        Err(lost) => std::io::Error::other(lost),
    }
}

fn supervisor(config: &Config, home: &Home, parts: &Parts) -> Supervisor {
    Supervisor::new(supervisor::Parts {
        metadata: parts.metadata.clone(),
        intake: parts.mode.intake.clone(),
        engine: parts.engine.clone(),
        dms: parts.dms.clone(),
        clientapps: home.paths.clientapps(),
        clock: Arc::new(ids::now_ms),
        settings: Settings {
            sample_interval: config.monitor_interval,
            stall_after: config.stall_after,
            shutdown_grace: config.grace_period,
            orphan_after: config.orphan_after,
            max_runs: config.max_runs,
            audit_retention: config.audit_retention,
            series_retention: config.series_retention,
            provisions: provisions(config, home),
            containers: containers(config, home),
            ..Settings::default()
        },
    })
}

/// How containers are put up, as those of this home.
fn containers(config: &Config, home: &Home) -> Containers {
    Containers {
        platform: home.paths.root().display().to_string(),
        ..config.docker.clone()
    }
}

/// What pipelines may use: the home's resources and the configured variables.
fn provisions(config: &Config, home: &Home) -> Provisions {
    Provisions {
        resources: Some(home.paths.resources()),
        variables: config.variables.clone(),
    }
}

fn state(
    config: Config,
    home: &Home,
    parts: Parts,
    supervisor: Supervisor,
    stop: CancellationToken,
) -> Result<AppState, StartError> {
    Ok(AppState {
        metadata: parts.metadata,
        staging: parts.mode.staging,
        supervisor,
        dms: parts.dms,
        clock: Arc::new(ids::now_ms),
        provisions: provisions(&config, home),
        previews: Previews::open(parts.previewer, home.paths.previews())?,
        clientapps: home.paths.clientapps(),
        staging_root: home.paths.staging(),
        registration: config.registration,
        plans: config.plans,
        metrics: Metrics::new().map_err(std::io::Error::other)?,
        stop,
    })
}

/// Writes down where this manager is.
fn announce(home: &Home, url: &str, certificate: Option<PathBuf>) -> Result<(), StartError> {
    let path = home.paths.manager();
    let address = ManagerAddress {
        url: url.to_owned(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        certificate,
    };
    let content = serde_json::to_vec(&address).map_err(std::io::Error::other)?;
    write_private(&path, &content).map_err(|source| StartError::HomeNotWritable { path, source })
}

fn withdraw(home: &Home) {
    if let Err(error) = std::fs::remove_file(home.paths.manager()) {
        tracing::warn!(%error, "the address of this manager stays in the home");
    }
}
