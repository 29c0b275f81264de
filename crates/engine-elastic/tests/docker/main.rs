//! Plans on a real Docker: what is put up, what is seen of it, and what is left when it is removed.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests may panic, too"
)]

mod bench;
mod compose;

use std::fs;

use bench::{Bench, FOREVER};
use domain::units::Span;
use engine_elastic::docker::{Changes, Docker, LogCursor, Patience, Seen, State, failure::code};
use engine_elastic::plan::{HealthCheck, NetworkKind, Role};
use futures::StreamExt;
use testkit::wait_until;

/// What a program in a container can find out about its own limits.
const CONFESSION: &str = r#"
echo "uid $(id -u)"
grep -E 'CapEff|NoNewPrivs' /proc/self/status
touch /root-is-writable 2>/dev/null && echo "writable root"
touch "$HOME_OF_IT/data/it" && echo "writable data"
touch /tmp/it && echo "writable tmp"
"#;

fn by_role(seen: &[Seen], role: Role) -> &Seen {
    seen.iter().find(|it| it.role == role).unwrap()
}

#[tokio::test]
async fn a_run_is_put_up_once_found_again_and_removed() {
    let Some(bench) = Bench::new("01j0000000000000000000000a").await else {
        return;
    };
    bench.programs(FOREVER, FOREVER);
    let first = bench.docker.put_up(&bench.plan).await.unwrap();
    assert_eq!(first.created.len(), 6, "{first:?}");
    assert_eq!(first.started.len(), 2, "{first:?}");
    let again = bench.docker.put_up(&bench.plan).await.unwrap();
    assert_eq!(again, Changes::default());

    let other = Docker::connect(Some(&bench.host), Patience::default())
        .await
        .unwrap();
    let seen = other.observe(&bench.run).await.unwrap();
    assert_eq!(seen.len(), 2);
    for it in &seen {
        assert_eq!((it.state, it.exit_code), (State::Running, None));
        assert!(it.usage.unwrap().memory_bytes > 0);
        assert_eq!(it.failure(), None);
    }
    assert_eq!(by_role(&seen, Role::Filebeat).addresses.len(), 1);
    assert_eq!(by_role(&seen, Role::Logstash).addresses.len(), 2);

    other.stop(&bench.run, Span::secs(20)).await.unwrap();
    for it in other.observe(&bench.run).await.unwrap() {
        assert_eq!((it.state, it.exit_code), (State::Exited, Some(0)), "{it:?}");
    }
    let revived = other.put_up(&bench.plan).await.unwrap();
    assert_eq!((revived.created.len(), revived.started.len()), (0, 2));
    other.kill(&bench.run).await.unwrap();
    other.remove(&bench.run).await.unwrap();
    other.remove(&bench.run).await.unwrap();
    assert!(other.observe(&bench.run).await.unwrap().is_empty());
    assert!(other.runs(&bench.platform).await.unwrap().is_empty());
}

#[tokio::test]
async fn containers_can_do_no_more_than_they_must_and_their_logs_arrive() {
    let Some(bench) = Bench::new("01j0000000000000000000000b").await else {
        return;
    };
    let logstash = format!(
        "HOME_OF_IT=/usr/share/logstash\n{CONFESSION}\ntouch /ingest/outcomes/it\necho key $ELASTICSEARCH_API_KEY\necho done\n{FOREVER}"
    );
    let filebeat = format!(
        "HOME_OF_IT=/usr/share/filebeat\n{CONFESSION}\nnslookup logstash\n\
         ls /ingest/frames\necho done\n{FOREVER}"
    );
    bench.programs(&filebeat, &logstash);
    fs::create_dir_all(bench.folder().join("frames")).unwrap();
    fs::write(bench.folder().join("frames/flights.frames"), "a,b\n").unwrap();
    bench.docker.put_up(&bench.plan).await.unwrap();

    let seen = bench.docker.observe(&bench.run).await.unwrap();
    let address = by_role(&seen, Role::Logstash)
        .addresses
        .iter()
        .find(|(network, _)| network.ends_with("-inner"))
        .unwrap()
        .1
        .to_string();
    for it in &seen {
        let file = bench.folder().join(format!("{}.log", it.name));
        let mut cursor = LogCursor::default();
        wait_until("the log arrives", bench::LONG, async || {
            cursor = bench
                .docker
                .logs(&it.name, &cursor, "", &file)
                .await
                .unwrap();
            fs::read_to_string(&file).unwrap().contains(" done\n")
        })
        .await;
        let text = fs::read_to_string(&file).unwrap();
        for line in [
            "uid 1000",
            "CapEff:\t0000000000000000",
            "NoNewPrivs:\t1",
            "writable data",
            "writable tmp",
        ] {
            assert_eq!(text.matches(line).count(), 1, "{line} in {text}");
        }
        assert!(!text.contains("writable root"), "{text}");
        match it.role {
            Role::Logstash => {
                assert!(text.contains("key s3cret"), "{text}");
                assert!(bench.folder().join("outcomes/it").exists(), "{text}");
            }
            Role::Filebeat => {
                assert!(text.contains("flights.frames"), "{text}");
                assert!(text.contains(&address), "{address} in {text}");
            }
        }
    }
    bench.docker.remove(&bench.run).await.unwrap();
}

