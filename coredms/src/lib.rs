//! coredms crate.
