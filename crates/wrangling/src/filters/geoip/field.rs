//! The fields that databases give, and what they are called.

use super::database::Kind;
use crate::environment::EcsCompatibility;
use crate::field_ref::FieldRef;

/// A field, in the order in which fields are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    AutonomousSystemNumber,
    AutonomousSystemOrganization,
    CityName,
    CountryName,
    ContinentCode,
    ContinentName,
    CountryCode2,
    CountryCode3,
    Domain,
    Ip,
    Isp,
    PostalCode,
    DmaCode,
    RegionName,
    RegionCode,
    RegionIsoCode,
    Timezone,
    Location,
    Latitude,
    Longitude,
    Organization,
    Network,
    HostingProvider,
    TorExitNode,
    AnonymousVpn,
    Anonymous,
    PublicProxy,
    ResidentialProxy,
}

/// Each field: its name in `fields`, the field from before the Elastic Common Schema, the one of the schema (empty: none).
const FIELDS: [(Field, &str, &str, &str); 28] = [
    (
        Field::AutonomousSystemNumber,
        "autonomous_system_number",
        "asn",
        "[as][number]",
    ),
    (
        Field::AutonomousSystemOrganization,
        "autonomous_system_organization",
        "as_org",
        "[as][organization][name]",
    ),
    (
        Field::CityName,
        "city_name",
        "city_name",
        "[geo][city_name]",
    ),
    (
        Field::CountryName,
        "country_name",
        "country_name",
        "[geo][country_name]",
    ),
    (
        Field::ContinentCode,
        "continent_code",
        "continent_code",
        "[geo][continent_code]",
    ),
    (
        Field::ContinentName,
        "continent_name",
        "continent_name",
        "[geo][continent_name]",
    ),
    (
        Field::CountryCode2,
        "country_code2",
        "country_code2",
        "[geo][country_iso_code]",
    ),
    (Field::CountryCode3, "country_code3", "country_code3", ""),
    (Field::Domain, "domain", "domain", "domain"),
    (Field::Ip, "ip", "ip", "ip"),
    (Field::Isp, "isp", "isp", "[mmdb][isp]"),
    (
        Field::PostalCode,
        "postal_code",
        "postal_code",
        "[geo][postal_code]",
    ),
    (Field::DmaCode, "dma_code", "dma_code", "[mmdb][dma_code]"),
    (
        Field::RegionName,
        "region_name",
        "region_name",
        "[geo][region_name]",
    ),
    (
        Field::RegionCode,
        "region_code",
        "region_code",
        "[geo][region_code]",
    ),
    (
        Field::RegionIsoCode,
        "region_iso_code",
        "region_iso_code",
        "[geo][region_iso_code]",
    ),
    (Field::Timezone, "timezone", "timezone", "[geo][timezone]"),
    (Field::Location, "location", "location", "[geo][location]"),
    (
        Field::Latitude,
        "latitude",
        "latitude",
        "[geo][location][lat]",
    ),
    (
        Field::Longitude,
        "longitude",
        "longitude",
        "[geo][location][lon]",
    ),
    (
        Field::Organization,
        "organization",
        "organization",
        "[mmdb][organization]",
    ),
    (Field::Network, "network", "network", "[ip_traits][network]"),
    (
        Field::HostingProvider,
        "hosting_provider",
        "hosting_provider",
        "[ip_traits][hosting_provider]",
    ),
    (
        Field::TorExitNode,
        "tor_exit_node",
        "tor_exit_node",
        "[ip_traits][tor_exit_node]",
    ),
    (
        Field::AnonymousVpn,
        "anonymous_vpn",
        "anonymous_vpn",
        "[ip_traits][anonymous_vpn]",
    ),
    (
        Field::Anonymous,
        "anonymous",
        "anonymous",
        "[ip_traits][anonymous]",
    ),
    (
        Field::PublicProxy,
        "public_proxy",
        "public_proxy",
        "[ip_traits][public_proxy]",
    ),
    (
        Field::ResidentialProxy,
        "residential_proxy",
        "residential_proxy",
        "[ip_traits][residential_proxy]",
    ),
];

impl Field {
    /// The field of this name, in any case.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let named = |(_, known, ..): &&(Self, &str, &str, &str)| known.eq_ignore_ascii_case(name);
        FIELDS.iter().find(named).map(|(field, ..)| *field)
    }

    /// Where it goes inside of the target; `None` if the schema has no such field.
    pub(super) fn reference(self, ecs: EcsCompatibility) -> Option<FieldRef> {
        let (_, _, legacy, schema) = FIELDS.iter().find(|(field, ..)| *field == self)?;
        let name = match ecs {
            EcsCompatibility::V8 => schema,
            EcsCompatibility::Disabled => legacy,
        };
        FieldRef::parse(name).ok().filter(|_| !name.is_empty())
    }
}

/// The names of all fields.
pub(super) fn names() -> Vec<&'static str> {
    FIELDS.iter().map(|(_, name, ..)| *name).collect()
}

/// What is set unless the filter says it; everything if the kind is not known.
pub(super) fn defaults(kind: Option<Kind>, ecs: EcsCompatibility) -> Vec<Field> {
    let region = match ecs {
        EcsCompatibility::V8 => Field::RegionIsoCode,
        EcsCompatibility::Disabled => Field::RegionCode,
    };
    let left_out: &[Field] = match kind {
        Some(Kind::City) => &[Field::ContinentName],
        Some(Kind::Asn) => &[Field::Network],
        Some(Kind::AnonymousIp) => &[Field::Ip],
        Some(Kind::Enterprise) => &[
            Field::AutonomousSystemNumber,
            Field::AutonomousSystemOrganization,
            Field::Timezone,
            Field::Network,
            Field::HostingProvider,
            Field::TorExitNode,
            Field::AnonymousVpn,
            Field::Anonymous,
            Field::PublicProxy,
            Field::ResidentialProxy,
        ],
        Some(Kind::Country | Kind::Domain | Kind::Isp) | None => &[],
    };
    let other_region = |field: Field| {
        let regions = [Field::RegionCode, Field::RegionIsoCode];
        kind == Some(Kind::City) && regions.contains(&field) && field != region
    };
    let all = FIELDS.iter().map(|(field, ..)| *field);
    all.filter(|field| !left_out.contains(field) && !other_region(*field))
        .collect()
}
