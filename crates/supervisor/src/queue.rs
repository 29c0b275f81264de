//! Whose turn it is: among clients the one with the fewest runs under way, within a client the oldest run.

use std::collections::{BTreeMap, VecDeque};

use domain::ids::ClientId;
use domain::run::Run;
use domain::store::Versioned;

/// The queued runs in the order in which they may ask for a slot.
pub(crate) struct Turns {
    clients: BTreeMap<ClientId, Line>,
}

#[derive(Default)]
struct Line {
    under_way: usize,
    waiting: VecDeque<Versioned<Run>>,
}

impl Turns {
    /// Over runs that are queued and wanted, and the clients of those under way.
    pub(crate) fn new<'a>(
        mut queued: Vec<Versioned<Run>>,
        under_way: impl Iterator<Item = &'a ClientId>,
    ) -> Self {
        let mut clients: BTreeMap<ClientId, Line> = BTreeMap::new();
        // ids sort by the time of their making
        queued.sort_by(|a, b| a.value.id.cmp(&b.value.id));
        for run in queued {
            clients
                .entry(run.value.client.clone())
                .or_default()
                .waiting
                .push_back(run);
        }
        for client in under_way {
            if let Some(line) = clients.get_mut(client) {
                line.under_way += 1;
            }
        }
        Self { clients }
    }

    /// The next run to ask.
    pub(crate) fn next(&mut self) -> Option<Versioned<Run>> {
        let asking = self
            .clients
            .values_mut()
            .filter(|line| !line.waiting.is_empty());
        let line = asking.min_by_key(|line| {
            (
                line.under_way,
                line.waiting.front().map(|run| run.value.id.clone()),
            )
        })?;
        line.waiting.pop_front()
    }

    /// A run of this client was admitted.
    pub(crate) fn admitted(&mut self, client: &ClientId) {
        if let Some(line) = self.clients.get_mut(client) {
            line.under_way += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::audit::Actor;
    use domain::ids::JobRef;
    use domain::run::NewRun;
    use domain::spec::EngineKind;

    fn queued(client: &str, number: u8) -> Versioned<Run> {
        let job = JobRef {
            client: client.parse().unwrap(),
            job: format!("job-{number}").parse().unwrap(),
        };
        let id = format!("01{}", char::from(b'a' + number).to_string().repeat(24))
            .parse()
            .unwrap();
        let new = NewRun {
            id,
            job,
            revision: 1,
            spec_digest: String::new(),
            engine: EngineKind::Native,
            started_by: Actor::Platform,
        };
        Versioned {
            value: Run::queued(new, 0),
            version: 1,
        }
    }

    fn order(queued: Vec<Versioned<Run>>, under_way: &[ClientId]) -> Vec<String> {
        let mut turns = Turns::new(queued, under_way.iter());
        std::iter::from_fn(|| {
            let run = turns.next()?.value;
            turns.admitted(&run.client);
            Some(format!("{}/{}", run.client, run.job))
        })
        .collect()
    }

    #[test]
    fn a_client_with_many_runs_does_not_hold_up_one_with_few() {
        let runs = || {
            vec![
                queued("acme", 2),
                queued("acme", 0),
                queued("acme", 1),
                queued("demo", 3),
            ]
        };
        assert_eq!(
            order(runs(), &[]),
            ["acme/job-0", "demo/job-3", "acme/job-1", "acme/job-2"]
        );
        let acme = "acme".parse::<ClientId>().unwrap();
        assert_eq!(order(runs(), &[acme.clone(), acme])[0], "demo/job-3");
    }
}
