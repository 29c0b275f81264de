//! What the compose file promises.

#![allow(clippy::unwrap_used)]

use coredms::compose::COMPOSE;
use serde_json::Value;

#[test]
fn the_servers_are_pinned_secured_bounded_and_on_loopback_only() {
    let file: Value = serde_yaml_ng::from_str(COMPOSE).unwrap();
    let (elasticsearch, kibana) = (
        &file["services"]["elasticsearch"],
        &file["services"]["kibana"],
    );
    assert_eq!(
        elasticsearch["environment"]["xpack.security.enabled"],
        "true"
    );
    let mut versions = Vec::new();
    for service in [elasticsearch, kibana] {
        let (_, version) = service["image"].as_str().unwrap().rsplit_once(':').unwrap();
        versions.push(version);
        for port in service["ports"].as_array().unwrap() {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{port}");
        }
        for volume in service["volumes"].as_array().unwrap() {
            let (name, _) = volume.as_str().unwrap().split_once(':').unwrap();
            assert!(file["volumes"].as_object().unwrap().contains_key(name));
        }
        assert!(service["healthcheck"]["test"].is_array());
        assert!(service["mem_limit"].is_string());
    }
    assert_eq!(versions, ["8.19.8", "8.19.8"]);
    let given = |line: &&str| line.contains("PASSWORD:") && !line.contains(": ${");
    assert_eq!(COMPOSE.lines().find(given), None, "a password in the file");
}
