//! The interpreter of compiled nodes.

use std::cell::Cell;
use std::time::Instant;

use bumpalo::collections::Vec as BumpVec;

use super::condition::Condition;
use super::counts::FilterCounts;
use super::event::Event;
use crate::filters::{Applied, Common, FilterKind, Multiplier};
use crate::platform::{DocumentNode, SchemaNode};
use crate::template::Template;

/// What a node may use besides the event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) clock_ms: i64,
    pub(crate) file_key: &'a str,
    pub(crate) position: u64,
    /// Number of the source that the event is from.
    pub(crate) source: u32,
    /// Where counted filters count, by their numbers.
    pub(crate) counts: &'a [Cell<FilterCounts>],
}

/// A compiled statement.
#[derive(Debug)]
pub(crate) enum Node {
    Filter(Box<FilterNode>),
    /// A filter that makes more events of one.
    Multiply(Box<Multiplier>),
    /// A filter whose events are counted under this number.
    Counted(usize, Box<Node>),
    If(IfNode),
    /// The tags that failed filters leave.
    RejectFailures(Vec<Box<str>>),
    DefaultTimestamp,
    Schema(SchemaNode),
    /// The run's part of the provenance object.
    Provenance(Box<[u8]>),
    Document(DocumentNode),
    /// Nodes for the events of one source.
    Source(u32, Vec<Node>),
    /// An outlet and the texts that it wants.
    Deliver(u32, Vec<Template>),
}

/// A filter with the options that all filters have.
#[derive(Debug)]
pub(crate) struct FilterNode {
    /// Its name for rejects.
    pub(crate) step: Box<str>,
    pub(crate) kind: FilterKind,
    pub(crate) common: Common,
    /// Tags added when it fails.
    pub(crate) failure_tags: Vec<Box<str>>,
}

/// A conditional.
#[derive(Debug)]
pub(crate) struct IfNode {
    pub(crate) branches: Vec<BranchNode>,
    pub(crate) otherwise: Vec<Node>,
}

/// One branch of a conditional.
#[derive(Debug)]
pub(crate) struct BranchNode {
    pub(crate) condition: Condition,
    /// Its name for rejects.
    pub(crate) step: Box<str>,
    pub(crate) body: Vec<Node>,
}

/// What comes after a node.
#[derive(Debug)]
pub(crate) enum Flow<'a> {
    Next,
    Drop,
    Reject(Refusal<'a>),
}

/// A reject in the making.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<'a> {
    pub(crate) code: &'static str,
    pub(crate) step: &'a str,
    pub(crate) field: &'a str,
    pub(crate) message: &'a str,
}

/// What the platform's statements found out about the record.
#[derive(Debug, Default)]
pub(crate) struct Run<'a> {
    pub(crate) index: &'a str,
    pub(crate) id: Option<&'a str>,
    pub(crate) provenance: Option<&'a [u8]>,
    /// Outlets that get the event, with the texts they want.
    pub(crate) deliveries: Vec<(u32, &'a [&'a str])>,
}

/// Carries out nodes in order until one ends the record.
pub(crate) fn run_nodes<'a>(
    nodes: &'a [Node],
    event: &mut Event<'a>,
    run: &mut Run<'a>,
    context: Context<'_>,
) -> Flow<'a> {
    for node in nodes {
        let flow = run_node(node, event, run, context);
        if !matches!(flow, Flow::Next) {
            return flow;
        }
    }
    Flow::Next
}

#[inline]
pub(super) fn run_node<'a>(
    node: &'a Node,
    event: &mut Event<'a>,
    run: &mut Run<'a>,
    context: Context<'_>,
) -> Flow<'a> {
    match node {
        Node::Filter(filter) => filter.run(event, context),
        Node::Counted(number, filter) => {
            let began = Instant::now();
            let flow = run_node(filter, event, run, context);
            let passed = u64::from(matches!(flow, Flow::Next));
            context.count(*number, 1, passed, began.elapsed());
            flow
        }
        Node::If(conditional) => conditional.run(event, run, context),
        Node::RejectFailures(tags) => crate::platform::reject_failures(tags, event),
        Node::DefaultTimestamp => {
            crate::platform::default_timestamp(event, context.clock_ms);
            Flow::Next
        }
        Node::Schema(schema) => schema.run(event, context),
        Node::Provenance(prefix) => crate::platform::provenance(prefix, event, run),
        Node::Document(document) => document.run(event, run),
        Node::Source(number, nodes) if *number == context.source => {
            run_nodes(nodes, event, run, context)
        }
        Node::Source(..) => Flow::Next,
        Node::Deliver(outlet, texts) => deliver(*outlet, texts, event, run),
        // programs with such filters go through `run_strands`
        Node::Multiply(_) => Flow::Next,
    }
}

/// Notes that an outlet gets the event. Outlets do not change events, so that it is enough to deliver at the end.
fn deliver<'a>(
    outlet: u32,
    texts: &'a [Template],
    event: &Event<'a>,
    run: &mut Run<'a>,
) -> Flow<'a> {
    let mut rendered = BumpVec::with_capacity_in(texts.len(), event.bump);
    for text in texts {
        match text.render(event) {
            Ok(text) => rendered.push(text),
            Err(error) => {
                let message = event.bump.alloc_str(&error.to_string());
                return Flow::Reject(Refusal {
                    code: "invalid_field",
                    step: "output",
                    field: "",
                    message,
                });
            }
        }
    }
    run.deliveries.push((outlet, rendered.into_bump_slice()));
    Flow::Next
}

impl FilterNode {
    #[inline]
    fn run<'a>(&'a self, event: &mut Event<'a>, context: Context<'_>) -> Flow<'a> {
        let applied = match self.kind.apply(event, context) {
            Applied::Matched => self.common.apply(event),
            other => other,
        };
        match applied {
            Applied::Matched | Applied::Skipped => Flow::Next,
            Applied::Dropped => Flow::Drop,
            Applied::Tagged { message } => {
                event.fail(&self.step, "", message);
                Flow::Next
            }
            Applied::Failed { field, message } => {
                for tag in &self.failure_tags {
                    event.tag(tag);
                }
                event.fail(&self.step, field, message);
                Flow::Next
            }
        }
    }
}

impl IfNode {
    fn run<'a>(
        &'a self,
        event: &mut Event<'a>,
        run: &mut Run<'a>,
        context: Context<'_>,
    ) -> Flow<'a> {
        for branch in &self.branches {
            match branch.holds(event) {
                Ok(true) => return run_nodes(&branch.body, event, run, context),
                Ok(false) => {}
                Err(refusal) => return Flow::Reject(refusal),
            }
        }
        run_nodes(&self.otherwise, event, run, context)
    }
}

impl BranchNode {
    #[inline]
    pub(super) fn holds<'a>(&'a self, event: &Event<'a>) -> Result<bool, Refusal<'a>> {
        self.condition.holds(event).map_err(|error| Refusal {
            code: "condition_error",
            step: &self.step,
            field: event.bump.alloc_str(&error.field),
            message: event.bump.alloc_str(&error.message),
        })
    }
}
