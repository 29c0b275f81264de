//! The API's contract: what goes over the wire, the problem documents and their codes, and a typed client.
//!
//! The manager serves these types, the command line reads them; both use this crate, so they cannot differ. Schemas come
//! of the same types (JSON Schema 2020-12, which is what OpenAPI 3.1 speaks).

pub mod client;
pub mod code;
pub mod dto;
pub mod problem;

pub use client::{Client, ClientError, ClientOptions, SpecText};
pub use code::Code;
pub use dto::*;
pub use problem::Problem;
