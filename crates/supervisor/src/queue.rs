//! Whose turn it is: weighted round robin among the clients, within a client the oldest run.
//!
//! Each client has a pass, which grows with each of its starts by a step; the one with the lowest pass is next. A client
//! with weight 2 has half the step of one with weight 1, and so twice the starts. A client that comes, or comes back,
//! begins where the others are: nobody saves turns up, and nobody who waits is passed over for ever.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;

use domain::ids::ClientId;
use domain::run::Run;
use domain::store::Versioned;

/// The step of a client with weight 1.
const STEP: u64 = 1 << 32;

/// How far the clients have come; kept from one round to the next.
#[derive(Debug, Default)]
pub(crate) struct Passes {
    /// The pass of the client that was last served.
    now: u64,
    /// Those that are ahead of it.
    ahead: BTreeMap<ClientId, u64>,
}

impl Passes {
    fn of(&self, client: &ClientId) -> u64 {
        self.ahead.get(client).copied().unwrap_or(self.now)
    }

    fn served(&mut self, client: &ClientId, weight: NonZeroU32) {
        self.now = self.of(client);
        let pass = self.now.saturating_add(STEP / u64::from(weight.get()));
        self.ahead.insert(client.clone(), pass);
        let now = self.now;
        self.ahead.retain(|_, pass| *pass > now);
    }
}

/// The queued runs in the order in which they may ask for a slot.
pub(crate) struct Turns {
    passes: Passes,
    clients: BTreeMap<ClientId, Line>,
}

struct Line {
    weight: NonZeroU32,
    under_way: usize,
    waiting: VecDeque<Versioned<Run>>,
}

impl Turns {
    /// Over runs that are queued and wanted, the clients of those under way, and what weight a client has.
    pub(crate) fn new<'a>(
        passes: Passes,
        mut queued: Vec<Versioned<Run>>,
        under_way: impl Iterator<Item = &'a ClientId>,
        weight: impl Fn(&ClientId) -> NonZeroU32,
    ) -> Self {
        let mut clients: BTreeMap<ClientId, Line> = BTreeMap::new();
        // ids sort by the time of their making
        queued.sort_by(|a, b| a.value.id.cmp(&b.value.id));
        for run in queued {
            let line = clients
                .entry(run.value.client.clone())
                .or_insert_with_key(|client| Line {
                    weight: weight(client),
                    under_way: 0,
                    waiting: VecDeque::new(),
                });
            line.waiting.push_back(run);
        }
        for client in under_way {
            if let Some(line) = clients.get_mut(client) {
                line.under_way += 1;
            }
        }
        Self { passes, clients }
    }

    /// The next run to ask. Among clients that have come equally far, the one with the fewest runs under way for its weight.
    pub(crate) fn next(&mut self) -> Option<Versioned<Run>> {
        let passes = &self.passes;
        let asking = self
            .clients
            .iter_mut()
            .filter(|(_, line)| !line.waiting.is_empty());
        let (_, line) = asking.min_by_key(|(client, line)| {
            let load = line.under_way as u64 * (STEP / u64::from(line.weight.get()));
            let oldest = line.waiting.front().map(|run| run.value.id.clone());
            (passes.of(client), load, oldest)
        })?;
        line.waiting.pop_front()
    }

    /// The runs of this client that have not asked: they need not, as they would be told the same.
    pub(crate) fn sent_away(&mut self, client: &ClientId) -> VecDeque<Versioned<Run>> {
        let line = self.clients.get_mut(client);
        line.map(|line| std::mem::take(&mut line.waiting))
            .unwrap_or_default()
    }

    /// How many runs of this client are under way.
    pub(crate) fn under_way(&self, client: &ClientId) -> usize {
        self.clients.get(client).map_or(0, |line| line.under_way)
    }

    /// A run of this client was admitted.
    pub(crate) fn admitted(&mut self, client: &ClientId) {
        if let Some(line) = self.clients.get_mut(client) {
            line.under_way += 1;
            self.passes.served(client, line.weight);
        }
    }

    /// How far the clients have come by now.
    pub(crate) fn into_passes(self) -> Passes {
        self.passes
    }
}

#[cfg(test)]
mod tests;
