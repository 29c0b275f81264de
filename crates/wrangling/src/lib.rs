//! The pipeline language and its compiled execution: pure, without input, output or a clock of its own (that counted
//! filters are timed changes no event). Only the files that
//! filters name are read while a program is compiled, from where [`Resources`] says.
//!
//! * [`ast`]: what a job's wrangling means; [`steps`] and [`logstash`] are notations for it.
//! * [`schema`]: the types of a job's documents.
//! * [`Compiled`]: a program made ready to run, shared by threads; each thread brings its own [`Scratch`].
//!
//! ```
//! use wrangling::{Compiled, Document, Environment, Output, Payload, Record, Reject, ast::Program, steps};
//!
//! struct Lines(Vec<u8>);
//! impl Output for Lines {
//!     fn document(&mut self, document: &Document<'_>) {
//!         document.encode(&mut self.0);
//!         self.0.push(b'\n');
//!     }
//!     fn reject(&mut self, _: &Reject<'_>) {}
//! }
//!
//! let spec = serde_json::json!([{"mutate": {"convert": {"n": "integer"}, "remove_field": ["@timestamp"]}}]);
//! let program = Program { body: steps::parse(&spec).map_err(|violations| format!("{violations:?}"))? };
//! let compiled = Compiled::compile(&program, &Environment::default()).map_err(|violations| format!("{violations:?}"))?;
//! let columns = compiled.bind_columns(&["n".to_owned()]).map_err(|violations| format!("{violations:?}"))?;
//! let (mut scratch, mut lines) = (compiled.scratch(), Lines(Vec::new()));
//! let payload = Payload::Row { columns: &columns, values: &["7"], raw: "7" };
//! compiled.run(&Record { payload, position: 0, file_key: "0123456789abcdef01234567" }, &mut scratch, &mut lines);
//! assert_eq!(lines.0, b"{\"n\":7}\n");
//! # Ok::<(), String>(())
//! ```

pub mod ast;
mod catalog;
mod charset;
pub mod codec;
mod compile;
mod compiled;
mod condition;
mod date;
mod environment;
mod exec;
mod field;
pub mod field_ref;
mod filters;
mod inspect;
mod json;
mod layout;
pub mod logstash;
mod matcher;
mod number;
mod options;
mod platform;
mod record;
mod regexes;
mod resources;
pub mod schema;
pub mod steps;
mod template;
mod value;
mod variables;
pub mod violation;

pub use catalog::is_own_filter;
pub use compile::check_pipeline;
pub use compiled::{Compiled, Scratch};
pub use date::reads_dates;
pub use environment::{EcsCompatibility, Environment};
pub use exec::FilterCounts;
pub use field::Field;
pub use layout::Columns;
pub use record::{Delivery, Document, Output, Payload, Record, Reject, write_json_str};
pub use resources::Resources;
pub use violation::Violation;
