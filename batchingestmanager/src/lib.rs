//! What only batch has: the staging area where clients put their files ([`LocalStaging`]), and the intake that claims
//! them for a run and puts them away after it ([`BatchIntake`]).
//!
//! Clients may reach their staging directories by other ways than ours (a shared disk, SFTP), so nothing in them is
//! trusted: every step goes through an open folder ([`folder`]), never through a path that somebody could redirect.

mod failure;
mod folder;
mod intake;
mod mode;
mod staging;

pub use intake::{BatchIntake, claim_by_hand};
pub use mode::BatchMode;
pub use staging::LocalStaging;
