//! The server side of the Beats protocol (Lumberjack, versions 1 and 2): what Filebeat's `output.logstash` talks to.
//!
//! A beat sends its events in **windows** and keeps them until they are acknowledged. A [`Listener`] hands every whole
//! window to its consumer, who says through the window's [`Acknowledger`] how many of its events are durable; only that
//! is ever told to the beat. A window that is dropped unacknowledged closes its connection, and the beat sends again:
//! every event arrives at least once.
//!
//! ```text
//! socket ─▶ frame::Parser ─▶ batch::Assembler ─▶ Listener::next ─▶ consumer
//!        ◀──────────── acks, in order, and keep-alives ◀── Acknowledger
//! ```
//!
//! Backpressure is the bound of every step: a connection reads no further while [`WINDOWS_IN_FLIGHT`] of its windows
//! are not acknowledged. Meanwhile keep-alives tell the beat to wait.

mod batch;
mod config;
mod connection;
mod error;
pub mod frame;
mod listener;
mod tls;
mod window;

pub use config::{ClientAuthentication, Config, Limits, Tls};
pub use connection::WINDOWS_IN_FLIGHT;
pub use error::{BindError, ProtocolError};
pub use listener::Listener;
pub use window::{Acknowledger, Event, Window};
