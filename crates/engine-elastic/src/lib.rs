//! The Elastic engine: what Filebeat and Logstash are given so that they do a job as the native engine does.
//!
//! * [`frame`]: how records come to Filebeat.
//! * [`pipeline`]: the filters, with the platform's part of the program among them.
//! * [`render`]: the files of a run.

pub mod frame;
pub mod pipeline;
pub mod render;
