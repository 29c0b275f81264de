//! The suite on MongoDB, and what only MongoDB has.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[macro_use]
#[path = "../suite/mod.rs"]
mod suite;

mod backend;
mod faults;
mod proxy;

suite!(backend::Mongo);
