//! A listener and its clients.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{
    client::{Client, SOON},
    compressed, json,
    listening::{config, listen, next},
    pairs, whole_window, window,
};
use lumberjack::{Config, Limits, Listener, Window};
use tokio::time::{sleep, timeout};

async fn connected(config: Config) -> (Listener, Client) {
    let listener = listen(config).await;
    let client = Client::connect(listener.local_addr()).await;
    (listener, client)
}

fn texts(window: &Window) -> Vec<&str> {
    let events = window.events.iter();
    events
        .map(|event| std::str::from_utf8(&event.json).unwrap())
        .collect()
}

#[tokio::test]
async fn events_arrive_in_order_and_what_is_durable_is_acknowledged() {
    let (mut listener, mut client) = connected(config()).await;
    client
        .send(&whole_window(&["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]))
        .await;
    let mut first = next(&mut listener).await;
    assert_eq!(texts(&first), ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]);
    assert!(first.peer.ip().is_loopback());
    first.ack.up_to(2);
    assert_eq!(client.real_ack().await, Some(2));
    first.ack.all();
    assert_eq!(client.real_ack().await, Some(3));

    let events = [json(1, "{}"), json(2, "[]")].concat();
    client
        .send(&[window(2), compressed(&events)].concat())
        .await;
    let second = next(&mut listener).await;
    assert_eq!(texts(&second), ["{}", "[]"]);
    second.ack.all();
    assert_eq!(client.ack().await, Some((b'2', 2)));
}

#[tokio::test]
async fn clients_of_version_1_are_answered_in_it() {
    let (mut listener, mut client) = connected(config()).await;
    client
        .send(&[b"1W\0\0\0\x01".to_vec(), pairs(42, &[("line", "x")])].concat())
        .await;
    let window = next(&mut listener).await;
    assert_eq!(texts(&window), ["{\"line\":\"x\"}"]);
    window.ack.all();
    assert_eq!(client.ack().await, Some((b'1', 42)));
}

#[tokio::test]
async fn an_empty_window_is_answered_at_once() {
    let (_listener, mut client) = connected(config()).await;
    client.send(&window(0)).await;
    assert_eq!(client.ack().await, Some((b'2', 0)));
}

#[tokio::test]
async fn a_waiting_client_is_kept_alive_with_what_it_was_told_last() {
    let keep_alive = Duration::from_millis(20);
    let (mut listener, mut client) = connected(Config {
        keep_alive,
        ..config()
    })
    .await;
    client.send(&whole_window(&["1", "2"])).await;
    for _ in 0..3 {
        assert_eq!(client.ack().await, Some((b'2', 0)));
    }
    let mut window = next(&mut listener).await;
    window.ack.up_to(1);
    assert_eq!(client.real_ack().await, Some(1));
    for _ in 0..3 {
        assert_eq!(client.ack().await, Some((b'2', 1)));
    }
    window.ack.all();
    while client.ack().await != Some((b'2', 2)) {}
    client.send(&whole_window(&["3", "4"])).await;
    // the first window is over: only keep-alives of the second follow
    assert_eq!(client.ack().await, Some((b'2', 0)));
}

#[tokio::test]
async fn windows_are_acknowledged_in_the_order_in_which_they_came() {
    let (mut listener, mut client) = connected(config()).await;
    client.send(&whole_window(&["1", "2", "3"])).await;
    client.send(&whole_window(&["4"])).await;
    let (first, second) = (next(&mut listener).await, next(&mut listener).await);
    second.ack.all();
    sleep(Duration::from_millis(50)).await;
    first.ack.all();
    assert_eq!(client.ack().await, Some((b'2', 3)));
    assert_eq!(client.ack().await, Some((b'2', 1)));
}

#[tokio::test]
async fn no_more_windows_are_read_than_may_be_in_flight() {
    let keep_alive = Duration::from_millis(20);
    let (mut listener, mut client) = connected(Config {
        keep_alive,
        ..config()
    })
    .await;
    for text in ["1", "2", "3"] {
        client.send(&whole_window(&[text])).await;
    }
    let (first, _second) = (next(&mut listener).await, next(&mut listener).await);
    for _ in 0..5 {
        client.ack().await.unwrap();
    }
    assert!(
        timeout(Duration::from_millis(50), listener.next())
            .await
            .is_err()
    );
    first.ack.all();
    assert_eq!(texts(&next(&mut listener).await), ["3"]);
}

#[tokio::test]
async fn a_client_waits_for_room_in_the_queue_and_is_kept_alive() {
    let keep_alive = Duration::from_millis(20);
    let mut listener = listen(Config {
        queue: 1,
        keep_alive,
        ..config()
    })
    .await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Client::connect(listener.local_addr()).await;
        client.send(&whole_window(&["{}"])).await;
        clients.push(client);
    }
    for client in &mut clients {
        assert_eq!(client.ack().await, Some((b'2', 0)));
    }
    for _ in 0..4 {
        next(&mut listener).await.ack.all();
    }
    for client in &mut clients {
        assert_eq!(client.real_ack().await, Some(1));
    }
}

#[tokio::test]
async fn a_dropped_window_closes_its_connection_and_is_never_acknowledged() {
    let (mut listener, mut client) = connected(config()).await;
    client.send(&whole_window(&["1", "2", "3"])).await;
    client.send(&whole_window(&["4"])).await;
    let mut first = next(&mut listener).await;
    let second = next(&mut listener).await;
    first.ack.up_to(1);
    drop(first);
    second.ack.all();
    assert_eq!(client.real_ack().await, Some(1));
    assert_eq!(client.real_ack().await, None);

    let mut client = Client::connect(listener.local_addr()).await;
    client.send(&whole_window(&["2", "3"])).await;
    assert_eq!(texts(&next(&mut listener).await), ["2", "3"]);
}

#[tokio::test]
async fn half_a_window_is_forgotten_with_its_connection() {
    let (mut listener, mut client) = connected(config()).await;
    client.send(&[window(2), json(1, "1")].concat()).await;
    drop(client);
    let mut client = Client::connect(listener.local_addr()).await;
    client.send(&whole_window(&["1", "2"])).await;
    assert_eq!(texts(&next(&mut listener).await), ["1", "2"]);
}

#[tokio::test]
async fn who_breaks_the_protocol_or_a_limit_is_disconnected() {
    let limits = Limits {
        window_events: 5,
        ..Limits::default()
    };
    let listener = listen(Config { limits, ..config() }).await;
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        json(1, "{}"),
        window(6),
        [window(2), window(1)].concat(),
    ] {
        let mut client = Client::connect(listener.local_addr()).await;
        client.send(&bytes).await;
        assert_eq!(client.ack().await, None);
    }
}

