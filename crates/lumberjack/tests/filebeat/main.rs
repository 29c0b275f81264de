//! A real Filebeat and our listener: whatever happens between them, every line arrives, and Filebeat forgets only what
//! was acknowledged.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod beat;
#[path = "../common/mod.rs"]
mod common;
mod lines;

use std::{collections::BTreeSet, time::Duration};

use beat::Filebeat;
use common::{client::SOON, listening};
use lines::{Line, Lines};
use lumberjack::{ClientAuthentication, Config, Listener, Tls, Window};
use testkit::Certificates;
use testkit::wait_until;
use tokio::time::{sleep, timeout};

/// Longer than Filebeat waits for an answer (its `timeout`).
const TOO_LONG: Duration = Duration::from_secs(4);

async fn listen(port: u16, tls: Option<Tls>) -> Listener {
    let config = Config {
        port,
        tls,
        keep_alive: Duration::from_millis(500),
        ..listening::config()
    };
    listening::listen(config).await
}

/// The consumer: what it took, and what of that is durable.
#[derive(Default)]
struct Consumer {
    taken: Vec<Line>,
    durable: BTreeSet<Line>,
}

impl Consumer {
    async fn take(&mut self, listener: &mut Listener) -> (Window, Vec<Line>) {
        let window = timeout(SOON, listener.next())
            .await
            .expect("a window in time")
            .unwrap();
        let lines: Vec<Line> = window
            .events
            .iter()
            .map(|event| Line::of(&event.json))
            .collect();
        self.taken.extend(&lines);
        (window, lines)
    }

    async fn take_and_acknowledge(&mut self, listener: &mut Listener) {
        let (window, lines) = self.take(listener).await;
        self.durable.extend(lines);
        window.ack.all();
    }

    /// Everything, until Filebeat has nothing left to send and knows it.
    async fn finish(&mut self, listener: &mut Listener, beat: &Filebeat, lines: &Lines) {
        while self.durable.len() < lines.len() {
            self.take_and_acknowledge(listener).await;
        }
        wait_until(
            "Filebeat's registry is at the ends of the files",
            SOON,
            async || {
                if let Ok(Some(window)) = timeout(Duration::ZERO, listener.next()).await {
                    window.ack.all();
                }
                beat.positions().into_iter().eq(lines.ends())
            },
        )
        .await;
        assert!(self.durable.iter().copied().eq(lines.all()));
    }

    /// Filebeat's positions are never beyond the first line that is not durable.
    fn assert_only_durable_is_forgotten(&self, beat: &Filebeat, lines: &Lines) {
        for (file, position) in beat.positions() {
            let missing = lines.of(file).find(|line| !self.durable.contains(line));
            let most = missing.map_or(u64::MAX, Line::position);
            assert!(
                position <= most,
                "of file {file} {position} bytes are forgotten, {most} durable"
            );
        }
    }
}

#[tokio::test]
async fn every_line_arrives_whatever_breaks() {
    let Some(program) = testkit::services::filebeat() else {
        return;
    };
    let lines = Lines::new(5, 4000);
    let mut listener = listen(0, None).await;
    let address = listener.local_addr();
    let mut beat = Filebeat::new(&program, lines.folder(), address, "");
    let mut consumer = Consumer::default();
    beat.start();
    for _ in 0..4 {
        consumer.take_and_acknowledge(&mut listener).await;
    }

    // a window is given up when half of it is durable
    let (mut given_up, taken) = consumer.take(&mut listener).await;
    let (half, _) = taken.split_at(taken.len() / 2);
    consumer.durable.extend(half);
    given_up.ack.up_to(half.len());
    let peer = given_up.peer;
    drop(given_up);

    // Filebeat comes again, and now it has to wait: it stays connected
    let (slow, waited_for) = loop {
        let (window, lines) = consumer.take(&mut listener).await;
        if window.peer != peer {
            break (window, lines);
        }
    };
    sleep(TOO_LONG).await;
    consumer.assert_only_durable_is_forgotten(&beat, &lines);
    consumer.durable.extend(waited_for);
    let peer = slow.peer;
    slow.ack.all();
    for _ in 0..3 {
        let (window, lines) = consumer.take(&mut listener).await;
        assert_eq!(window.peer, peer);
        consumer.durable.extend(lines);
        window.ack.all();
    }

    // the listener is lost with windows in flight, and Filebeat dies before it is back
    drop((consumer.take(&mut listener).await, listener));
    sleep(TOO_LONG).await;
    beat.kill().await;
    consumer.assert_only_durable_is_forgotten(&beat, &lines);
    let forgotten = beat.positions();
    assert!(!forgotten.is_empty() && !forgotten.clone().into_iter().eq(lines.ends()));

    let mut listener = listen(address.port(), None).await;
    beat.start();
    consumer.finish(&mut listener, &beat, &lines).await;
    eprintln!(
        "{} lines were sent as {} events",
        lines.len(),
        consumer.taken.len()
    );
}

#[tokio::test]
async fn filebeat_is_let_in_by_its_certificate() {
    let Some(program) = testkit::services::filebeat() else {
        return;
    };
    let lines = Lines::new(1, 1000);
    let certificates = Certificates::new(&["server", "beat"]);
    let authority = certificates.file("ca.pem");
    let tls = Tls {
        certificate: certificates.file("server.pem"),
        key: certificates.file("server.key"),
        client_authentication: ClientAuthentication::Required(vec![authority.clone()]),
    };
    let ssl = format!(
        "  ssl: {{certificate_authorities: [{:?}], certificate: {:?}, key: {:?}}}",
        authority,
        certificates.file("beat.pem"),
        certificates.file("beat.key"),
    );
    let mut listener = listen(0, Some(tls)).await;
    let mut beat = Filebeat::new(&program, lines.folder(), listener.local_addr(), &ssl);
    beat.start();
    Consumer::default()
        .finish(&mut listener, &beat, &lines)
        .await;
}
