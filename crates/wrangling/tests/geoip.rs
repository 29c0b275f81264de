//! `geoip` with databases of every kind, in both ECS modes.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use serde_json::{Value, json};
use support::environment_with;
use support::mmdb::database;
use wrangling::{EcsCompatibility, Environment, Resources, steps};

fn city() -> Value {
    json!({
        "city": {"names": {"de": "Mailand", "en": "Milan"}},
        "continent": {"code": "EU", "names": {"en": "Europe"}},
        "country": {"iso_code": "IT", "names": {"en": "Italy"}},
        "location": {"latitude": 45.47, "longitude": 9.25, "metro_code": 501, "time_zone": "Europe/Rome"},
        "postal": {"code": "20121"},
        "subdivisions": [{"iso_code": "25", "names": {"en": "Lombardy"}}, {"iso_code": "MI", "names": {"en": "Province of Milan"}}],
        "traits": {"autonomous_system_number": 7, "autonomous_system_organization": "Org", "is_anonymous": true},
    })
}

/// An environment with a database of each kind.
fn databases(ecs: EcsCompatibility) -> (tempfile::TempDir, Environment) {
    let mut nowhere = city();
    nowhere["location"] = json!({"time_zone": "Europe/Rome"});
    let traits = json!({
        "autonomous_system_number": 3352, "autonomous_system_organization": "Telefonica", "isp": "Movistar",
        "organization": "Shop", "domain": "shop.example", "is_tor_exit_node": true, "is_anonymous": true,
    });
    let places = [
        ("1.2.3.0/24", city()),
        ("2001:db8::/32", city()),
        ("5.6.0.0/16", nowhere),
    ];
    let of = |kind: &str, networks: &[(&str, Value)]| database(kind, networks);
    let traits = [("1.2.3.0/24", traits)];
    let (folder, environment) = environment_with(&[
        ("GeoLite2-City.mmdb", &of("GeoLite2-City", &places)),
        ("country.mmdb", &of("GeoLite2-Country", &places)),
        ("enterprise.mmdb", &of("GeoIP2-Enterprise", &places)),
        ("GeoLite2-ASN.mmdb", &of("GeoLite2-ASN", &traits)),
        ("isp.mmdb", &of("GeoIP2-ISP", &traits)),
        ("domain.mmdb", &of("GeoIP2-Domain", &traits)),
        ("anonymous.mmdb", &of("GeoIP2-Anonymous-IP", &traits)),
        ("other.mmdb", &of("Own-Types", &traits)),
        ("broken.mmdb", b"no database"),
    ]);
    let environment = Environment {
        ecs_compatibility: ecs,
        ..environment
    };
    (folder, environment)
}

/// What a filter with these options makes of a record.
fn run(options: Value, record: Value, environment: &Environment) -> Value {
    let steps = json!([{"geoip": options}]);
    support::documents(&steps, environment, &[&record.to_string()])
        .unwrap()
        .remove(0)
}

#[test]
fn a_city_has_the_fields_of_the_schema() {
    let (_folder, environment) = databases(EcsCompatibility::V8);
    let geo = json!({
        "city_name": "Milan", "continent_code": "EU", "country_iso_code": "IT", "country_name": "Italy",
        "location": {"lat": 45.47, "lon": 9.25}, "postal_code": "20121", "region_iso_code": "IT-MI",
        "region_name": "Province of Milan", "timezone": "Europe/Rome",
    });
    let document = run(
        json!({"source": "[client][ip]"}),
        json!({"client": {"ip": "1.2.3.4"}}),
        &environment,
    );
    assert_eq!(
        document,
        json!({"client": {"ip": "1.2.3.4", "geo": geo, "mmdb": {"dma_code": 501}}})
    );
    let document = run(
        json!({"source": "a", "target": "[x][host]", "fields": ["IP", "region_code", "continent_name", "country_code3"], "add_tag": "found"}),
        json!({"a": ["2001:db8::1", "9.9.9.9"]}),
        &environment,
    );
    assert_eq!(
        document,
        json!({
            "a": ["2001:db8::1", "9.9.9.9"], "tags": ["found"],
            "x": {"host": {"ip": "2001:db8:0:0:0:0:0:1", "geo": {"continent_name": "Europe", "region_code": "MI"}}},
        })
    );
}

#[test]
fn a_city_has_the_fields_from_before_the_schema() {
    let (_folder, environment) = databases(EcsCompatibility::Disabled);
    let document = run(
        json!({"source": "a"}),
        json!({"a": "1.2.3.4"}),
        &environment,
    );
    assert_eq!(
        document["geoip"],
        json!({
            "city_name": "Milan", "continent_code": "EU", "country_code2": "IT", "country_code3": "IT", "country_name": "Italy",
            "dma_code": 501, "ip": "1.2.3.4", "latitude": 45.47, "location": {"lat": 45.47, "lon": 9.25}, "longitude": 9.25,
            "postal_code": "20121", "region_code": "MI", "region_name": "Province of Milan", "timezone": "Europe/Rome",
        })
    );
}

