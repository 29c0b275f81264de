//! Batch as a mode of the manager.

use std::sync::Arc;

use async_trait::async_trait;
use domain::error::Failure;
use domain::store::Metadata;
use manager::{HomePaths, Mode, ModeParts};

use crate::{BatchIntake, LocalStaging};

/// Batch: files in staging directories.
pub struct BatchMode;

#[async_trait]
impl Mode for BatchMode {
    async fn open(&self, home: &HomePaths, metadata: &Metadata) -> Result<ModeParts, Failure> {
        let staging = Arc::new(LocalStaging::open(home.staging()).await?);
        let intake = Arc::new(BatchIntake::new(staging.clone(), metadata.clone()));
        Ok(ModeParts { intake, staging })
    }
}
