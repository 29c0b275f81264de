//! wrangling crate.
