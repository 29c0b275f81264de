//! engine-native crate.
