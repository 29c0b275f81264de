//! From a job spec to the program that every engine is given.

use wrangling::ast::{Decode, Document, Program, Statement};
use wrangling::violation::Violation;

use super::{JobSpec, OnFailure};

impl JobSpec {
    /// The whole meaning of this job for one record: what the decoder's fields go through until they are a document with
    /// an id. Violations are those of the steps' notation, which a spec that [`super::parse`] has let through has none of;
    /// compiling finds the others.
    pub fn program(&self) -> Result<Program, Vec<Violation>> {
        let mut body = vec![Statement::Decode(Decode {
            null_values: self.format.null_values.clone().unwrap_or_default(),
            keep_original: self.format.keep_original,
        })];
        body.extend(wrangling::steps::read(&self.wrangling, "/wrangling")?);
        if self.on_failure == OnFailure::Reject {
            body.push(Statement::RejectFailures);
        }
        body.push(Statement::DefaultTimestamp);
        body.push(Statement::Schema(self.schema.clone()));
        body.push(Statement::Provenance);
        body.push(Statement::Document(Document {
            index: self.destination.index.clone(),
            id: self.destination.id_fields.clone(),
        }));
        Ok(Program { body })
    }
}