#[tokio::test]
async fn exit_codes_and_lack_of_memory_are_told() {
    let Some(mut bench) = Bench::new("01j0000000000000000000000c").await else {
        return;
    };
    bench.programs("exit 3", "exec tail /dev/zero");
    for container in &mut bench.plan.containers {
        container.memory_bytes = 16 << 20;
    }
    bench.docker.put_up(&bench.plan).await.unwrap();
    let mut seen = Vec::new();
    wait_until("both have ended", bench::LONG, async || {
        seen = bench.docker.observe(&bench.run).await.unwrap();
        seen.iter().all(|it| it.state == State::Exited)
    })
    .await;
    let logstash = by_role(&seen, Role::Logstash);
    assert!(logstash.oom_killed, "{logstash:?}");
    assert_eq!(logstash.failure().unwrap().code, code::CONTAINER_OOM);
    let filebeat = by_role(&seen, Role::Filebeat);
    assert_eq!(filebeat.exit_code, Some(3));
    assert_eq!(filebeat.failure().unwrap().code, code::CONTAINER_FAILED);
    bench.docker.remove(&bench.run).await.unwrap();
}

#[tokio::test]
async fn the_sweeper_removes_what_has_no_run_and_nothing_else() {
    let Some(kept) = Bench::new("01j0000000000000000000000d").await else {
        return;
    };
    let gone = kept.another("01j0000000000000000000000e", &kept.platform);
    let foreign = kept.another("01j0000000000000000000000f", "somebody-else");
    for bench in [&kept, &gone, &foreign] {
        bench.programs(FOREVER, FOREVER);
        bench.docker.put_up(&bench.plan).await.unwrap();
    }
    let known = async || Ok([kept.run.clone()].into());
    let swept = kept.docker.sweep(&kept.platform, known()).await.unwrap();
    assert_eq!(swept, [gone.run.clone()].into());
    assert!(kept.docker.observe(&gone.run).await.unwrap().is_empty());
    for bench in [&kept, &foreign] {
        assert_eq!(bench.docker.observe(&bench.run).await.unwrap().len(), 2);
        bench.docker.remove(&bench.run).await.unwrap();
    }
    let swept = kept.docker.sweep(&kept.platform, known()).await.unwrap();
    assert!(swept.is_empty());
}

#[tokio::test]
async fn what_is_missing_is_explained() {
    let Some(mut bench) = Bench::new("01j0000000000000000000000g").await else {
        return;
    };
    // nothing listens there
    let image = "127.0.0.1:1/nobody/nothing:1";
    let failure = bench.docker.ensure_image(image, |_| {}).await.unwrap_err();
    assert_eq!(failure.code, code::IMAGE_MISSING);
    assert!(failure.message.contains(image), "{failure}");

    bench.programs(FOREVER, FOREVER);
    for container in &mut bench.plan.containers {
        container.image = image.into();
    }
    let failure = bench.docker.put_up(&bench.plan).await.unwrap_err();
    assert_eq!(failure.code, code::IMAGE_MISSING, "{failure}");

    bench.plan.networks[1].name = "ingest-test-none".into();
    bench.plan.networks[1].kind = NetworkKind::Existing;
    let failure = bench.docker.put_up(&bench.plan).await.unwrap_err();
    assert_eq!(failure.code, code::NETWORK_MISSING, "{failure}");
    bench.docker.remove(&bench.run).await.unwrap();
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_left_alone() {
    let Some(bench) = Bench::new("01j0000000000000000000000h").await else {
        return;
    };
    let mut other = bench.another("01j0000000000000000000000j", &bench.platform);
    other.plan.networks = bench.plan.networks.clone();
    bench.programs(FOREVER, FOREVER);
    bench.docker.put_up(&bench.plan).await.unwrap();
    let failure = bench.docker.put_up(&other.plan).await.unwrap_err();
    assert_eq!(failure.code, code::CONFLICT);
    other.docker.remove(&other.run).await.unwrap();
    assert_eq!(bench.docker.observe(&bench.run).await.unwrap().len(), 2);
    bench.docker.remove(&bench.run).await.unwrap();
}

#[tokio::test]
async fn docker_hints_at_runs_and_tells_their_health() {
    let Some(mut bench) = Bench::new("01j0000000000000000000000m").await else {
        return;
    };
    bench.programs(FOREVER, FOREVER);
    for (container, verdict) in bench.plan.containers.iter_mut().zip(["true", "false"]) {
        container.health = Some(HealthCheck {
            command: ["sh", "-c", verdict].map(Into::into).into(),
            interval: Span { ms: 500 },
            timeout: Span::secs(30),
            retries: 1,
            start_period: Span::secs(0),
        });
    }
    let mut hints = Box::pin(bench.docker.hints(&bench.platform));
    let (hint, put_up) = tokio::join!(
        tokio::time::timeout(bench::LONG, hints.next()),
        bench.docker.put_up(&bench.plan)
    );
    put_up.unwrap();
    assert_eq!(hint.unwrap().as_ref(), Some(&bench.run));
    wait_until("both checks have an answer", bench::LONG, async || {
        let seen = bench.docker.observe(&bench.run).await.unwrap();
        by_role(&seen, Role::Logstash).healthy == Some(true)
            && by_role(&seen, Role::Filebeat).healthy == Some(false)
    })
    .await;
    bench.docker.remove(&bench.run).await.unwrap();
}
