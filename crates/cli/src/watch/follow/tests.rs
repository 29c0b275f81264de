use super::*;

use std::cell::RefCell;
use std::collections::VecDeque;

use api::{Code, Problem};
use futures::stream;

use crate::output::run::tests::run as made;
use serde_json::json;

/// What a scripted manager does next.
#[allow(clippy::large_enum_variant)] // a handful of steps, in tests only
enum Step {
    /// Answers the question for events with these, then breaks off.
    Events(Vec<RunEvent>),
    /// Does not take the question for events.
    NoEvents(ClientError),
    /// Answers the question for the run.
    Run(RunInfo),
    /// Does not.
    NoRun(ClientError),
}

#[derive(Default)]
struct Script {
    steps: RefCell<VecDeque<Step>>,
    pauses: RefCell<Vec<Duration>>,
}

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: RefCell::new(steps.into_iter().collect()),
            ..Self::default()
        }
    }

    fn next(&self) -> Step {
        self.steps
            .borrow_mut()
            .pop_front()
            .unwrap_or_else(|| Step::NoRun(gone()))
    }
}

impl Source for Script {
    async fn events(
        &self,
    ) -> Result<BoxStream<'static, Result<RunEvent, ClientError>>, ClientError> {
        match self.steps.borrow_mut().pop_front() {
            Some(Step::Events(events)) => {
                let events = events.into_iter().map(Ok).chain([Err(gone())]);
                Ok(stream::iter(events.collect::<Vec<_>>()).boxed())
            }
            Some(Step::NoEvents(error)) => Err(error),
            Some(Step::Run(_) | Step::NoRun(_)) => {
                panic!("the script expects a question for the run")
            }
            None => Err(gone()),
        }
    }

    async fn run(&self) -> Result<RunInfo, ClientError> {
        match self.next() {
            Step::Run(run) => Ok(run),
            Step::NoRun(error) => Err(error),
            Step::Events(_) | Step::NoEvents(_) => {
                panic!("the script expects a question for events")
            }
        }
    }

    async fn pause(&self, delay: Duration) {
        self.pauses.borrow_mut().push(delay);
    }
}

fn gone() -> ClientError {
    ClientError::Unreachable {
        url: "http://x".into(),
        reason: "connection refused".into(),
    }
}

fn problem(code: Code) -> ClientError {
    ClientError::Problem(Box::new(Problem::new(code, "x")))
}

fn event(run: RunInfo) -> RunEvent {
    RunEvent::Run(Box::new(run))
}

fn reading(read: u64) -> RunInfo {
    let mut run = made(json!({}));
    run.ledger.read = read;
    run
}

fn done() -> RunInfo {
    made(json!({ "state": "completed", "ended": true }))
}

/// Follows a script; how it ended, and the records read as they were shown.
async fn followed(script: &Script) -> (Ended, Vec<u64>) {
    let mut shown = Vec::new();
    let ended = follow(script, |run| shown.push(run.ledger.read)).await;
    (ended, shown)
}

#[tokio::test]
async fn events_lead_to_the_end() {
    let script = Script::new([Step::Events(vec![
        event(reading(1)),
        event(reading(2)),
        event(done()),
    ])]);
    let (ended, shown) = followed(&script).await;
    assert!(matches!(ended, Ended::Run(run) if run.ended));
    assert_eq!(shown, [1, 2, 27_004]);
    assert!(script.pauses.borrow().is_empty());
}

#[tokio::test]
async fn a_broken_stream_is_made_up_for_by_asking_and_taken_up_again() {
    let script = Script::new([
        Step::Events(vec![event(reading(1))]),
        Step::Run(reading(2)),
        Step::NoEvents(ClientError::NotUnderstood {
            url: "x".into(),
            status: 502,
            reason: "proxy".into(),
        }),
        Step::Run(reading(3)),
        Step::Events(vec![event(reading(4)), event(done())]),
    ]);
    let (ended, shown) = followed(&script).await;
    assert!(matches!(ended, Ended::Run(_)));
    assert_eq!(shown, [1, 2, 3, 4, 27_004]);
    assert_eq!(*script.pauses.borrow(), [POLL, POLL]);
}

#[tokio::test]
async fn a_manager_that_is_started_anew_is_waited_for() {
    let script = Script::new([
        Step::Events(vec![event(reading(1))]),
        Step::NoRun(gone()),
        Step::NoEvents(gone()),
        Step::NoRun(gone()),
        Step::NoEvents(problem(Code::NotReady)),
        Step::NoRun(problem(Code::NotReady)),
        Step::Events(vec![event(done())]),
    ]);
    let (ended, _) = followed(&script).await;
    assert!(matches!(ended, Ended::Run(_)));
    let millis: Vec<u128> = script
        .pauses
        .borrow()
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(millis, [250, 500, 1000]);
}

#[tokio::test]
async fn nobody_is_waited_for_without_end() {
    let script = Script::default();
    let (ended, shown) = followed(&script).await;
    assert!(matches!(ended, Ended::Lost(_)) && shown.is_empty());
    let waited: Duration = script.pauses.borrow().iter().sum();
    assert!((110..130).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test]
async fn an_answer_that_will_not_become_different_ends_it_at_once() {
    let script = Script::new([
        Step::NoEvents(problem(Code::RunNotFound)),
        Step::NoRun(problem(Code::RunNotFound)),
    ]);
    let (ended, _) = followed(&script).await;
    assert!(matches!(ended, Ended::Refused(error) if error.is(Code::RunNotFound)));
}
