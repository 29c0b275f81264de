//! metastore crate.
