//! The Elastic engine: what Filebeat and Logstash are given so that they do a job as the native engine does.
//!
//! * [`frame`]: how records come to Filebeat.
//! * [`pipeline`]: the filters, with the platform's part of the program among them.
//! * [`render`]: the files of a run.
//! * [`plan`]: what is put up for a run: through [`docker`], or by hand with what [`compose`] writes.
//! * [`conductor`]: the worker that does all this for a run, watches it, and finds out what became of each record.

pub mod compose;
pub mod conductor;
pub mod docker;
pub mod frame;
pub mod pipeline;
pub mod plan;
pub mod render;
