//! `geoip`: where an address is, or whose, by a MaxMind database.

mod database;
mod field;
mod record;

use std::net::{IpAddr, Ipv6Addr};

use bumpalo::Bump;

pub(crate) use database::Databases;
use database::{Database, Kind};
use field::Field;
use record::{Found, Record, Traits};

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::environment::EcsCompatibility;
use crate::exec::{Event, FieldPath};
use crate::options::Options;
use crate::value::Value;

/// A compiled geoip filter.
#[derive(Debug)]
pub(crate) struct Geoip {
    source: FieldPath,
    target: FieldPath,
    /// What is wanted, and where it goes.
    fields: Vec<(Field, Option<FieldPath>)>,
    /// `None` where no files are read: the filter does nothing.
    database: Option<Database>,
}

impl Geoip {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let Some(source) = options.text("source") else {
            let message = "geoip needs `source`: the field with the address".to_owned();
            compiler.violation(options.at("source"), "missing_option", message);
            return None;
        };
        let ecs = options.ecs(compiler.environment);
        let target = target(source, ecs, options, compiler)?;
        let wanted = wanted(options, compiler)?;
        let database = Database::open(options, compiler)?;
        let kind = database.as_ref().map(Database::kind);
        let wanted = wanted
            .filter(|wanted| !wanted.is_empty())
            .unwrap_or_else(|| field::defaults(kind, ecs));
        let fields = wanted
            .into_iter()
            .filter(|field| kind.is_none_or(|kind| kind.offers(*field)))
            .map(|field| {
                let inner = field.reference(ecs);
                (
                    field,
                    inner.map(|inner| compiler.path(target.field.join(&inner))),
                )
            })
            .collect();
        Some(Self {
            source: compiler.field(source, &options.at("source"))?,
            target,
            fields,
            database,
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        match &self.database {
            Some(database) => Applied::from_result(self.look_up(database, event), event),
            None => Applied::Skipped,
        }
    }

    fn look_up<'a>(
        &'a self,
        database: &'a Database,
        event: &mut Event<'a>,
    ) -> Result<Applied<'a>, FilterError> {
        let failure =
            |message: &str| FilterError::value(self.source.field.to_string(), message.to_owned());
        let first = match event.get(&self.source) {
            Value::Array(items) => items.first().copied().unwrap_or_default(),
            value => value,
        };
        let text = match first {
            Value::Str(text) if !text.trim().is_empty() => text,
            _ => return Err(failure("there is no address")),
        };
        let found = address(text)
            .map(|address| self.values(database, address, event.bump))
            .unwrap_or_default();
        if event.get(&self.target).is_nil() {
            event.set(&self.target, Value::Object(&[]))?;
        }
        if found.is_empty() {
            return Err(failure(
                "the database has nothing on the address, or it is none",
            ));
        }
        for (path, value) in found {
            if let Some(path) = path {
                event.set(path, value)?;
            }
        }
        Ok(Applied::Matched)
    }

    /// What the database has for an address: where it goes, and the value.
    fn values<'a>(
        &'a self,
        database: &'a Database,
        address: IpAddr,
        bump: &'a Bump,
    ) -> Vec<(Option<&'a FieldPath>, Value<'a>)> {
        let Ok(result) = database.reader().lookup(address) else {
            return Vec::new();
        };
        // a database whose record is not as its kind says has nothing on the address
        let record = match database.kind() {
            Kind::City | Kind::Country | Kind::Enterprise => result.decode::<Record<'a>>(),
            _ => result
                .decode::<Traits<'a>>()
                .map(|traits| traits.map(Record::from)),
        };
        let Ok(Some(record)) = record else {
            return Vec::new();
        };
        if database.kind() == Kind::City && record.location.is_nowhere() {
            return Vec::new();
        }
        let network = result.network().ok();
        let found = Found {
            record,
            address: host_address(address),
            network: network
                .map(|network| format!("{}/{}", host_address(network.ip()), network.prefix())),
        };
        let fields = self.fields.iter();
        fields
            .filter_map(|(field, path)| Some((path.as_ref(), found.value(*field, bump)?)))
            .collect()
    }
}

/// The field for what is found.
fn target(
    source: &str,
    ecs: EcsCompatibility,
    options: Options<'_>,
    compiler: &mut Compiler<'_>,
) -> Option<FieldPath> {
    let at = options.at("target");
    let parent = source
        .strip_suffix("[ip]")
        .filter(|parent| !parent.is_empty());
    match (options.text("target"), ecs, parent) {
        (Some(target), ..) => compiler.field(target, &at),
        (None, EcsCompatibility::Disabled, _) => compiler.field("geoip", &at),
        (None, EcsCompatibility::V8, Some(parent)) => compiler.field(parent, &at),
        (None, EcsCompatibility::V8, None) => {
            let message = "geoip needs `target`, such as `client`, unless `source` is an `ip` inside of a field, such as `[client][ip]`";
            compiler.violation(at, "missing_option", message.to_owned());
            None
        }
    }
}

/// The fields that are asked for, in the order of the list of all, each once.
fn wanted(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Option<Vec<Field>>> {
    let Some(names) = options.list("fields") else {
        return Some(None);
    };
    let mut wanted = Vec::new();
    for name in names {
        match Field::parse(name) {
            Some(field) => wanted.push(field),
            None => {
                let message = format!(
                    "there is no field `{name}`; allowed: {}",
                    field::names().join(", ")
                );
                compiler.violation(options.at("fields"), "invalid_value", message);
                return None;
            }
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    Some(Some(wanted))
}

/// An address, in brackets or not; one of IPv4 in the notation of IPv6 is one of IPv4. Names of hosts are not looked up.
fn address(text: &str) -> Option<IpAddr> {
    let inner = text
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'));
    let address = match inner {
        Some(inner) => IpAddr::V6(inner.parse::<Ipv6Addr>().ok()?),
        None => text.parse().ok()?,
    };
    Some(match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        v4 => v4,
    })
}

/// An address as Java writes it: no part of IPv6 is left out.
fn host_address(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => v6
            .segments()
            .map(|segment| format!("{segment:x}"))
            .join(":"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_java() {
        for (text, written) in [
            ("1.2.3.4", Some("1.2.3.4")),
            ("2607:f0d0:1002:51::4", Some("2607:f0d0:1002:51:0:0:0:4")),
            ("[::1]", Some("0:0:0:0:0:0:0:1")),
            ("::ffff:1.2.3.4", Some("1.2.3.4")),
            ("localhost", None),
            ("1.2.3.4 ", None),
            ("[1.2.3.4]", None),
        ] {
            assert_eq!(
                address(text).map(host_address).as_deref(),
                written,
                "{text}"
            );
        }
    }
}
