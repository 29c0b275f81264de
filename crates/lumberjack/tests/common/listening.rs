//! Our side.

use lumberjack::{Config, Listener, Window};
use tokio::time::timeout;

use super::client::SOON;

/// On a free port of the loopback address.
pub fn config() -> Config {
    Config {
        host: "127.0.0.1".to_owned(),
        port: 0,
        ..Config::default()
    }
}

/// A listener so configured.
pub async fn listen(config: Config) -> Listener {
    Listener::bind(config).await.unwrap()
}

/// The window that must come soon.
pub async fn next(listener: &mut Listener) -> Window {
    let window = timeout(SOON, listener.next())
        .await
        .expect("a window in time");
    window.expect("the listener was not stopped")
}
