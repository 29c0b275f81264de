//! Carries out compiled programs.

mod body;
pub(crate) mod condition;
mod event;
mod run;

pub(crate) use body::{Body, Provenance};
pub(crate) use event::{Event, FieldPath, SetError};
pub(crate) use run::{Context, FilterNode, Flow, IfNode, Node, Refusal, Run, run_nodes};
