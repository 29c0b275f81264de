//! manager crate.
