//! The server itself: who it is, how it is, templates, refresh, removal of an index.

use super::{
    Client, ClientError,
    read::Shards,
    request::{Body, lines, parse, path},
};
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What `GET /` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// The cluster's name.
    pub cluster_name: String,
    /// Version, as `8.19.8`.
    pub version: String,
    /// Build flavour: `default`, `serverless`, or `embedded` for this platform's own server.
    pub flavor: String,
}

/// `_cluster/health` in short.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Health {
    /// `green`, `yellow` or `red`.
    pub status: String,
    /// Nodes in the cluster.
    pub number_of_nodes: u64,
    /// Primary shards in service.
    pub active_primary_shards: u64,
}

impl Client {
    /// Who answers, after checking that it is an Elasticsearch-compatible product.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] when the product header is missing.
    pub async fn info(&self) -> Result<ServerInfo, ClientError> {
        #[derive(Deserialize)]
        struct Version {
            number: String,
            #[serde(default)]
            build_flavor: String,
        }
        #[derive(Deserialize)]
        struct Root {
            cluster_name: String,
            version: Version,
        }
        let (headers, body) = self.send(self.call("info", Method::Get, "/")).await?;
        if headers
            .get("x-elastic-product")
            .is_none_or(|v| v != "Elasticsearch")
        {
            let reason = "the header `X-elastic-product: Elasticsearch` is missing".into();
            return Err(ClientError::Protocol {
                operation: "info",
                reason,
            });
        }
        let Root {
            cluster_name,
            version,
        } = parse("info", &body)?;
        Ok(ServerInfo {
            cluster_name,
            version: version.number,
            flavor: version.build_flavor,
        })
    }

    /// The cluster's health.
    ///
    /// # Errors
    /// As every call.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.json(self.call("health", Method::Get, "/_cluster/health"))
            .await
    }

    /// Stores the index template `name`, replacing what was there.
    ///
    /// # Errors
    /// [`ClientError::Status`] 400 when the server refuses the template.
    pub async fn put_index_template(&self, name: &str, body: &Value) -> Result<(), ClientError> {
        let call = self.call(
            "put index template",
            Method::Put,
            path(&["_index_template", name]),
        );
        self.send_json(call, body).await
    }

    /// Names of the indices that a pattern covers, and when they were made (milliseconds since the Unix epoch).
    ///
    /// # Errors
    /// As every call.
    pub async fn indices(&self, pattern: &str) -> Result<BTreeMap<String, i64>, ClientError> {
        #[derive(Deserialize)]
        struct Shown {
            settings: Settings,
        }
        #[derive(Deserialize)]
        struct Settings {
            index: Dated,
        }
        #[derive(Deserialize)]
        struct Dated {
            #[serde(deserialize_with = "number_in_text")]
            creation_date: i64,
        }
        let mut call = self.call("list indices", Method::Get, path(&[pattern, "_settings"]));
        call.query = &[("ignore_unavailable", "true"), ("allow_no_indices", "true")];
        let shown: BTreeMap<String, Shown> = self.json(call).await?;
        Ok(shown
            .into_iter()
            .map(|(name, it)| (name, it.settings.index.creation_date))
            .collect())
    }

    /// The mappings of the indices that match a pattern, by index; none if there is no such index.
    ///
    /// # Errors
    /// As every call.
    pub async fn mappings(&self, pattern: &str) -> Result<BTreeMap<String, Value>, ClientError> {
        #[derive(Deserialize)]
        struct OfIndex {
            mappings: Value,
        }
        let mut call = self.call("get mappings", Method::Get, path(&[pattern, "_mapping"]));
        call.query = &[("ignore_unavailable", "true"), ("allow_no_indices", "true")];
        let found: BTreeMap<String, OfIndex> = self.json(call).await?;
        let mapping = |(index, of): (String, OfIndex)| (index, of.mappings);
        Ok(found.into_iter().map(mapping).collect())
    }

    /// Removes an index; no error when it does not exist.
    ///
    /// # Errors
    /// As every call.
    pub async fn delete_index(&self, index: &str) -> Result<(), ClientError> {
        let mut call = self.call("delete index", Method::Delete, path(&[index]));
        call.query = &[("ignore_unavailable", "true")];
        self.send(call).await.map(drop)
    }

    /// Makes everything written so far visible to searches. Indices that do not exist are passed over.
    ///
    /// # Errors
    /// [`ClientError::ShardsFailed`] when a shard could not refresh.
    pub async fn refresh(&self, indices: &[&str]) -> Result<(), ClientError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "_shards")]
            shards: Shards,
        }
        for indices in lines(indices) {
            let mut call = self.call(
                "refresh",
                Method::Post,
                path(&[&indices.join(","), "_refresh"]),
            );
            call.query = &[("ignore_unavailable", "true")];
            call.timeout = self.options.long_timeout;
            self.json::<Answer>(call).await?.shards.check("refresh")?;
        }
        Ok(())
    }

    async fn send_json(
        &self,
        mut call: super::request::Call<'_>,
        body: &Value,
    ) -> Result<(), ClientError> {
        call.body = Body::Json(body.to_string().into());
        self.send(call).await.map(drop)
    }
}

/// Elasticsearch gives the numbers among settings as texts.
fn number_in_text<'de, D: serde::Deserializer<'de>>(value: D) -> Result<i64, D::Error> {
    let text = String::deserialize(value)?;
    text.parse().map_err(serde::de::Error::custom)
}
