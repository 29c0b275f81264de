//! Uploads that are continued after they broke off.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a file is uploaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadQuery {
    /// The body begins at this byte of the file; what comes is kept if the upload breaks off. None: it is thrown away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// How far an upload that broke off has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UploadProgress {
    /// The byte of the file that it is to be continued from; 0 if nothing is kept of it.
    pub offset: u64,
}
