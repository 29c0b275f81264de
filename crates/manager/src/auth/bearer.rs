//! The text of a bearer token: `ing_<token id>_<secret>`.

use std::fmt;

use domain::ids::TokenId;
use sha2::{Digest, Sha256};

const PREFIX: &str = "ing_";
/// 256 bits, hexadecimal.
const SECRET_CHARS: usize = 64;

/// What a bearer sends. `Debug` masks the secret; `Display` is the text itself, to be shown once.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// The public part.
    pub id: TokenId,
    /// The secret part.
    pub secret: String,
}

impl Bearer {
    /// None if the text is not of the form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let good = secret.len() == SECRET_CHARS
            && secret
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        good.then_some(Self {
            id: id.parse().ok()?,
            secret: secret.to_owned(),
        })
    }
}

impl fmt::Display for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_{}", self.id, self.secret)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_***", self.id)
    }
}

/// What is stored of a secret.
pub(crate) fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_is_read_back_from_its_text_and_nothing_else_is_one() {
        let bearer = Bearer {
            id: "01".repeat(13).parse().unwrap(),
            secret: "0f".repeat(32),
        };
        let text = bearer.to_string();
        assert_eq!(Bearer::parse(&text), Some(bearer.clone()));
        assert!(!format!("{bearer:?}").contains(&bearer.secret));
        for bad in [
            "",
            "ing_",
            "ing__",
            &text[1..],
            &text[..text.len() - 1],
            &text.to_uppercase(),
            &format!("{text}0"),
        ] {
            assert_eq!(Bearer::parse(bad), None, "{bad:?}");
        }
    }
}
