//! What goes wrong, and when.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// What happens to one exchange: a request and its answer, or a whole connection where the proxy knows no protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Pass,
    /// It waits for so long, then passes.
    Delay(Duration),
    /// Only so many bytes of the request get through; then the line is cut.
    CutRequest(usize),
    /// The request gets through, but only so many bytes of the answer come back; then the line is cut.
    CutAnswer(usize),
    /// HTTP: the proxy itself answers with this status, and the request does not get through.
    /// Other protocols: the connection is closed at once.
    Status(u16),
}

impl Fault {
    /// The request gets through and is carried out; its answer is lost.
    pub const LOSE_ANSWER: Self = Self::CutAnswer(0);
}

/// What a schedule may decide by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Its number since the proxy started, from 1.
    pub number: u64,
    /// The method of an HTTP request, else empty.
    pub method: String,
    /// The path and query of an HTTP request, else empty.
    pub target: String,
}

/// Decides the fault of each exchange, in the order in which they arrive.
pub type Schedule = Box<dyn FnMut(&Exchange) -> Fault + Send>;

/// No faults.
pub fn none() -> Schedule {
    Box::new(|_| Fault::Pass)
}

/// `fault` for every `n`-th exchange that the schedule is asked about.
///
/// # Panics
/// When `n` is 0.
pub fn every(n: u64, fault: Fault) -> Schedule {
    assert!(n > 0, "every 0th exchange does not exist");
    let mut asked = 0;
    Box::new(move |_| {
        asked += 1;
        if u64::is_multiple_of(asked, n) {
            fault
        } else {
            Fault::Pass
        }
    })
}

/// `faults` for the first exchanges that the schedule is asked about, one each; then no more.
pub fn first(faults: impl IntoIterator<Item = Fault>) -> Schedule {
    let mut faults = faults.into_iter().collect::<Vec<_>>().into_iter();
    Box::new(move |_| faults.next().unwrap_or(Fault::Pass))
}

/// One of `faults`, each as likely, for `percent` of the exchanges; the same for the same `seed` and order.
///
/// # Panics
/// When `faults` is empty or `percent` is over 100.
pub fn seeded(seed: u64, percent: u32, faults: impl Into<Vec<Fault>>) -> Schedule {
    let faults = faults.into();
    assert!(
        !faults.is_empty() && percent <= 100,
        "nothing to choose from"
    );
    let mut chance = StdRng::seed_from_u64(seed);
    Box::new(move |_| {
        let (hit, which) = (
            chance.random_range(0..100) < percent,
            chance.random_range(0..faults.len()),
        );
        if hit { faults[which] } else { Fault::Pass }
    })
}

/// Asks `schedule` only about HTTP requests whose path ends with `path` (before the query); the others pass.
pub fn on(path: impl Into<String>, mut schedule: Schedule) -> Schedule {
    let path = path.into();
    Box::new(move |exchange| {
        let target = exchange.target.split('?').next().unwrap_or_default();
        if target.ends_with(&path) {
            schedule(exchange)
        } else {
            Fault::Pass
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(mut schedule: Schedule, targets: &[&str]) -> Vec<Fault> {
        let exchange = |(number, target): (u64, &&str)| Exchange {
            number,
            method: "POST".into(),
            target: (*target).into(),
        };
        (1..)
            .zip(targets)
            .map(|it| schedule(&exchange(it)))
            .collect()
    }

    #[test]
    fn schedules_count_what_they_are_asked_about() {
        use Fault::{Pass, Status};
        const LOST: Fault = Fault::LOSE_ANSWER;
        let targets = ["/_bulk", "/", "/i/_bulk?x=/y", "/_bulk", "/_bulk"];
        let third = on("/_bulk", every(3, Status(429)));
        assert_eq!(
            decide(third, &targets),
            [Pass, Pass, Pass, Status(429), Pass]
        );
        let lost = first([LOST, Pass, LOST]);
        assert_eq!(decide(lost, &targets), [LOST, Pass, LOST, Pass, Pass]);
        assert_eq!(decide(none(), &targets), [Pass; 5]);
    }

    #[test]
    fn a_seed_repeats_its_faults() {
        let (targets, faults) = ([""; 400], [Fault::Status(503), Fault::LOSE_ANSWER]);
        let run = |seed| decide(seeded(seed, 25, faults), &targets);
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!(faults.iter().all(|fault| run(7).contains(fault)));
        assert_eq!(decide(seeded(7, 0, faults), &targets), [Fault::Pass; 400]);
    }
}