#[test]
fn every_kind_of_database_has_its_fields() {
    let (_folder, environment) = databases(EcsCompatibility::V8);
    let found = |options: Value| {
        let mut document = run(options, json!({"a": "1.2.3.4"}), &environment);
        document["t"].take()
    };
    assert_eq!(
        found(json!({"source": "a", "target": "t", "database": "country.mmdb"})),
        json!({"ip": "1.2.3.4", "geo": {"continent_name": "Europe", "country_iso_code": "IT", "country_name": "Italy"}})
    );
    let asn = json!({"number": 3352, "organization": {"name": "Telefonica"}});
    assert_eq!(
        found(json!({"source": "a", "target": "t", "default_database_type": "ASN"})),
        json!({"ip": "1.2.3.4", "as": asn})
    );
    assert_eq!(
        found(
            json!({"source": "a", "target": "t", "default_database_type": "ASN", "fields": ["network", "city_name"]})
        ),
        json!({"ip_traits": {"network": "1.2.3.0/24"}})
    );
    assert_eq!(
        found(json!({"source": "a", "target": "t", "database": "isp.mmdb"})),
        json!({"ip": "1.2.3.4", "as": asn, "mmdb": {"isp": "Movistar", "organization": "Shop"}})
    );
    assert_eq!(
        found(json!({"source": "a", "target": "t", "database": "domain.mmdb"})),
        json!({"domain": "shop.example"})
    );
    assert_eq!(
        found(json!({"source": "a", "target": "t", "database": "anonymous.mmdb"})),
        json!({"ip_traits": {
            "anonymous": true, "anonymous_vpn": false, "hosting_provider": false, "public_proxy": false,
            "residential_proxy": false, "tor_exit_node": true,
        }})
    );
    assert_eq!(
        found(json!({"source": "a", "target": "t", "database": "enterprise.mmdb"})),
        json!({"ip": "1.2.3.4", "geo": {
            "city_name": "Milan", "continent_name": "Europe", "country_iso_code": "IT", "country_name": "Italy",
            "location": {"lat": 45.47, "lon": 9.25}, "region_iso_code": "IT-MI", "region_name": "Province of Milan",
        }})
    );
    assert_eq!(
        found(
            json!({"source": "a", "target": "t", "database": "enterprise.mmdb", "fields": ["timezone", "autonomous_system_number", "anonymous"]})
        ),
        json!({"geo": {"timezone": "Europe/Rome"}, "as": {"number": 7}, "ip_traits": {"anonymous": true}})
    );
}

#[test]
fn an_address_that_is_not_found_is_tagged() {
    let (_folder, environment) = databases(EcsCompatibility::Disabled);
    let options = json!({"source": "a"});
    let tagged = json!(["_geoip_lookup_failure"]);
    for unknown in ["9.9.9.9", "example.com", "5.6.7.8"] {
        let document = run(options.clone(), json!({"a": unknown}), &environment);
        assert_eq!(document, json!({"a": unknown, "geoip": {}, "tags": tagged}));
    }
    for nothing in [json!(""), json!(" "), json!(null), json!(5), json!([])] {
        let document = run(options.clone(), json!({"a": nothing}), &environment);
        assert_eq!(document, json!({"a": nothing, "tags": tagged}));
    }
    let options = json!({"source": "a", "target": "b", "tag_on_failure": ["x", "y"]});
    assert_eq!(
        run(options, json!({}), &environment),
        json!({"tags": ["x", "y"]})
    );
}

#[test]
fn what_cannot_be_used_is_refused() {
    let (_folder, environment) = databases(EcsCompatibility::V8);
    let anywhere = Environment {
        resources: Resources::Anywhere,
        ..environment.clone()
    };
    for (options, environment, option, code) in [
        (
            json!({"target": "t"}),
            &environment,
            "source",
            "missing_option",
        ),
        (
            json!({"source": "a"}),
            &environment,
            "target",
            "missing_option",
        ),
        (
            json!({"source": "[ip]"}),
            &environment,
            "target",
            "missing_option",
        ),
        (
            json!({"source": "a", "target": "t", "fields": ["asn"]}),
            &environment,
            "fields",
            "invalid_value",
        ),
        (
            json!({"source": "a", "target": "t", "default_database_type": "city"}),
            &environment,
            "default_database_type",
            "invalid_value",
        ),
        (
            json!({"source": "a", "target": "t", "database": "none.mmdb"}),
            &environment,
            "database",
            "unknown_resource",
        ),
        (
            json!({"source": "a", "target": "t", "database": "broken.mmdb"}),
            &environment,
            "database",
            "invalid_resource",
        ),
        (
            json!({"source": "a", "target": "t", "database": "other.mmdb"}),
            &environment,
            "database",
            "invalid_resource",
        ),
        (
            json!({"source": "a", "target": "t"}),
            &anywhere,
            "database",
            "missing_option",
        ),
    ] {
        let violations =
            steps::parse_in(&json!([{"geoip": options}]), "", environment).unwrap_err();
        let found: Vec<_> = violations
            .iter()
            .map(|v| (v.pointer.as_str(), v.code.as_str()))
            .collect();
        assert_eq!(
            found,
            [(format!("/0/geoip/{option}").as_str(), code)],
            "{violations:?}"
        );
    }
    assert!(steps::parse(&json!([{"geoip": {"source": "a", "target": "t"}}])).is_ok());
}
