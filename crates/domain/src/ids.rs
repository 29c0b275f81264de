//! Identifiers: parsed once at the edge, then carried as types of their own.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longest client or job id, in bytes: both become parts of index names and of paths.
pub const MAX_SLUG_BYTES: usize = 63;

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {value:?} is not valid: {rule}")]
pub struct InvalidId {
    /// What it should have been, for example `client id`.
    pub kind: &'static str,
    /// The text as it was given.
    pub value: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

const SLUG_RULE: &str = "use 1 to 63 of a-z, 0-9 and '-', beginning with a letter or a digit";

fn is_slug(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=MAX_SLUG_BYTES).contains(&bytes.len())
        && bytes[0] != b'-'
        && bytes
            .iter()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_ulid(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'))
}

fn is_file_key(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|b| matches!(b, b'a'..=b'f' | b'0'..=b'9'))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(value: String) -> Result<Self, InvalidId> {
                if $check(&value) {
                    Ok(Self(value))
                } else {
                    Err(InvalidId { kind: $kind, value, rule: $rule })
                }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A client of the platform. Holds no dot, so that the index prefix `<client>.` of one client never covers another's.
    ClientId,
    "client id",
    is_slug,
    SLUG_RULE
);
id!(
    /// A job of one client.
    JobId,
    "job id",
    is_slug,
    SLUG_RULE
);
id!(
    /// One run of one job: a ULID in lower case, so that ids sort by the time of their making.
    RunId,
    "run id",
    is_ulid,
    "use the 26 characters of a ULID in lower case"
);
id!(
    /// A bearer token's public part.
    TokenId,
    "token id",
    is_ulid,
    "use the 26 characters of a ULID in lower case"
);
id!(
    /// The identity of a file's content within a job; the first part of every document id.
    FileKey,
    "file key",
    is_file_key,
    "use 24 hexadecimal digits in lower case"
);

impl FileKey {
    /// The key of a file (rule 3): 96 bits of SHA-256 over client, job and the identity of the content.
    ///
    /// `name` is given where identical deliveries under different names are legitimate (`identity: name+content`).
    pub fn derive(
        client: &ClientId,
        job: &JobId,
        content_sha256: &str,
        name: Option<&str>,
    ) -> Self {
        let mut hash = Sha256::new();
        // none of the parts before the last can hold a NUL, so no two inputs run together
        for part in [
            client.as_str(),
            job.as_str(),
            content_sha256,
            name.unwrap_or(""),
        ] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        Self(hex::encode(&hash.finalize()[..12]))
    }
}

/// A job's full name, written `client/job`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobRef {
    /// Whose job.
    pub client: ClientId,
    /// Which job.
    pub job: JobId,
}

impl fmt::Display for JobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.client, self.job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_hold_nothing_that_means_something_in_a_path_or_an_index_name() {
        for good in ["a", "acme", "0-1", &"x".repeat(63)] {
            assert!(good.parse::<ClientId>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "A",
            "a.b",
            "a/b",
            "..",
            "a b",
            "ä",
            "a\0",
            "a_b",
            &"x".repeat(64),
        ] {
            assert!(bad.parse::<ClientId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn file_keys_differ_by_client_job_content_and_name() {
        let client = |id: &str| id.parse::<ClientId>().unwrap();
        let job = |id: &str| id.parse::<JobId>().unwrap();
        let keys = [
            FileKey::derive(&client("a"), &job("b"), "00", None),
            FileKey::derive(&client("a"), &job("b"), "00", Some("x.csv")),
            FileKey::derive(&client("a"), &job("b"), "01", None),
            FileKey::derive(&client("ab"), &job("b"), "00", None),
            FileKey::derive(&client("a"), &job("bb"), "00", None),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        assert_eq!(
            keys[0],
            FileKey::derive(&client("a"), &job("b"), "00", None)
        );
    }
}
