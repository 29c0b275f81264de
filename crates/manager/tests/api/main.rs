//! The REST interface of a whole manager, with a SQLite store in a fresh home and stand-ins for engine and core DMS.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may panic; the lint sees tests only"
)]

mod support;

mod access;
mod clients;
mod documents;
mod jobs;
mod malformed;
mod preview;
mod runs;
mod staging;
mod start;
