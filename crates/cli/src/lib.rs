//! The command line `ingest`: the platform itself (`ingest up`), and every call of its API for people and for programs.
//!
//! Arguments are parsed into [`args`], the manager is found by [`connect`], [`commands`] call it through `api`'s typed
//! client, and [`output`] renders what came: pure functions from values to text.

pub mod args;
pub mod commands;
pub mod connect;
pub mod error;
pub mod exit;
pub mod names;
mod offline;
pub mod output;
pub mod serve;
mod spec_file;
mod watch;
