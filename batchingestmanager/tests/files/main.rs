//! Staged files on a real disk: listed, uploaded, claimed, put away.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod archives;
mod claim;
mod deliveries;
mod home;
mod hostile;
mod listing;
mod resume;
mod sample;
mod settle;
mod takeback;
mod upload;
