//! Numbers as Logstash reads and spells them: Java's doubles and decimals, Ruby's conversions.

mod java;
mod prefix;
mod ruby;

pub(crate) use java::{java_decimal, java_double, write_double, write_int};
pub(crate) use prefix::{leading_float, leading_integer};
pub(crate) use ruby::{Integer, ruby_decimal, ruby_double, ruby_float, ruby_integer};
