//! All indices and templates of one data directory.

use super::{
    files,
    index::Index,
    meta::Meta,
    names::{self, Scope},
    templates::{self, Template},
    write::random_id,
};
use crate::server::error::{EsError, EsResult};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The open data directory.
pub struct Store {
    root: PathBuf,
    /// The cluster's id.
    pub uuid: String,
    indices: RwLock<BTreeMap<String, Arc<Index>>>,
    templates: RwLock<BTreeMap<String, Template>>,
    /// Held while indices or templates are made or removed.
    changing: Mutex<()>,
}

impl Store {
    /// Opens the data directory; the caller holds its lock.
    ///
    /// # Errors
    /// When a file cannot be read; the message names it.
    pub fn open(root: &Path) -> EsResult<Self> {
        fs::create_dir_all(root.join("indices"))?;
        match fs::remove_dir_all(root.join("new")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => fs::create_dir(root.join("new"))?,
        }
        let path = root.join("store.json");
        let stored: Value = match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|e| EsError::internal("store.json", e))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                json!({ "uuid": random_id(), "templates": {} })
            }
            Err(error) => return Err(error.into()),
        };
        let mut templates = BTreeMap::new();
        for (name, body) in stored["templates"].as_object().into_iter().flatten() {
            templates.insert(name.clone(), Template::new(body.clone())?);
        }
        let mut indices = BTreeMap::new();
        for entry in fs::read_dir(root.join("indices"))? {
            let path = entry?.path();
            let index = Index::open(&path).map_err(|mut error| {
                error.reason = format!("index in {}: {}", path.display(), error.reason);
                error
            })?;
            indices.insert(index.name(), Arc::new(index));
        }
        let store = Self {
            root: root.into(),
            uuid: stored["uuid"].as_str().unwrap_or("_na_").into(),
            indices: RwLock::new(indices),
            templates: RwLock::new(templates),
            changing: Mutex::new(()),
        };
        store.save()?;
        Ok(store)
    }

    fn save(&self) -> EsResult<()> {
        let templates: Map<String, Value> = self
            .templates()
            .iter()
            .map(|(name, template)| (name.clone(), template.body.clone()))
            .collect();
        let stored = json!({ "uuid": self.uuid, "templates": templates });
        Ok(files::replace(
            &self.root.join("store.json"),
            stored.to_string().as_bytes(),
        )?)
    }

    fn changing(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The templates by name.
    pub fn templates(&self) -> BTreeMap<String, Template> {
        self.templates
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Stores a template.
    ///
    /// # Errors
    /// 400 when another one of the same priority competes with it.
    pub fn put_template(&self, name: &str, template: Template) -> EsResult<()> {
        let _changing = self.changing();
        templates::check_overlap(&self.templates(), name, &template)?;
        self.templates
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.into(), template);
        self.save()
    }

    /// Removes templates; false when there is none of that name.
    pub fn delete_template(&self, name: &str) -> EsResult<bool> {
        let _changing = self.changing();
        let removed = {
            let mut templates = self
                .templates
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let before = templates.len();
            templates.retain(|key, _| !names::matches(name, key));
            templates.len() < before
        };
        self.save()?;
        Ok(removed)
    }

    /// All indices by name.
    pub fn indices(&self) -> BTreeMap<String, Arc<Index>> {
        self.indices
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The indices that an expression means.
    ///
    /// # Errors
    /// 404 as the scope says.
    pub fn resolve(&self, expression: &str, scope: Scope) -> EsResult<Vec<Arc<Index>>> {
        names::resolve(
            &self.indices.read().unwrap_or_else(PoisonError::into_inner),
            expression,
            scope,
        )
    }

    /// The index of this name.
    pub fn index(&self, name: &str) -> EsResult<Arc<Index>> {
        let indices = self.indices.read().unwrap_or_else(PoisonError::into_inner);
        indices
            .get(name)
            .cloned()
            .ok_or_else(|| EsError::no_index(name))
    }

    /// The index of this name, made by its template if it does not exist.
    pub fn index_or_create(&self, name: &str) -> EsResult<Arc<Index>> {
        match self.index(name) {
            Ok(index) => Ok(index),
            Err(_) => {
                names::check(name)?;
                let _changing = self.changing();
                // Another request may have made it meanwhile.
                self.index(name)
                    .or_else(|_| self.create_locked(name, &json!({})))
            }
        }
    }

    /// Makes an index.
    ///
    /// # Errors
    /// 400 when it exists, its name is not allowed, or the body is refused.
    pub fn create(&self, name: &str, body: &Value) -> EsResult<()> {
        names::check(name)?;
        let _changing = self.changing();
        if let Ok(index) = self.index(name) {
            return Err(EsError::new(
                400,
                "resource_already_exists_exception",
                format!("index [{name}/{}] already exists", index.meta().uuid),
            )
            .about(name));
        }
        self.create_locked(name, body).map(drop)
    }

    fn create_locked(&self, name: &str, body: &Value) -> EsResult<Arc<Index>> {
        let all = self.templates();
        let template = templates::for_index(&all, name);
        let (mut settings, mut mapping) = match template {
            Some(template) => templates::index_parts(&template.body["template"])?,
            None => Default::default(),
        };
        let (own_settings, _) = templates::index_parts(body)?;
        settings.extend(own_settings);
        if let Some(own) = body.get("mappings") {
            mapping.merge(own)?;
        }
        let created_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as i64);
        let meta = Meta {
            name: name.into(),
            uuid: random_id(),
            created_ms,
            settings,
            mapping: Arc::new(mapping),
        };
        let (temporary, place) = (
            self.root.join("new").join(&meta.uuid),
            self.root.join("indices").join(name),
        );
        fs::create_dir(&temporary)?;
        Index::create(&temporary, &meta)?;
        fs::rename(&temporary, &place)?;
        files::sync_directory(&self.root.join("indices"))?;
        let index = Arc::new(Index::open(&place)?);
        self.indices
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.into(), index.clone());
        Ok(index)
    }

    /// Removes an index and its files.
    pub fn delete(&self, name: &str) -> EsResult<()> {
        let _changing = self.changing();
        let removed = self
            .indices
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        let Some(index) = removed else {
            return Err(EsError::no_index(name));
        };
        let place = self.root.join("indices").join(name);
        let trash = self
            .root
            .join("new")
            .join(format!("gone-{}", index.meta().uuid));
        index.close("it was deleted");
        fs::rename(place, &trash)?;
        files::sync_directory(&self.root.join("indices"))?;
        Ok(fs::remove_dir_all(trash)?)
    }

    /// Commits indices that were not written to for `idle` and frees their writers.
    pub fn rest(&self, idle: Duration) {
        for (name, index) in self.indices() {
            if let Err(error) = index.rest(idle) {
                tracing::warn!(
                    index = name,
                    reason = error.reason,
                    "could not commit an idle index"
                );
            }
        }
    }
}
