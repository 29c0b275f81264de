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
        for option in ["network_path", "network_return", "refresh_interval"] {
            if options.get(option).is_some() {
                let message =
                    "not offered: a run reads no files but its own; list the networks in `network`";
                compiler.violation(options.at(option), "unsupported_option", message.to_owned());
            }
        }
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
            networks.push(match template.constant() {
                None => Network::Named(template),
                Some(text) => match Block::parse(text) {
                    Some(block) => Network::Fixed(block),
                    None => {
                        let message = format!("`{text}` is no network, such as `10.0.0.0/8`");
                        compiler.violation(options.at("network"), "invalid_value", message);
                        return None;
                    }
                },
            });
        }
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
            let block = match network {
                Network::Fixed(block) => Some(*block),
                Network::Named(template) => Block::parse(template.render(event)?),
            };
            if block.is_some_and(|block| block.holds(address)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Block {
    /// `10.0.0.0/8`, or a single address.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
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
        for wrong in ["", "10.0.0.0/33", "x/8", "10.0.0.0/"] {
            assert_eq!(Block::parse(wrong), None, "{wrong}");
        }
    }
}
