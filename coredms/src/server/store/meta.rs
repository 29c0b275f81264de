//! What is kept of an index besides its documents: `index.json`, replaced atomically.

use super::files;
use crate::server::{
    error::{EsError, EsResult},
    mapping::Mapping,
};
use serde_json::{Map, Value, json};
use std::{path::Path, sync::Arc};

/// An index's description.
#[derive(Debug, Clone)]
pub struct Meta {
    /// Its name.
    pub name: String,
    /// Random, given once.
    pub uuid: String,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// The settings given at creation, without the `index.` prefix.
    pub settings: Map<String, Value>,
    /// Its fields.
    pub mapping: Arc<Mapping>,
}

impl Meta {
    /// Writes it to `directory`.
    pub fn save(&self, directory: &Path) -> std::io::Result<()> {
        let stored = json!({ "format": 1, "name": self.name, "uuid": self.uuid, "created_ms": self.created_ms,
            "settings": self.settings, "fields": self.mapping.to_stored() });
        files::replace(&directory.join("index.json"), stored.to_string().as_bytes())
    }

    /// Reads it from `directory`.
    pub fn load(directory: &Path) -> EsResult<Self> {
        let path = directory.join("index.json");
        let broken = |what: String| EsError::internal(&path.display().to_string(), what);
        let bytes = std::fs::read(&path).map_err(|e| broken(e.to_string()))?;
        let stored: Value = serde_json::from_slice(&bytes).map_err(|e| broken(e.to_string()))?;
        if stored["format"] != 1 {
            return Err(broken(format!(
                "format {} is not one that this version reads",
                stored["format"]
            )));
        }
        let text = |key: &str| {
            stored[key]
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| broken(format!("[{key}] is missing")))
        };
        Ok(Self {
            name: text("name")?,
            uuid: text("uuid")?,
            created_ms: stored["created_ms"].as_i64().unwrap_or(0),
            settings: stored["settings"].as_object().cloned().unwrap_or_default(),
            mapping: Arc::new(Mapping::from_stored(&stored["fields"])?),
        })
    }
}
