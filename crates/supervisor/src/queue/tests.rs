use super::*;
use domain::audit::Actor;
use domain::ids::JobRef;
use domain::run::NewRun;
use domain::spec::EngineKind;
use proptest::prelude::*;

fn queued(client: &str, number: u32) -> Versioned<Run> {
    let job = JobRef {
        client: client.parse().unwrap(),
        job: format!("job-{number}").parse().unwrap(),
    };
    let new = NewRun {
        id: format!("01{number:024}").parse().unwrap(),
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

fn weight(weight: u32) -> NonZeroU32 {
    NonZeroU32::new(weight).unwrap()
}

fn order(queued: Vec<Versioned<Run>>, under_way: &[ClientId]) -> Vec<String> {
    let mut turns = Turns::new(Passes::default(), queued, under_way.iter(), |_| weight(1));
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

#[test]
fn a_client_that_was_away_has_saved_nothing_up() {
    let mut passes = Passes::default();
    for number in 0..100 {
        let mut turns = Turns::new(passes, vec![queued("acme", number)], [].iter(), |_| {
            weight(1)
        });
        assert!(turns.next().is_some());
        turns.admitted(&"acme".parse().unwrap());
        passes = turns.into_passes();
    }
    let both = (0..6).flat_map(|n| [queued("acme", 200 + n), queued("demo", 100 + n)]);
    let mut turns = Turns::new(passes, both.collect(), [].iter(), |_| weight(1));
    let first: Vec<_> = std::iter::from_fn(|| {
        let client = turns.next()?.value.client;
        turns.admitted(&client);
        Some(client.to_string())
    })
    .take(6)
    .collect();
    let of_acme = first.iter().filter(|client| *client == "acme").count();
    assert!((2..=4).contains(&of_acme), "{first:?}");
}

proptest! {
    /// One place on the host, everybody always has a run waiting: starts are shared by weight, and nobody waits for longer
    /// than one round of everybody's weight.
    #[test]
    fn starts_are_shared_by_weight_and_nobody_starves(weights in prop::collection::vec(1u32..8, 1..6), starts in 1usize..200) {
        let names: Vec<String> = (0..weights.len()).map(|i| format!("client-{i}")).collect();
        let of = |client: &ClientId| {
            let at = names.iter().position(|name| name == client.as_str()).unwrap();
            weight(weights[at])
        };
        let (mut passes, mut served) = (Passes::default(), vec![0u64; weights.len()]);
        let (mut next, mut waited) = (0u32, vec![0u64; weights.len()]);
        // each client's oldest run
        let mut front: Vec<u32> = names.iter().map(|_| { next += 1; next }).collect();
        let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
        for start in 1..=starts {
            let queued = names.iter().zip(&front).map(|(name, number)| queued(name, *number)).collect();
            let mut turns = Turns::new(passes, queued, [].iter(), of);
            let run = turns.next().unwrap().value;
            turns.admitted(&run.client);
            passes = turns.into_passes();
            let at = names.iter().position(|name| name == run.client.as_str()).unwrap();
            prop_assert_eq!(run.job.to_string(), format!("job-{}", front[at]), "the oldest first");
            next += 1;
            front[at] = next;
            served[at] += 1;
            for (i, waited) in waited.iter_mut().enumerate() {
                *waited = if i == at { 0 } else { *waited + 1 };
                prop_assert!(*waited <= 2 * total, "client {i} has waited for {waited} starts");
            }
            for (i, served) in served.iter().enumerate() {
                let fair = start as f64 * f64::from(weights[i]) / total as f64;
                let off = (*served as f64 - fair).abs();
                prop_assert!(off <= weights.len() as f64 + 1.0, "client {i}: {served} of {start}, fair {fair}");
            }
        }
    }
}
