//! Staged files on a real disk: listed, uploaded, claimed, put away.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod claim;
mod home;
mod hostile;
mod listing;
mod settle;
mod takeback;
mod upload;
