//! The Elastic engine: what Filebeat and Logstash are given so that they do a job.
