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
        // it may be there without being known: made, but not opened because of an error of the disk
        if !place.exists() {
            fs::create_dir(&temporary)?;
            Index::create(&temporary, &meta)?;
            fs::rename(&temporary, &place)?;
            files::sync_directory(&self.root.join("indices"))?;
        }
        let index = Arc::new(Index::open(&place)?);
        self.indices
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.into(), index.clone());
        Ok(index)
    }

    /// Opens an index anew that an error of the disk has taken out of service, as a start of the server would: what was
    /// acknowledged is read back from the log; what was not may be there too, or is cut off. Tried again at the next rest
    /// if it fails.
    fn reopen(&self, name: &str, failed: &Arc<Index>) {
        let _changing = self.changing();
        let is_current = self
            .indices
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .is_some_and(|current| Arc::ptr_eq(current, failed));
        if !is_current {
            return;
        }
        failed.let_go();
        match Index::open(&self.root.join("indices").join(name)) {
            Ok(index) => {
                self.indices
                    .write()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(name.into(), Arc::new(index));
                tracing::info!(index = name, "index is in service again");
            }
            Err(error) => tracing::error!(
                index = name,
                reason = error.reason,
                "index cannot be opened again; trying on"
            ),
        }
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
            if index.is_out_of_service() {
                self.reopen(&name, &index);
            } else if let Err(error) = index.rest(idle) {
                tracing::warn!(
                    index = name,
                    reason = error.reason,
                    "could not commit an idle index"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::write::{Action, Operation};
    use super::*;

    fn put(index: &Index, id: &str) -> EsResult<()> {
        let operation = Operation {
            action: Action::Create,
            id: Some(id.into()),
            source: bytes::Bytes::from_static(b"{\"n\":1}"),
            if_seq: None,
        };
        index.apply(vec![operation]).map(drop)
    }

    #[test]
    fn an_index_that_an_error_took_out_of_service_comes_back_with_all_it_acknowledged() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        let index = store.index_or_create("a").unwrap();
        put(&index, "committed").unwrap();
        index.refresh().unwrap();
        put(&index, "in the log").unwrap();
        index.fail_now(EsError::internal("disk", "no space left"));
        let refused = put(&index, "refused").unwrap_err();
        assert_eq!(refused.status, 503);

        store.rest(Duration::from_secs(3600));
        let index = store.index("a").unwrap();
        put(&index, "after").unwrap();
        for id in ["committed", "in the log", "after"] {
            assert!(index.get(id).unwrap().is_some(), "{id}");
        }
        assert!(index.get("refused").unwrap().is_none());
        index.refresh().unwrap();
        assert_eq!(index.count(), 3);
    }

    #[test]
    fn an_index_that_was_made_but_not_opened_is_found() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        put(&store.index_or_create("a").unwrap(), "1").unwrap();
        let index = store.indices.write().unwrap().remove("a");
        drop(index);
        let again = store.index_or_create("a").unwrap();
        assert!(again.get("1").unwrap().is_some());
    }
}
