//! The core DMS, asked directly: what the platform says about itself is not believed here.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Documents of one page; Elasticsearch gives no more at once.
const PAGE: usize = 10_000;

/// Where a core DMS is.
pub enum Access {
    /// At this address.
    At(String),
    /// It is the embedded one of the platform in this home: a restart may move it.
    EmbeddedIn(PathBuf),
}

/// A core DMS.
pub struct CoreDms {
    http: reqwest::Client,
    access: Access,
}

impl CoreDms {
    /// The one that is to be found there.
    pub fn new(access: Access) -> Self {
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            access,
        }
    }

    /// A request to where it is now. Without an address it is starting.
    fn request(&self, method: Method, path: &str) -> io::Result<reqwest::RequestBuilder> {
        Ok(match &self.access {
            Access::At(url) => self.http.request(method, format!("{url}/{path}")),
            Access::EmbeddedIn(home) => {
                let read = |name| fs::read_to_string(home.join(name));
                let address = read("data/coredms/http.address")?;
                let key = read("data/coredms.key")?;
                let request = self
                    .http
                    .request(method, format!("http://{}/{path}", address.trim()));
                request.header("authorization", format!("ApiKey {}", key.trim()))
            }
        })
    }

    /// Whether it can be asked: it may be about to be started again.
    pub async fn answers(&self) -> bool {
        let Ok(request) = self.request(Method::GET, "") else {
            return false;
        };
        let answer = request.send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// One request; `None` for 404.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Value> {
        let mut request = self.request(method.clone(), path).unwrap();
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        if status == StatusCode::NOT_FOUND {
            return None;
        }
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        Some(serde_json::from_str(&text).unwrap())
    }

    /// Makes everything written so far visible to searches.
    pub async fn refresh(&self, index: &str) {
        self.ask(Method::POST, &format!("{index}/_refresh"), None)
            .await;
    }

    /// How many documents of an index match a query, all if there is none; 0 if there is no such index.
    pub async fn count(&self, index: &str, query: Option<Value>) -> u64 {
        self.refresh(index).await;
        let body = query.map(|query| json!({ "query": query }));
        let answer = self
            .ask(Method::POST, &format!("{index}/_count"), body.as_ref())
            .await;
        let Some(answer) = answer else { return 0 };
        assert_eq!(answer["_shards"]["failed"], 0, "{answer}");
        answer["count"].as_u64().unwrap()
    }

    /// The documents of a file by their ids. Without `sources` they are null.
    pub async fn documents(
        &self,
        index: &str,
        file_key: &str,
        sources: bool,
    ) -> BTreeMap<String, Value> {
        self.refresh(index).await;
        let mut documents = BTreeMap::new();
        let mut from = 0;
        loop {
            let body = json!({
                "size": PAGE,
                "_source": sources,
                "query": { "bool": { "filter": [
                    { "term": { "provenance.file": file_key } },
                    { "range": { "provenance.position": { "gte": from } } },
                ] } },
                "sort": [{ "provenance.position": "asc" }],
            });
            let Some(mut answer) = self
                .ask(Method::POST, &format!("{index}/_search"), Some(&body))
                .await
            else {
                return documents;
            };
            assert_eq!(answer["_shards"]["failed"], 0, "{answer}");
            let hits = answer["hits"]["hits"].as_array_mut().unwrap();
            let full = hits.len() == PAGE;
            if let Some(last) = hits.last() {
                from = last["sort"][0].as_u64().unwrap() + 1;
            }
            for hit in hits {
                let id = hit["_id"].as_str().unwrap().to_owned();
                let twice = documents.insert(id, hit["_source"].take());
                assert!(twice.is_none(), "a search gives {} twice", hit["_id"]);
            }
            if !full {
                return documents;
            }
        }
    }

    /// The fields' types in the mapping of an index, nested ones as `outer.inner`.
    pub async fn types(&self, index: &str) -> BTreeMap<String, String> {
        let answer = self
            .ask(Method::GET, &format!("{index}/_mapping"), None)
            .await
            .unwrap();
        let mut types = BTreeMap::new();
        collect_types("", &answer[index]["mappings"], &mut types);
        types
    }

    /// Removes the indices and index templates that belong to a client.
    pub async fn remove_all_of(&self, client: &str) {
        let path = format!("_cat/indices/{client}.*?format=json&h=index");
        let indices = self.ask(Method::GET, &path, None).await.unwrap_or_default();
        for index in indices.as_array().into_iter().flatten() {
            let name = index["index"].as_str().unwrap();
            self.ask(Method::DELETE, name, None).await;
        }
        let path = format!("_index_template/*{client}.*");
        let templates = self.ask(Method::GET, &path, None).await.unwrap_or_default();
        for template in templates["index_templates"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let name = template["name"].as_str().unwrap();
            self.ask(Method::DELETE, &format!("_index_template/{name}"), None)
                .await;
        }
    }
}

fn collect_types(prefix: &str, mapping: &Value, types: &mut BTreeMap<String, String>) {
    for (name, field) in mapping["properties"].as_object().into_iter().flatten() {
        let name = format!("{prefix}{name}");
        collect_types(&format!("{name}."), field, types);
        if let Some(kind) = field["type"].as_str() {
            types.insert(name, kind.to_owned());
        }
    }
}
