//! Jobs of the elastic engine, end to end: the real binaries, a real Docker, a real Filebeat in a container, and in place of
//! Logstash the worker's own face of it.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod bench;
mod both;
mod by_hand;
mod failures;
#[path = "../e2e/harness/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the suite e2e, which uses all of it"
)]
mod harness;
mod kills;
mod steering;

/// Makes a test of each scenario, unless the suite was switched off by name.
macro_rules! suite {
    ($($test:ident: $scenario:expr,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            if testkit::services::docker_host().is_some() {
                $scenario.await;
            }
        })+
    };
}

suite! {
    both_engines_store_the_same_flights: both::flights(),
    both_engines_store_the_same_of_many_files: both::many_files(),
    what_is_rendered_is_done_by_hand: by_hand::rendered(),
    kills_leave_nothing_behind_and_lose_nothing: kills::schedules(20),
    a_run_is_held_and_goes_on: steering::pause(),
    a_run_is_called_off_and_done_again: steering::cancel(),
    a_core_dms_that_is_away_is_waited_for: failures::core_dms_away(),
    containers_that_die_are_put_up_again: failures::containers_die(),
    what_no_run_knows_of_is_removed: failures::swept(),
    a_core_dms_that_refuses_is_explained: failures::denied(),
    a_missing_image_is_explained: failures::missing_image(),
    too_little_memory_is_explained: failures::too_little_memory(),
    no_docker_is_explained: failures::no_docker(),
}
