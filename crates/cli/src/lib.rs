//! cli crate.
