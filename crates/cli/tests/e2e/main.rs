//! End to end: the real binaries, in homes of their own, asked as a client would ask; every scenario on every
//! configuration.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod commands;
mod constraints;
mod flights;
mod formats;
mod harness;
mod homes;
mod kills;
mod outages;
mod pipelines;
mod previews;
mod steering;
mod stopping;
mod takeback;
mod triggers;

use harness::Configuration;

/// Makes a test of each scenario and each configuration.
macro_rules! suite {
    ($($name:ident = $configuration:expr;)+ => $scenarios:tt) => {
        $(mod $name {
            use super::*;
            suite!(@tests $configuration, $scenarios);
        })+
    };
    (@tests $configuration:expr, { $($test:ident: $scenario:expr,)+ }) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let configuration: Configuration = $configuration;
            if configuration.is_wanted() {
                ($scenario)(configuration).await;
            }
        })+
    };
}

suite! {
    embedded = Configuration::Embedded;
    servers = Configuration::Servers;
    => {
        flights_arrive_whole_and_once: flights::arrive_whole_and_once,
        csv: formats::csv,
        ndjson: formats::ndjson,
        lines: formats::lines,
        json_arrays: formats::json_arrays,
        error_budget: formats::budget,
        operators_provisions: pipelines::provisions,
        remembering_filters: pipelines::remembering,
        know_before_a_run: previews::know_before,
        pause_and_resume: steering::pause_and_resume,
        cancel_and_run_again: steering::cancel_and_run_again,
        cancel_in_the_queue: steering::cancel_in_the_queue,
        undo: takeback::undo,
        replay: takeback::replay,
        plans: constraints::plans,
        arrival_and_schedule: triggers::arrival_and_schedule,
        flood: triggers::flood,
        isolation: constraints::isolation,
        uploads: constraints::uploads,
        specs: constraints::specs,
        core_dms_down_before_the_platform: outages::before_the_platform,
        core_dms_down_at_the_start: outages::at_the_start,
        core_dms_down_in_the_middle: outages::in_the_middle,
        core_dms_down_at_the_end: outages::at_the_end,
        faulty_line: outages::faulty_line,
        foreign_document: outages::foreign_document,
        home_locked: homes::locked,
        home_not_writable: homes::not_writable,
        port_taken: homes::port_taken,
        misconfigured: homes::misconfigured,
        commands_of_a_stranger: commands::as_a_stranger,
        commands_without_a_manager: commands::without_a_manager,
        stopped_and_started: stopping::graceful,
        manager_killed: stopping::manager_killed,
        worker_killed: stopping::worker_killed,
    }
}

// what only one configuration has
suite! {
    only_embedded = Configuration::Embedded;
    => {
        core_dms_killed: outages::core_dms_killed,
        kill_schedules: async |configuration| kills::schedules(configuration, 50).await,
    }
}

suite! {
    only_servers = Configuration::Servers;
    => {
        metadata_store_down: outages::metadata_store_down,
        kill_schedules: async |configuration| kills::schedules(configuration, 6).await,
    }
}
