//! What a database has on an address.

use std::fmt;

use bumpalo::Bump;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use super::field::Field;
use crate::value::Value;

/// A record of a database of places.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'d> {
    #[serde(borrow)]
    city: Place<'d>,
    continent: Place<'d>,
    country: Place<'d>,
    pub(super) location: Location<'d>,
    postal: Postal<'d>,
    /// From the widest to the narrowest.
    subdivisions: Vec<Place<'d>>,
    traits: Traits<'d>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place<'d> {
    #[serde(borrow)]
    names: Names<'d>,
    /// Of a continent.
    code: Option<&'d str>,
    iso_code: Option<&'d str>,
}

/// The English name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Names<'d> {
    en: Option<&'d str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Location<'d> {
    latitude: Option<Number>,
    longitude: Option<Number>,
    metro_code: Option<Number>,
    time_zone: Option<&'d str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Postal<'d> {
    code: Option<&'d str>,
}

/// What is known of an address besides its place; the whole record of databases without places.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Traits<'d> {
    autonomous_system_number: Option<Number>,
    autonomous_system_organization: Option<&'d str>,
    domain: Option<&'d str>,
    isp: Option<&'d str>,
    organization: Option<&'d str>,
    is_anonymous: bool,
    is_anonymous_vpn: bool,
    is_hosting_provider: bool,
    is_public_proxy: bool,
    is_residential_proxy: bool,
    is_tor_exit_node: bool,
}

/// A number, whatever type a database keeps it in.
#[derive(Debug, Clone, Copy)]
struct Number(f64);

impl Number {
    fn whole(self) -> Value<'static> {
        Value::Int(self.0 as i64)
    }

    fn float(self) -> Value<'static> {
        Value::Float(self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
        Ok(Number(number))
    }
}

impl<'d> From<Traits<'d>> for Record<'d> {
    /// The record of an address whose place is not known.
    fn from(traits: Traits<'d>) -> Self {
        Self {
            traits,
            ..Self::default()
        }
    }
}

impl Location<'_> {
    /// Whether neither coordinate is known.
    pub(super) fn is_nowhere(&self) -> bool {
        self.latitude.is_none() && self.longitude.is_none()
    }
}

/// A record with the address that it was found for.
#[derive(Debug)]
pub(super) struct Found<'d> {
    pub(super) record: Record<'d>,
    pub(super) address: String,
    pub(super) network: Option<String>,
}

impl<'d> Found<'d> {
    /// The value of a field; `None` if the database does not know it.
    pub(super) fn value(&self, field: Field, bump: &'d Bump) -> Option<Value<'d>> {
        let Record {
            city,
            continent,
            country,
            location,
            postal,
            subdivisions,
            traits,
        } = &self.record;
        let region = subdivisions.last();
        let text = match field {
            Field::AutonomousSystemNumber => {
                return traits.autonomous_system_number.map(Number::whole);
            }
            Field::DmaCode => return location.metro_code.map(Number::whole),
            Field::Location => {
                let members = [
                    ("lat", location.latitude?.float()),
                    ("lon", location.longitude?.float()),
                ];
                return Some(Value::Object(bump.alloc_slice_copy(&members)));
            }
            Field::Latitude => return location.latitude.map(Number::float),
            Field::Longitude => return location.longitude.map(Number::float),
            Field::HostingProvider => return Some(Value::Bool(traits.is_hosting_provider)),
            Field::TorExitNode => return Some(Value::Bool(traits.is_tor_exit_node)),
            Field::AnonymousVpn => return Some(Value::Bool(traits.is_anonymous_vpn)),
            Field::Anonymous => return Some(Value::Bool(traits.is_anonymous)),
            Field::PublicProxy => return Some(Value::Bool(traits.is_public_proxy)),
            Field::ResidentialProxy => return Some(Value::Bool(traits.is_residential_proxy)),
            Field::Domain => return Some(traits.domain.map_or(Value::Null, Value::Str)),
            Field::Ip => Some(&*bump.alloc_str(&self.address)),
            Field::Network => self
                .network
                .as_ref()
                .map(|network| &*bump.alloc_str(network)),
            Field::RegionIsoCode => {
                let (country, region) = (country.iso_code?, region?.iso_code?);
                Some(&*bump.alloc_str(&format!("{country}-{region}")))
            }
            Field::AutonomousSystemOrganization => traits.autonomous_system_organization,
            Field::CityName => city.names.en,
            Field::CountryName => country.names.en,
            Field::ContinentCode => continent.code,
            Field::ContinentName => continent.names.en,
            Field::CountryCode2 | Field::CountryCode3 => country.iso_code,
            Field::Isp => traits.isp,
            Field::PostalCode => postal.code,
            Field::RegionName => region?.names.en,
            Field::RegionCode => region?.iso_code,
            Field::Timezone => location.time_zone,
            Field::Organization => traits.organization,
        };
        text.map(Value::Str)
    }
}
