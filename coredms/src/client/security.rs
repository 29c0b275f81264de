//! Security: API keys that may write to one client's indices only, and roles that may only read them.

use super::{
    Client, ClientError,
    request::{Body, Call, path},
};
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fmt, time::Duration};

/// What a key has to be allowed to do for [`Client::create_write_key`], and to revoke what it made.
const MINT: &str = "manage_own_api_key";
/// The same for [`Client::put_read_role`].
const ROLES: &str = "manage_security";

/// Why a call to the server's security did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// The server does not ask anybody who they are.
    #[error("{operation}: the core DMS has its security switched off")]
    Disabled {
        /// The call.
        operation: &'static str,
    },
    /// The platform's own credentials lack a privilege.
    #[error(
        "{operation}: the platform's credentials lack the cluster privilege `{privilege}`, or are an API key, which \
         cannot hand on privileges: {reason}"
    )]
    NotPermitted {
        /// The call.
        operation: &'static str,
        /// The privilege that a user needs for it.
        privilege: &'static str,
        /// The server's reason.
        reason: String,
    },
    /// The call failed as any may.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteKey {
    /// Its name, by which it is revoked. Elasticsearch lets several keys share one.
    pub name: String,
    /// The indices that it may create documents in, for example `acme.*`.
    pub indices: String,
    /// After so long it is void even if nobody revokes it.
    pub lifetime: Duration,
    /// An object that says what it is for.
    pub metadata: Value,
}

/// A key as the server hands it out, once. `Debug` prints no secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What goes behind `Authorization: ApiKey`.
    pub encoded: String,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({} {:?}, ***)", self.id, self.name)
    }
}

impl Client {
    /// Makes a key that may create documents in some indices, create and map those indices, and read them; nothing else.
    /// It never may more than who makes it.
    ///
    /// # Errors
    /// [`SecurityError::Disabled`] and [`SecurityError::NotPermitted`] when the server or the credentials give no keys.
    pub async fn create_write_key(&self, key: &WriteKey) -> Result<ApiKey, SecurityError> {
        let body = json!({
            "name": key.name,
            "expiration": format!("{}s", key.lifetime.as_secs()),
            "metadata": key.metadata,
            "role_descriptors": { "write": {
                // the server's version, which shippers ask for; `monitor` would show every client's indices
                "cluster": ["cluster:monitor/main"],
                "indices": [{ "names": [key.indices], "privileges": ["create_doc", "auto_configure", "read"] }],
            } },
        });
        let call = self.call("create API key", Method::Post, "/_security/api_key");
        self.secured(call, MINT, &body).await
    }

    /// Revokes every key of this name that these credentials have made; says how many. None is no error.
    ///
    /// # Errors
    /// As [`Client::create_write_key`].
    pub async fn revoke_keys(&self, name: &str) -> Result<usize, SecurityError> {
        const OPERATION: &str = "revoke API key";
        #[derive(Deserialize)]
        struct Answer {
            invalidated_api_keys: Vec<String>,
            error_count: usize,
        }
        let call = self.call(OPERATION, Method::Delete, "/_security/api_key");
        let body = json!({ "name": name, "owner": true });
        let answer: Answer = self.secured(call, MINT, &body).await?;
        if answer.error_count > 0 {
            let reason = format!("{} keys could not be revoked", answer.error_count);
            let (status, kind) = (500, String::new());
            return Err(SecurityError::Client(ClientError::Status {
                operation: OPERATION,
                status,
                kind,
                reason,
            }));
        }
        Ok(answer.invalidated_api_keys.len())
    }

    /// Gives a user of the server's own a password.
    ///
    /// # Errors
    /// As [`Client::create_write_key`].
    pub async fn set_password(&self, user: &str, password: &str) -> Result<(), SecurityError> {
        let path = path(&["_security", "user", user, "_password"]);
        let call = self.call("set password", Method::Post, path);
        let body = json!({ "password": password });
        self.secured::<Value>(call, ROLES, &body).await.map(drop)
    }

    /// Puts a role in place that may read some indices and see their mappings; nothing else.
    ///
    /// # Errors
    /// As [`Client::create_write_key`].
    pub async fn put_read_role(&self, name: &str, indices: &str) -> Result<(), SecurityError> {
        let body = json!({
            "indices": [{ "names": [indices], "privileges": ["read", "view_index_metadata"] }],
            "metadata": { "managed_by": "ingest" },
        });
        let path = path(&["_security", "role", name]);
        let call = self.call("put role", Method::Put, path);
        self.secured::<Value>(call, ROLES, &body).await.map(drop)
    }

    async fn secured<T: serde::de::DeserializeOwned>(
        &self,
        mut call: Call<'_>,
        privilege: &'static str,
        body: &Value,
    ) -> Result<T, SecurityError> {
        call.body = Body::Json(body.to_string().into());
        self.json(call)
            .await
            .map_err(|error| explain(error, privilege))
    }
}

/// Elasticsearch without security has no such addresses; an API key that would hand on privileges gets a 400.
fn explain(error: ClientError, privilege: &'static str) -> SecurityError {
    match error {
        ClientError::Denied {
            operation,
            status: 403,
            reason,
        } => SecurityError::NotPermitted {
            operation,
            privilege,
            reason,
        },
        ClientError::Status {
            operation,
            status: 400,
            kind,
            reason,
        } if kind == "illegal_argument_exception" && reason.contains("derived api keys") => {
            SecurityError::NotPermitted {
                operation,
                privilege,
                reason,
            }
        }
        ClientError::Status {
            operation,
            status: 400 | 405,
            kind,
            reason,
        } if kind.is_empty() && reason.contains("for uri [/_security/") => {
            SecurityError::Disabled { operation }
        }
        other => SecurityError::Client(other),
    }
}
