//! Programs in which one record may become several events: statements are carried out one by one for all of them, as
//! Logstash does with a batch of one event, so that documents come out in its order.

use std::slice;
use std::time::Instant;

use super::event::Event;
use super::run::{Context, Flow, IfNode, Node, Refusal, Run, run_node};

/// One of the events that a record became.
#[derive(Debug)]
pub(crate) struct Strand<'a> {
    pub(crate) event: Event<'a>,
    pub(crate) run: Run<'a>,
    /// Set when it is rejected; it keeps its place among the others then.
    pub(crate) refusal: Option<Refusal<'a>>,
}

impl<'a> Strand<'a> {
    pub(crate) fn new(event: Event<'a>) -> Self {
        Self {
            event,
            run: Run::default(),
            refusal: None,
        }
    }

    /// Carries out a statement; false if it dropped the event.
    fn step(&mut self, node: &'a Node, context: Context<'_>) -> bool {
        if self.refusal.is_some() {
            return true;
        }
        match run_node(node, &mut self.event, &mut self.run, context) {
            Flow::Next => true,
            Flow::Drop => false,
            Flow::Reject(refusal) => {
                self.refusal = Some(refusal);
                true
            }
        }
    }
}

/// Carries out statements for all events; what is dropped is gone afterwards.
pub(crate) fn run_strands<'a>(
    nodes: &'a [Node],
    mut strands: Vec<Strand<'a>>,
    context: Context<'_>,
) -> Vec<Strand<'a>> {
    for node in nodes {
        strands = match node {
            Node::Multiply(filter) => {
                let mut all = Vec::with_capacity(strands.len());
                for strand in strands {
                    match strand.refusal {
                        Some(_) => all.push(strand),
                        None => all.extend(filter.run(strand.event).into_iter().map(Strand::new)),
                    }
                }
                all
            }
            Node::Counted(number, filter) => {
                let (began, events_in) = (Instant::now(), running(&strands));
                let after = run_strands(slice::from_ref(filter), strands, context);
                context.count(*number, events_in, running(&after), began.elapsed());
                after
            }
            Node::If(conditional) => conditional.run_strands(strands, context),
            single => {
                strands.retain_mut(|strand| strand.step(single, context));
                strands
            }
        };
    }
    strands
}

/// How many events were not rejected.
fn running(strands: &[Strand<'_>]) -> u64 {
    let running = strands.iter().filter(|strand| strand.refusal.is_none());
    running.count() as u64
}

impl IfNode {
    /// The events of each branch go through it together; those of the first branch come out first.
    fn run_strands<'a>(
        &'a self,
        mut waiting: Vec<Strand<'a>>,
        context: Context<'_>,
    ) -> Vec<Strand<'a>> {
        let mut done = Vec::with_capacity(waiting.len());
        for branch in &self.branches {
            let (mut taken, mut left) = (Vec::new(), Vec::new());
            for mut strand in waiting {
                if strand.refusal.is_some() {
                    done.push(strand);
                    continue;
                }
                match branch.holds(&strand.event) {
                    Ok(true) => taken.push(strand),
                    Ok(false) => left.push(strand),
                    Err(refusal) => {
                        strand.refusal = Some(refusal);
                        done.push(strand);
                    }
                }
            }
            done.extend(run_strands(&branch.body, taken, context));
            waiting = left;
        }
        done.extend(run_strands(&self.otherwise, waiting, context));
        done
    }
}
