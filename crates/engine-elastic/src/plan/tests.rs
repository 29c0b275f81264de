//! What a run's plan is like; also the plan that other tests begin with.

use domain::worker::{RunFolder, WorkOrder};
use serde_json::json;

use super::{Container, Egress, Mount, NetworkKind, Plan, Role, Settings, label};

pub(crate) fn settings() -> Settings {
    Settings {
        platform: "test".into(),
        filebeat_image: super::FILEBEAT_IMAGE.into(),
        logstash_image: super::LOGSTASH_IMAGE.into(),
        uid: 1000.try_into().unwrap(),
        egress: Egress::Network("dms".into()),
    }
}

fn order() -> WorkOrder {
    serde_json::from_value(json!({
        "client": "acme", "job": "flights", "run": "01j00000000000000000000000", "revision": 1,
        "spec_digest": "d1", "clock_ms": 0,
        "spec": { "mode": "batch", "format": { "type": "csv" }, "destination": { "index": "flights" } },
        "dms": { "url": "http://dms:9200", "api_key_file": "/secret/place" },
        "memory": "1GiB", "cpu_millis": 2000, "orphan_after": "1m",
        "provisions": { "resources": "/home/resources", "variables": { "REGION": "eu" } },
    }))
    .unwrap()
}

pub(crate) fn plan(settings: &Settings) -> Plan {
    Plan::of(&order(), &RunFolder::new("/runs/r"), settings)
}

fn container(plan: &Plan, role: Role) -> &Container {
    plan.containers.iter().find(|it| it.role == role).unwrap()
}

#[test]
fn a_plan_survives_being_stored() {
    let plan = plan(&settings());
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

#[test]
fn the_containers_share_what_the_run_is_given() {
    let plan = plan(&settings());
    assert_eq!(
        plan.containers
            .iter()
            .map(|it| it.memory_bytes)
            .sum::<u64>(),
        1 << 30
    );
    assert_eq!(
        plan.containers.iter().map(|it| it.cpu_millis).sum::<u32>(),
        2000
    );
    let heap = &container(&plan, Role::Logstash).environment["LS_JAVA_OPTS"];
    assert_eq!(heap, "-Xms460m -Xmx460m");
}

#[test]
fn filebeat_reaches_nothing_but_logstash() {
    for egress in [Egress::Network("dms".into()), Egress::Host] {
        let plan = plan(&Settings {
            egress,
            ..settings()
        });
        let networks = &container(&plan, Role::Filebeat).networks;
        let kinds: Vec<NetworkKind> = plan
            .networks
            .iter()
            .filter(|it| networks.contains(&it.name))
            .map(|it| it.kind)
            .collect();
        assert_eq!(kinds, [NetworkKind::Internal]);
        assert!(container(&plan, Role::Filebeat).hosts.is_empty());
    }
}

#[test]
fn everything_tells_whose_it_is() {
    let plan = plan(&settings());
    assert_eq!(plan.labels[label::RUN], "01j00000000000000000000000");
    assert_eq!(plan.labels[label::CLIENT], "acme");
    assert_eq!(plan.labels[label::SPEC_DIGEST], "d1");
    for it in &plan.containers {
        assert_eq!(plan.labels_of(it)[label::ROLE], it.role.as_str());
        assert!(it.name.starts_with(&plan.project), "{}", it.name);
    }
}

#[test]
fn secrets_are_files_and_never_variables() {
    let plan = plan(&settings());
    let logstash = container(&plan, Role::Logstash);
    assert!(logstash.mounts.contains(&Mount::Secret {
        name: "ELASTICSEARCH_API_KEY".into(),
        source: "/secret/place".into()
    }));
    assert_eq!(
        logstash.environment.keys().collect::<Vec<_>>(),
        ["ELASTICSEARCH_URL", "LS_JAVA_OPTS", "REGION"]
    );
}