#[tokio::test]
async fn one_client_too_many_is_turned_away() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let (mut listener, mut client) = connected(Config { limits, ..config() }).await;
    client.send(&window(0)).await;
    client.ack().await.unwrap();
    let mut other = Client::connect(listener.local_addr()).await;
    assert_eq!(other.ack().await, None);
    client.send(&whole_window(&["{}"])).await;
    next(&mut listener).await.ack.all();
    assert_eq!(client.ack().await, Some((b'2', 1)));
}

#[tokio::test]
async fn an_idle_connection_is_closed_but_not_one_that_waits() {
    let client_inactivity_timeout = Duration::from_millis(100);
    let (mut listener, mut idle) = connected(Config {
        client_inactivity_timeout,
        ..config()
    })
    .await;
    let mut waiting = Client::connect(listener.local_addr()).await;
    waiting.send(&whole_window(&["{}"])).await;
    let window = next(&mut listener).await;
    assert_eq!(idle.ack().await, None);
    sleep(client_inactivity_timeout * 3).await;
    window.ack.all();
    assert_eq!(waiting.ack().await, Some((b'2', 1)));
    assert_eq!(waiting.ack().await, None);
}

#[tokio::test]
async fn a_stopped_listener_hands_out_what_was_read_and_lets_it_be_acknowledged() {
    let (mut listener, mut client) = connected(config()).await;
    client.send(&whole_window(&["1"])).await;
    client.send(&whole_window(&["2"])).await;
    client.send(&whole_window(&["3"])).await;
    let first = next(&mut listener).await;
    sleep(Duration::from_millis(50)).await; // the second is read too
    listener.stop();
    let second = next(&mut listener).await;
    assert!(timeout(SOON, listener.next()).await.unwrap().is_none());
    let closed = tokio::spawn(listener.close());
    sleep(Duration::from_millis(50)).await;
    assert!(!closed.is_finished());
    first.ack.all();
    second.ack.all();
    assert_eq!(client.real_ack().await, Some(1));
    assert_eq!(client.real_ack().await, Some(1));
    assert_eq!(client.real_ack().await, None);
    timeout(SOON, closed).await.unwrap().unwrap();
}

#[tokio::test]
async fn closing_gives_up_what_was_not_taken_after_what_was() {
    let (mut listener, mut client) = connected(config()).await;
    let address = listener.local_addr();
    client.send(&whole_window(&["1", "2"])).await;
    client.send(&whole_window(&["3"])).await;
    let taken = next(&mut listener).await;
    let closed = tokio::spawn(listener.close());
    sleep(Duration::from_millis(50)).await;
    taken.ack.all();
    assert_eq!(client.real_ack().await, Some(2));
    assert_eq!(client.real_ack().await, None);
    timeout(SOON, closed).await.unwrap().unwrap();
    listen(Config {
        port: address.port(),
        ..config()
    })
    .await;
}
