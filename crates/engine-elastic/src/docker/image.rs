//! Images: looked for, and pulled where they are missing.

use std::collections::HashMap;

use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptions;
use domain::error::Failure;
use futures::StreamExt;

use super::Docker;
use super::failure::{code, explain, image_missing, slow, transient, unless};

/// How far a pull is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// Which image.
    pub image: String,
    /// What Docker does, in its words.
    pub status: String,
    /// Bytes of the known layers that have arrived.
    pub bytes: u64,
    /// Bytes of the known layers; grows while Docker finds out about them.
    pub total: u64,
}

impl Docker {
    /// Sees to it that an image is on the host; pulls it if need be, and tells how far that is.
    ///
    /// # Errors
    /// [`code::IMAGE_MISSING`] where it is not there and cannot be pulled: retryable, unless the registry has no such image.
    pub async fn ensure_image(
        &self,
        image: &str,
        mut progress: impl FnMut(&PullProgress),
    ) -> Result<(), Failure> {
        if self.has_image(image).await? {
            return Ok(());
        }
        self.pull(image, &mut progress).await?;
        if self.has_image(image).await? {
            return Ok(());
        }
        Err(image_missing(format!(
            "the image {image} is not there although it was pulled"
        )))
    }

    async fn has_image(&self, image: &str) -> Result<bool, Failure> {
        let found = self
            .call(
                &format!("looking for the image {image}"),
                self.client.inspect_image(image),
            )
            .await;
        Ok(unless(&[404], found)?.is_some())
    }

    async fn pull(
        &self,
        image: &str,
        progress: &mut impl FnMut(&PullProgress),
    ) -> Result<(), Failure> {
        let doing = format!("pulling the image {image}");
        let options = CreateImageOptions {
            from_image: Some(with_tag(image)),
            ..Default::default()
        };
        let mut layers = Layers::new(image);
        let mut messages = self.client.create_image(Some(options), None, None);
        loop {
            match tokio::time::timeout(self.patience.idle, messages.next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(Ok(message))) => progress(layers.note(message)),
                Ok(Some(Err(error))) => {
                    return Err(not_pulled(
                        image,
                        explain(&self.host, &doing, &error).failure,
                    ));
                }
                Err(_) => return Err(slow(&self.host, &doing, self.patience.idle).failure),
            }
        }
    }
}

/// Docker would pull every tag of an image that is named without one.
fn with_tag(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains([':', '@']) {
        image.into()
    } else {
        format!("{image}:latest")
    }
}

/// Whatever Docker says about a pull that failed, the image is not there; what is wrong with Docker itself stays so.
fn not_pulled(image: &str, failure: Failure) -> Failure {
    if [code::AWAY, code::SLOW, code::DISK_FULL].contains(&failure.code.as_str()) {
        return failure;
    }
    let gone = ["not found", "manifest unknown", "does not exist", "denied"]
        .iter()
        .any(|words| failure.message.contains(words));
    let missing = image_missing(format!(
        "the image {image} is not there; {}",
        failure.message
    ));
    if gone {
        return missing;
    }
    transient(code::IMAGE_MISSING, missing.message, missing.next_step)
}

/// The sums over an image's layers.
struct Layers {
    sizes: HashMap<String, (u64, u64)>,
    progress: PullProgress,
}

impl Layers {
    fn new(image: &str) -> Self {
        Self {
            sizes: HashMap::new(),
            progress: PullProgress {
                image: image.into(),
                ..Default::default()
            },
        }
    }

    fn note(&mut self, message: CreateImageInfo) -> &PullProgress {
        self.progress.status = message.status.unwrap_or_default();
        let sizes = message.progress_detail.and_then(|it| {
            Some((
                u64::try_from(it.current?).ok()?,
                u64::try_from(it.total?).ok()?,
            ))
        });
        // extraction counts the same layers a second time
        if let (Some(layer), Some(sizes), "Downloading") =
            (message.id, sizes, self.progress.status.as_str())
        {
            self.sizes.insert(layer, sizes);
            self.progress.bytes = self.sizes.values().map(|(current, _)| current).sum();
            self.progress.total = self.sizes.values().map(|(_, total)| total).sum();
        }
        &self.progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::ProgressDetail;

    #[test]
    fn an_image_without_a_tag_is_its_latest() {
        assert_eq!(with_tag("localhost:5000/a/b"), "localhost:5000/a/b:latest");
        assert_eq!(with_tag("localhost:5000/a/b:1"), "localhost:5000/a/b:1");
        assert_eq!(with_tag("a@sha256:00"), "a@sha256:00");
    }

    #[test]
    fn progress_is_summed_over_the_layers() {
        let mut layers = Layers::new("x:1");
        let message = |id: &str, status: &str, current, total| CreateImageInfo {
            id: Some(id.into()),
            status: Some(status.into()),
            progress_detail: Some(ProgressDetail {
                current: Some(current),
                total: Some(total),
            }),
            ..Default::default()
        };
        layers.note(message("a", "Downloading", 5, 10));
        layers.note(message("b", "Downloading", 1, 20));
        layers.note(message("a", "Downloading", 10, 10));
        let progress = layers.note(message("a", "Extracting", 1, 10));
        assert_eq!((progress.bytes, progress.total), (11, 30));
        assert_eq!(progress.status, "Extracting");
    }
}
