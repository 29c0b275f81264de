//! The first admin token: made when the metadata store knows no live one.

use std::io;
use std::path::Path;

use domain::EpochMs;
use domain::audit::{Actor, AuditEntry};
use domain::store::{Metadata, Query};
use domain::token::{Scope, Token};

use super::{Bearer, new_token};
use crate::home::write_private;
use crate::{StartError, ids};

/// Makes an admin token if there is no live one, writes it to `file` if one is named, and gives it to be shown, once.
///
/// The file comes first: a token that was stored but that nobody got to see would lock everybody out.
pub(crate) async fn first_admin_token(
    metadata: &Metadata,
    file: Option<&Path>,
    now_ms: EpochMs,
) -> Result<Option<Bearer>, StartError> {
    let query = Query {
        owner: Some(String::new()),
        ..Query::default()
    };
    let tokens = metadata.list_all::<Token>(query).await?;
    if tokens
        .iter()
        .any(|token| token.value.scope == Scope::Admin && token.value.is_live(now_ms))
    {
        return Ok(None);
    }
    let (token, bearer) =
        new_token(Scope::Admin, "first admin", now_ms, None).map_err(io::Error::other)?;
    if let Some(path) = file {
        write_private(path, format!("{bearer}\n").as_bytes()).map_err(|source| {
            StartError::HomeNotWritable {
                path: path.to_owned(),
                source,
            }
        })?;
    }
    let entry = AuditEntry {
        id: ids::ulid(),
        at_ms: now_ms,
        actor: Actor::Platform,
        action: "token.create".into(),
        target: token.id.to_string(),
        client: None,
        request_id: None,
        detail: serde_json::json!({ "scope": "admin", "name": token.name }),
    };
    metadata.create(&token, Some(entry)).await?;
    Ok(Some(bearer))
}
