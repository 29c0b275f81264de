//! supervisor crate.
