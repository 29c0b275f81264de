//! Putting a manager together from a home, a configuration and a mode.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use domain::error::{Culprit, Failure};
use domain::ports::{CoreDms, Engine};
use domain::preview::Previewer;
use domain::store::Metadata;
use engine_native::Launcher;
use tokio_util::sync::CancellationToken;

use super::listen;
use super::parts::{Mode, Parts};
use super::run::{Ended, Platform, Started};
use crate::config::{Config, CoreDmsConfig, MetadataUrl};
use crate::dms::{ElasticDms, Embedded};
use crate::home::{Home, HomePaths};
use crate::{Program, StartError};

/// A platform manager.
pub struct Manager;

impl Manager {
    /// Of a home, with its configuration, in a mode.
    pub fn builder(home: HomePaths, config: Config, mode: Arc<dyn Mode>) -> Builder {
        Builder {
            home,
            config,
            mode,
            worker: None,
            coredms: None,
            engine: None,
            previewer: None,
            dms: None,
            stop: CancellationToken::new(),
            on_ready: Box::new(|_| {}),
        }
    }
}

/// A manager in the making.
pub struct Builder {
    home: HomePaths,
    config: Config,
    mode: Arc<dyn Mode>,
    worker: Option<Program>,
    coredms: Option<Program>,
    engine: Option<Arc<dyn Engine>>,
    previewer: Option<Arc<dyn Previewer>>,
    dms: Option<Arc<dyn CoreDms>>,
    stop: CancellationToken,
    on_ready: Box<dyn FnOnce(&Started) + Send>,
}

impl Builder {
    /// The worker's program; `worker_program` of the configuration goes before it. Default: `ingestworker` beside this one.
    #[must_use]
    pub fn worker(mut self, program: Program) -> Self {
        self.worker = Some(program);
        self
    }

    /// The embedded core DMS's program. Default: `coredms` beside this one.
    #[must_use]
    pub fn coredms(mut self, program: Program) -> Self {
        self.coredms = Some(program);
        self
    }

    /// Another engine than the native one.
    #[must_use]
    pub fn engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Another previewer than worker processes.
    #[must_use]
    pub fn previewer(mut self, previewer: Arc<dyn Previewer>) -> Self {
        self.previewer = Some(previewer);
        self
    }

    /// Another core DMS than the configured one.
    #[must_use]
    pub fn dms(mut self, dms: Arc<dyn CoreDms>) -> Self {
        self.dms = Some(dms);
        self
    }

    /// What stops it.
    #[must_use]
    pub fn stop(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// Called once, when requests are taken.
    #[must_use]
    pub fn on_ready(mut self, tell: impl FnOnce(&Started) + Send + 'static) -> Self {
        self.on_ready = Box::new(tell);
        self
    }

    /// Serves until it is stopped.
    pub async fn serve(self) -> Result<Ended, StartError> {
        let home = Home::open(self.home)?;
        let listener: TcpListener = listen::bind(self.config.listen)?;
        let metadata = Metadata::new(
            metastore::connect(&metadata_url(&self.config.metadata, &home.paths)?).await?,
        );
        let mode = self.mode.open(&home.paths, &metadata).await?;
        let launcher = Arc::new(launcher(&self.config, self.worker)?);
        let engine = self.engine.unwrap_or_else(|| launcher.clone());
        let previewer = self.previewer.unwrap_or(launcher);
        let (dms, embedded) = match self.dms {
            Some(dms) => (dms, None),
            None => core_dms(&self.config, &home.paths, self.coredms).await?,
        };
        let parts = Parts {
            metadata,
            mode,
            engine,
            previewer,
            dms,
        };
        let platform = Platform {
            config: self.config,
            home,
            listener,
            parts,
            embedded,
        };
        platform.serve(self.stop, self.on_ready).await
    }
}

fn metadata_url(configured: &MetadataUrl, home: &HomePaths) -> Result<String, StartError> {
    match configured {
        MetadataUrl::Sqlite => Ok(format!("sqlite:{}", home.metadata().display())),
        MetadataUrl::Url(url) => Ok(url.clone()),
        MetadataUrl::File(path) => Ok(url_in(path)?),
    }
}

fn url_in(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!(
            "the metadata store's address {} cannot be read: {error}",
            path.display()
        );
        Failure::permanent(
            "metadata_url_file",
            Culprit::Platform,
            message,
            "the operator has to put the address there",
        )
    })?;
    Ok(text.trim().to_owned())
}

async fn core_dms(
    config: &Config,
    home: &HomePaths,
    program: Option<Program>,
) -> Result<(Arc<dyn CoreDms>, Option<Embedded>), StartError> {
    match &config.core_dms {
        CoreDmsConfig::At(url) => Ok((Arc::new(ElasticDms::configured(url, config)?), None)),
        CoreDmsConfig::Embedded => {
            let program = program.map_or_else(|| Program::beside("coredms"), Ok)?;
            let embedded = Embedded::start(program, home).await?;
            Ok((embedded.dms(), Some(embedded)))
        }
    }
}

/// What starts workers.
fn launcher(config: &Config, worker: Option<Program>) -> Result<Launcher, StartError> {
    let configured = config.worker_program.clone().map(|path| Program {
        path,
        args: Vec::new(),
    });
    let program = configured
        .or(worker)
        .map_or_else(|| Program::beside("ingestworker"), Ok)?;
    Ok(Launcher::new(program.path, program.args))
}
