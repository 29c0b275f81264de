//! What a platform is put together from.

use std::sync::Arc;

use async_trait::async_trait;
use domain::error::Failure;
use domain::ports::{CoreDms, Engine, Intake};
use domain::preview::Previewer;
use domain::staging::StagingArea;
use domain::store::Metadata;

use crate::HomePaths;

/// What only one mode has; batch gives its own.
#[async_trait]
pub trait Mode: Send + Sync {
    /// Opens the mode's parts in a home.
    async fn open(&self, home: &HomePaths, metadata: &Metadata) -> Result<ModeParts, Failure>;
}

/// A mode's parts.
pub struct ModeParts {
    /// Where its records come from.
    pub intake: Arc<dyn Intake>,
    /// Where its files wait.
    pub staging: Arc<dyn StagingArea>,
}

/// All parts of a platform.
pub struct Parts {
    /// The metadata store.
    pub metadata: Metadata,
    /// The mode's own.
    pub mode: ModeParts,
    /// What runs the pipelines.
    pub engine: Arc<dyn Engine>,
    /// What previews them.
    pub previewer: Arc<dyn Previewer>,
    /// Where documents go.
    pub dms: Arc<dyn CoreDms>,
}
