//! The abstract syntax tree: the one source of what a job's wrangling means, whatever notation it was written in.
//!
//! A [`Program`] says everything that happens to a record between its decoder and the sink: the client's own filters and
//! conditionals, and the platform's part (decoding, schema, clock, provenance, rejects, id and index). An engine is given
//! the program and nothing else, so that every engine gives the same documents.

mod expr;
mod literal;

pub use expr::{CompareOp, Expr, LogicOp, Operand};
pub use literal::{Literal, Number};

use crate::schema::Schema;

/// A whole program: statements carried out in order for every record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Program {
    /// Usually: one [`Statement::Decode`], the client's statements, then the platform's closing statements.
    pub body: Vec<Statement>,
}

/// A whole configuration: where events come from, what happens to them, and where they go.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pipeline {
    /// The plugins of all `input` sections. Conditionals around inputs mean nothing and are flattened by engines.
    pub inputs: Vec<Statement>,
    /// The statements of all `filter` sections.
    pub filters: Vec<Statement>,
    /// The statements of all `output` sections.
    pub outputs: Vec<Statement>,
}

/// One step of a program.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// A Logstash plugin: a filter, or in a [`Pipeline`] an input or output.
    Plugin(Plugin),
    /// A conditional.
    If(If),
    /// How the record's payload becomes fields. Sets `@timestamp` to the run's clock. First statement of a program.
    Decode(Decode),
    /// Rejects a record in which a filter failed (left its failure tag), instead of indexing it with the tag.
    RejectFailures,
    /// Gives a record that has lost its `@timestamp` the run's clock.
    DefaultTimestamp,
    /// Checks the fields against the schema and gives them the schema's types.
    Schema(Schema),
    /// Appends the `provenance` object; a record with a field of that name of its own is rejected (`reserved_field`).
    Provenance,
    /// Names the document's index and id.
    Document(Document),
    /// Statements for the events of one source only.
    Source(Source),
    /// Hands the event, as it is when the program ends, to an outlet.
    Deliver(Deliver),
}

/// What happens to the events of one source, see [`crate::Payload::Event`].
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The source's number.
    pub number: u32,
    /// The statements.
    pub body: Vec<Statement>,
}

/// Where an event goes when a program has several destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliver {
    /// The outlet's number.
    pub outlet: u32,
    /// Texts that the outlet needs for each event; may hold sprintf references.
    pub texts: Vec<String>,
}

/// A plugin with its options, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugin {
    /// The plugin's name, such as `mutate`.
    pub name: String,
    /// Options in the order written. A name occurs once.
    pub options: Vec<(String, Literal)>,
    /// Where the plugin was written.
    pub at: At,
}

/// `if … else if … else …`.
#[derive(Debug, Clone, PartialEq)]
pub struct If {
    /// The conditions with their blocks, tried in order.
    pub branches: Vec<Branch>,
    /// Carried out when no condition holds.
    pub otherwise: Vec<Statement>,
}

/// One condition and what happens when it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// The condition.
    pub condition: Expr,
    /// The block.
    pub body: Vec<Statement>,
    /// Where the condition was written.
    pub at: At,
}

/// How a payload becomes fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decode {
    /// CSV values that mean "no value": the field is absent. The empty string is not null unless listed.
    pub null_values: Vec<String>,
    /// Keep the record's raw text in `event.original`.
    pub keep_original: bool,
}

/// Where a document goes and under which id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Index name without the client's prefix; may hold sprintf references (`flights-%{+yyyy.MM}`).
    /// The result is made a legal Elasticsearch index name under `<client>.`; an unresolved reference rejects the record.
    pub index: String,
    /// Field references whose values, joined by `|`, are the id. Empty: `<file_key>-<position>`.
    pub id: Vec<String>,
}

/// Where something was written: a JSON pointer in steps, `line:column` in Logstash text.
///
/// Not part of a program's meaning: two places always compare equal, so that the same program written in two
/// notations is equal.
#[derive(Debug, Clone, Default)]
pub struct At(pub String);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
