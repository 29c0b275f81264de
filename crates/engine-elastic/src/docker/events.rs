//! Hints that it is worth looking at a run.

use std::collections::HashMap;

use bollard::query_parameters::EventsOptions;
use domain::ids::RunId;
use futures::{Stream, StreamExt};

use super::Docker;
use crate::plan::label;

impl Docker {
    /// Runs of this installation of which a container has just started, ended, run out of memory, or changed its health.
    /// Only a hint: it ends when Docker hangs up, and says nothing of what happened while nobody listened.
    pub fn hints(&self, platform: &str) -> impl Stream<Item = RunId> + use<> {
        let texts = |values: &[&str]| values.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        let filters = HashMap::from([
            ("type".to_owned(), texts(&["container"])),
            (
                "event".to_owned(),
                texts(&["start", "die", "oom", "health_status"]),
            ),
            (
                "label".to_owned(),
                vec![format!("{}={platform}", label::PLATFORM)],
            ),
        ]);
        let options = EventsOptions {
            filters: Some(filters),
            ..Default::default()
        };
        self.client
            .events(Some(options))
            .take_while(|event| std::future::ready(event.is_ok()))
            .filter_map(|event| async {
                let attributes = event.ok()?.actor?.attributes?;
                attributes.get(label::RUN)?.parse().ok()
            })
    }
}
