//! The databases and what they are of.

use std::collections::HashMap;
use std::sync::Arc;

use maxminddb::Reader;

use super::field::Field;
use crate::compile::Compiler;
use crate::options::Options;
use crate::resources::Resources;

/// A program's databases by their names: filters share them.
pub(crate) type Databases = HashMap<String, Arc<Reader<Vec<u8>>>>;

/// A database with its kind.
#[derive(Debug)]
pub(super) struct Database {
    reader: Arc<Reader<Vec<u8>>>,
    kind: Kind,
}

/// What a database tells of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    City,
    Country,
    Domain,
    Asn,
    Isp,
    Enterprise,
    AnonymousIp,
}

/// The parts of databases' types that tell their kinds, in the order in which they are looked for.
const KINDS: [(&str, Kind); 7] = [
    ("City", Kind::City),
    ("Country", Kind::Country),
    ("GeoIP2-Domain", Kind::Domain),
    ("GeoLite2-ASN", Kind::Asn),
    ("GeoIP2-ISP", Kind::Isp),
    ("Enterprise", Kind::Enterprise),
    ("GeoIP2-Anonymous-IP", Kind::AnonymousIp),
];

impl Kind {
    fn of(database_type: &str) -> Option<Self> {
        let found = KINDS.iter().find(|(part, _)| database_type.contains(part));
        found.map(|(_, kind)| *kind)
    }

    /// Whether databases of this kind give a field.
    pub(super) fn offers(self, field: Field) -> bool {
        match field {
            Field::Ip => self != Self::Domain,
            Field::CountryCode2 | Field::CountryName | Field::ContinentName => {
                matches!(self, Self::City | Self::Country | Self::Enterprise)
            }
            Field::CityName
            | Field::RegionName
            | Field::RegionIsoCode
            | Field::Timezone
            | Field::Location => matches!(self, Self::City | Self::Enterprise),
            Field::ContinentCode
            | Field::CountryCode3
            | Field::PostalCode
            | Field::DmaCode
            | Field::RegionCode
            | Field::Latitude
            | Field::Longitude => self == Self::City,
            Field::AutonomousSystemNumber | Field::AutonomousSystemOrganization => {
                matches!(self, Self::Asn | Self::Isp | Self::Enterprise)
            }
            Field::Isp | Field::Organization => self == Self::Isp,
            Field::Domain => self == Self::Domain,
            Field::Network => matches!(self, Self::Asn | Self::Enterprise),
            Field::HostingProvider
            | Field::TorExitNode
            | Field::AnonymousVpn
            | Field::Anonymous
            | Field::PublicProxy
            | Field::ResidentialProxy => matches!(self, Self::AnonymousIp | Self::Enterprise),
        }
    }
}

impl Database {
    /// The database that a filter names, or else the default one of the folder of resources. `Some(None)` where no files are
    /// read, `None` with a violation if it cannot be used.
    pub(super) fn open(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Option<Self>> {
        let at = options.at("database");
        let default = match options.text("default_database_type").unwrap_or("City") {
            "City" => "GeoLite2-City.mmdb",
            "ASN" => "GeoLite2-ASN.mmdb",
            other => {
                let message = format!("`{other}` is none of City, ASN");
                let at = options.at("default_database_type");
                compiler.violation(at, "invalid_value", message);
                return None;
            }
        };
        let name = match (options.text("database"), &compiler.environment.resources) {
            (Some(name), _) => name,
            (None, Resources::Anywhere) => {
                let message = "geoip needs `database`: the path of a MaxMind database (.mmdb), such as GeoLite2-City.mmdb, which can be had from maxmind.com";
                compiler.violation(at, "missing_option", message.to_owned());
                return None;
            }
            (None, _) => default,
        };
        let known = compiler.geo_databases.get(name).cloned();
        let reader = match known {
            Some(reader) => reader,
            None => {
                let violations = compiler.violations.len();
                let Some(bytes) = compiler.read(name, at.clone()) else {
                    return (compiler.violations.len() == violations).then_some(None);
                };
                match Reader::from_source(bytes) {
                    Ok(reader) => Arc::new(reader),
                    Err(error) => {
                        let message = format!("`{name}` is no MaxMind database: {error}");
                        compiler.violation(at, "invalid_resource", message);
                        return None;
                    }
                }
            }
        };
        compiler
            .geo_databases
            .insert(name.to_owned(), Arc::clone(&reader));
        let database_type = &reader.metadata().database_type;
        let Some(kind) = Kind::of(database_type) else {
            let known: Vec<&str> = KINDS.iter().map(|(part, _)| *part).collect();
            let message = format!(
                "`{name}` is a database of the type `{database_type}`, which is none of {}",
                known.join(", ")
            );
            compiler.violation(at, "invalid_resource", message);
            return None;
        };
        Some(Some(Self { reader, kind }))
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn reader(&self) -> &Reader<Vec<u8>> {
        &self.reader
    }
}
