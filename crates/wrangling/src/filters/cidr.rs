//! `cidr`: matches if an address is in one of the networks.

use std::net::IpAddr;

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::options::Options;
use crate::template::Template;
use crate::value::Value;

/// A compiled cidr filter.
#[derive(Debug)]
pub(crate) struct Cidr {
    addresses: Vec<Template>,
    address_field: Option<FieldPath>,
    networks: Vec<Network>,
}

#[derive(Debug)]
enum Network {
    Fixed(Block),
    /// Depends on the event.
    Named(Template),
}

/// An address and how many of its first bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    address: IpAddr,
    bits: u32,
}

impl Cidr {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let address_field = match options.text("address_field") {
            Some(field) => Some(compiler.field(field, &options.at("address_field"))?),
            None => None,
        };
        let mut templates = |option: &str| -> Option<Vec<Template>> {
            let at = options.at(option);
            let texts = options.list(option).unwrap_or_default();
            texts
                .into_iter()
                .map(|text| compiler.template(text, &at))
                .collect()
        };
        let addresses = templates("address")?;
        let mut networks = Vec::new();
        for template in templates("network")? {
            match template.constant() {
                None => networks.push(Network::Named(template)),
                Some(text) => {
                    for part in text.split(',') {
                        match Block::parse(part.trim()) {
                            Some(block) => networks.push(Network::Fixed(block)),
                            None => {
                                let message =
                                    format!("`{part}` is no network, such as `10.0.0.0/8`");
                                compiler.violation(options.at("network"), "invalid_value", message);
                                return None;
                            }
                        }
                    }
                }
            }
        }
        networks.extend(file(options, compiler)?.into_iter().map(Network::Fixed));
        Some(Self {
            addresses,
            address_field,
            networks,
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        match self.matches(event) {
            Ok(true) => Applied::Matched,
            Ok(false) => Applied::Skipped,
            Err(error) => Applied::failed(&error, event),
        }
    }

    fn matches<'a>(&'a self, event: &Event<'a>) -> Result<bool, FilterError> {
        for address in &self.addresses {
            if self.holds(address.render(event)?, event)? {
                return Ok(true);
            }
        }
        let Some(field) = &self.address_field else {
            return Ok(false);
        };
        match event.get(field) {
            Value::Array(items) => {
                for item in items {
                    if self.holds(item.text(event.bump), event)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            value => self.holds(value.text(event.bump), event),
        }
    }

    /// Whether an address is in a network; what is no address is in none.
    fn holds<'a>(&'a self, address: &str, event: &Event<'a>) -> Result<bool, FilterError> {
        let Ok(address) = address.parse::<IpAddr>() else {
            return Ok(false);
        };
        for network in &self.networks {
            let holds = match network {
                Network::Fixed(block) => block.holds(address),
                Network::Named(template) => template
                    .render(event)?
                    .split(',')
                    .filter_map(|text| Block::parse(text.trim()))
                    .any(|block| block.holds(address)),
            };
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The networks of the file that `network_path` names; what is none is passed over.
fn file(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Vec<Block>> {
    let at = options.at("network_path");
    let Some(path) = options.text("network_path") else {
        return Some(Vec::new());
    };
    if options.list("network").is_some_and(|list| !list.is_empty()) {
        let message = "list the networks in `network` or in a file, not both".to_owned();
        compiler.violation(at, "conflicting_options", message);
        return None;
    }
    let bytes = compiler.read(path, at).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let separator = options.text("separator").unwrap_or("\n");
    Some(
        text.split(separator)
            .filter_map(|part| Block::parse(part.trim()))
            .collect(),
    )
}

/// How many bits of a mask such as `255.0.0.0` count.
fn mask(text: &str) -> Option<u32> {
    let mask = u32::from(text.parse::<std::net::Ipv4Addr>().ok()?);
    (mask.leading_ones() + mask.trailing_zeros() == 32).then(|| mask.leading_ones())
}

impl Block {
    /// `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, or a single address.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.contains('.') => mask(bits).filter(|_| all == 32)?,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= all)?,
            None => all,
        };
        Some(Self { address, bits })
    }

    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differ = u32::from(network) ^ u32::from(address);
                differ.leading_zeros() >= self.bits
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differ = u128::from(network) ^ u128::from(address);
                differ.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_what_has_its_first_bits() {
        for (block, address, holds) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("1.2.3.4", "1.2.3.4", true),
            ("1.2.3.4", "1.2.3.5", false),
            ("10.0.0.0/255.0.0.0", "10.255.0.1", true),
            ("10.0.0.0/255.0.0.0", "11.0.0.1", false),
            ("::/0", "1.2.3.4", false),
            ("fe80::/10", "febf::1", true),
            ("fe80::/10", "fec0::1", false),
        ] {
            let block = Block::parse(block).unwrap();
            assert_eq!(
                block.holds(address.parse().unwrap()),
                holds,
                "{block:?} {address}"
            );
        }
        for wrong in [
            "",
            "10.0.0.0/33",
            "x/8",
            "10.0.0.0/",
            "10.0.0.0/255.0.255.0",
        ] {
            assert_eq!(Block::parse(wrong), None, "{wrong}");
        }
    }
}
