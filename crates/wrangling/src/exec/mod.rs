//! Carries out compiled programs.

mod body;
pub(crate) mod condition;
mod counts;
mod event;
mod run;
mod strands;

pub(crate) use body::{Body, Provenance};
pub use counts::FilterCounts;
pub(crate) use counts::counts;
pub(crate) use event::{Event, FieldPath, SetError};
pub(crate) use run::{
    BranchNode, Context, FilterNode, Flow, IfNode, Node, Refusal, Run, run_nodes,
};
pub(crate) use strands::{Strand, run_strands};
