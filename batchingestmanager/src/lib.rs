//! batchingestmanager crate.
