//! How a fingerprint is made of a value.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bumpalo::Bump;
use hmac::digest::{Digest, block_api::BlockSizeUser};
use hmac::{KeyInit as _, Mac as _, SimpleHmac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::murmur3;
use crate::inspect::sorted_text;
use crate::value::Value;

/// The seed that the 128-bit hash is given.
const SEED_128: u64 = 2;

/// A function of one value.
#[derive(Debug)]
pub(super) enum Method {
    /// A cryptographic hash, keyed (HMAC) if there is a key.
    Digest {
        hash: Hash,
        key: Option<Box<str>>,
        encoding: Encoding,
    },
    Murmur3,
    Murmur3Wide(Encoding),
    /// The network of an address; the length of the prefix.
    Network(u32),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// How the bytes of a hash are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Encoding {
    Hex,
    Base64,
}

impl Method {
    /// The fingerprint of a value.
    ///
    /// # Errors
    /// If the value is no address and has no network.
    pub(super) fn of<'a>(&self, value: Value<'a>, bump: &'a Bump) -> Result<Value<'a>, String> {
        let text = || sorted_text(value, bump);
        let encoded =
            |encoding: Encoding, bytes: &[u8]| Value::Str(bump.alloc_str(&encoding.encode(bytes)));
        Ok(match self {
            Self::Digest {
                hash,
                key,
                encoding,
            } => encoded(*encoding, &hash.of(key.as_deref(), text())),
            Self::Murmur3 => Value::Int(i64::from(match value {
                Value::Int(number) => murmur3::hash32(&number.to_le_bytes()),
                _ => murmur3::hash32(text().as_bytes()),
            })),
            Self::Murmur3Wide(encoding) => {
                let bytes = match value {
                    Value::Int(number) => match i32::try_from(number) {
                        Ok(number) => murmur3::hash128(&number.to_le_bytes(), SEED_128),
                        Err(_) => murmur3::hash128(&number.to_le_bytes(), SEED_128),
                    },
                    _ => murmur3::hash128(text().as_bytes(), SEED_128),
                };
                encoded(*encoding, &bytes)
            }
            Self::Network(prefix) => {
                let network = match value {
                    Value::Str(text) => network(text, *prefix),
                    _ => None,
                };
                let network =
                    network.ok_or_else(|| format!("`{}` has no /{prefix} network", text()))?;
                Value::Str(bump.alloc_str(&network.to_string()))
            }
        })
    }
}

impl Hash {
    fn of(self, key: Option<&str>, text: &str) -> Vec<u8> {
        match self {
            Self::Md5 => digest::<Md5>(key, text),
            Self::Sha1 => digest::<Sha1>(key, text),
            Self::Sha256 => digest::<Sha256>(key, text),
            Self::Sha384 => digest::<Sha384>(key, text),
            Self::Sha512 => digest::<Sha512>(key, text),
        }
    }
}

fn digest<D: Digest + BlockSizeUser>(key: Option<&str>, text: &str) -> Vec<u8> {
    let Some(key) = key else {
        return D::digest(text).to_vec();
    };
    // HMAC takes keys of any length
    SimpleHmac::<D>::new_from_slice(key.as_bytes())
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

impl Encoding {
    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }
}

/// The first address of the network that an address (or `address/prefix`) is in.
fn network(text: &str, prefix: u32) -> Option<IpAddr> {
    let (address, own) = match text.split_once('/') {
        Some((address, own)) => (address, Some(own.parse().ok()?)),
        None => (text, None),
    };
    let address = address.parse().ok()?;
    mask(own.map_or(Some(address), |own| mask(address, own))?, prefix)
}

fn mask(address: IpAddr, prefix: u32) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            let host = 32_u32.checked_sub(prefix)?;
            let mask = u32::MAX.checked_shl(host).unwrap_or(0);
            Some(IpAddr::V4((v4.to_bits() & mask).into()))
        }
        IpAddr::V6(v6) => {
            let host = 128_u32.checked_sub(prefix)?;
            let mask = u128::MAX.checked_shl(host).unwrap_or(0);
            Some(IpAddr::V6((v6.to_bits() & mask).into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_those_of_the_prefix() {
        for (text, prefix, expected) in [
            ("10.20.30.40", 16, Some("10.20.0.0")),
            ("10.20.30.40", 0, Some("0.0.0.0")),
            ("10.20.30.40", 32, Some("10.20.30.40")),
            ("10.20.30.40/8", 16, Some("10.0.0.0")),
            ("2001:db8:1::1", 32, Some("2001:db8::")),
            ("10.20.30.40", 33, None),
            ("10.20.30", 8, None),
            ("", 8, None),
        ] {
            let network = network(text, prefix).map(|network| network.to_string());
            assert_eq!(network.as_deref(), expected, "{text}/{prefix}");
        }
    }
}
