//! Waiting for a condition instead of for a time.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `condition` holds, asking again and again.
///
/// # Panics
/// When it does not hold `within` that time; `what` is part of the message.
pub async fn wait_until(what: &str, within: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !condition().await {
        give_up_after(what, within, began);
        tokio::time::sleep(PAUSE).await;
    }
}

/// [`wait_until`] for tests without a runtime.
///
/// # Panics
/// As [`wait_until`].
pub fn wait_until_blocking(what: &str, within: Duration, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        give_up_after(what, within, began);
        std::thread::sleep(PAUSE);
    }
}

fn give_up_after(what: &str, within: Duration, began: Instant) {
    assert!(
        began.elapsed() < within,
        "waited {within:?} in vain until {what}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_as_many_turns_as_it_takes() {
        let mut turns = 0;
        wait_until("the third turn", Duration::from_secs(60), async || {
            turns += 1;
            turns == 3
        })
        .await;
        assert_eq!(turns, 3);
    }

    #[test]
    #[should_panic(expected = "in vain until pigs fly")]
    fn gives_up_at_the_deadline() {
        wait_until_blocking("pigs fly", Duration::ZERO, || false);
    }
}
