//! Makes runs happen: the reconcile loop, the job monitor, the proof, the report.
//!
//! One task a run, in a group that restarts what panics. A task does the activity of the state that its run is in
//! ([`domain::run::Activity`]), stores what follows from the event ([`domain::run::next`]), and goes on. The state is
//! stored before its effects and every effect is idempotent; so a manager that comes back after a kill -9 does the same
//! as one that was never away. Runs that wait for their turn have no task: a periodic scan of the store, which callers
//! may hasten by [`Supervisor::poke`], admits them.
//!
//! What is not here: HTTP, and any knowledge of an engine, a mode, or the core DMS beyond [`domain::ports`].

mod context;
mod documents;
mod events;
mod folder;
mod health;
mod monitor;
mod queue;
pub mod rejects;
mod relying;
pub mod report;
mod retention;
pub mod series;
mod settings;
mod shared;
mod slots;
mod supervisor;
mod task;
mod trigger;

pub use events::RunEvent;
pub use folder::remove_folder;
pub use settings::Settings;
pub use shared::{Clock, Parts};
pub use supervisor::{Ended, Supervisor};
