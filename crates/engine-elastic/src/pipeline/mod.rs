//! From a program to the filters of a Logstash configuration with the same meaning.
//!
//! The native engine carries out the platform's statements itself; Logstash is given filters that do the same. An event comes
//! as a *frame* (see [`crate::frame`]) and leaves with what the platform decided about it in `[@metadata][ingest]`: where it
//! came from, its index and id, or why it is rejected.

mod dsl;
mod integers;
mod naming;
mod schema;

use domain::spec::JobSpec;
use wrangling::ast::{Plugin, Program, Statement};
use wrangling::violation::pointer;
use wrangling::{Compiled, Environment, Violation};

pub(crate) use dsl::{REJECT, choose, hash, list, plugin, text, truthy};
use dsl::{ingest, is, not, reject, when};

/// Where the file's key is.
pub(crate) const FILE: &str = "[@metadata][ingest][file]";
/// Where the number of the part of the frames is.
pub(crate) const PART: &str = "%{[@metadata][ingest][part]}";
/// Where the record's position is.
pub(crate) const POSITION: &str = "[@metadata][ingest][position]";
/// Where the index is, once the filters are done.
pub(crate) const INDEX: &str = "[@metadata][ingest][index]";
/// Where the id is, once the filters are done.
pub(crate) const ID: &str = "[@metadata][ingest][id]";

/// The filters that do a job.
///
/// # Errors
/// What only the native engine offers, and what is wrong with the spec itself, by JSON pointers into the spec.
pub fn filters(
    spec: &JobSpec,
    environment: &Environment,
) -> Result<Vec<Statement>, Vec<Violation>> {
    let program = spec.program()?;
    let compiled = Compiled::compile(&program, environment)?;
    let mut lowering = Lowering {
        environment,
        tags: compiled.failure_tags().map(str::to_owned).collect(),
        out: Vec::new(),
        violations: Vec::new(),
    };
    if compiled.multiplies() && spec.destination.id_fields.is_empty() {
        lowering.refuse(
            "/destination/id_fields",
            "records become several documents (`split`, `clone`), which Logstash cannot number: name fields that tell them apart in `destination.id_fields`, or use the native engine",
        );
    }
    lowering.program(&program);
    lowering.names(spec);
    lowering.own_metadata(spec);
    match lowering.violations.is_empty() {
        true => Ok(lowering.out),
        false => Err(lowering.violations),
    }
}

struct Lowering<'p> {
    environment: &'p Environment,
    /// Tags of failed filters.
    tags: Vec<String>,
    out: Vec<Statement>,
    violations: Vec<Violation>,
}

impl Lowering<'_> {
    fn refuse(&mut self, at: &str, message: &str) {
        let violation = Violation::new(at.to_owned(), "elastic_engine", message.to_owned());
        self.violations.push(violation);
    }

    /// Names and formats stand in the filters as they are: Logstash must not find a variable in them, and fields are shown by
    /// references that end with a brace.
    fn names(&mut self, spec: &JobSpec) {
        for (name, field) in &spec.schema.fields {
            let at = pointer("/schema/fields", name);
            self.field_name(&at, name);
            for format in &field.formats {
                self.no_variable(&pointer(&at, "formats"), format);
            }
        }
        for name in &spec.destination.id_fields {
            self.field_name("/destination/id_fields", name);
        }
        self.no_variable("/destination/index", &spec.destination.index);
    }

    /// What is there is the platform's: were a step to change it, the record would not be known again.
    fn own_metadata(&mut self, spec: &JobSpec) {
        let steps = spec.wrangling.as_array().into_iter().flatten();
        for (number, step) in steps.enumerate() {
            if step.to_string().contains("[@metadata][ingest]") {
                let message = "`[@metadata][ingest]` belongs to the platform on the elastic engine: use another name, or the native engine";
                self.refuse(&format!("/wrangling/{number}"), message);
            }
        }
    }

    fn field_name(&mut self, at: &str, name: &str) {
        self.no_variable(at, name);
        if name.contains(['{', '}']) {
            let message = "Logstash cannot refer to a field with a brace in its name: rename it by a step, or use the native engine";
            self.refuse(at, message);
        }
    }

    fn no_variable(&mut self, at: &str, text: &str) {
        if text.contains("${") {
            let message = "Logstash would read `${` as the beginning of a variable: write it in another way, or use the native engine";
            self.refuse(at, message);
        }
    }

    fn push(&mut self, plugin: Plugin) {
        self.out.push(Statement::Plugin(plugin));
    }

    /// Statements for events that are not rejected yet.
    fn unless_rejected(&mut self, body: Vec<Statement>) {
        self.out.push(when(not(truthy(REJECT)), body));
    }

    /// Filters of the platform's own do not run in Logstash.
    fn only_logstash_s(&mut self, body: &[Statement]) {
        for statement in body {
            match statement {
                Statement::Plugin(plugin) if wrangling::is_own_filter(&plugin.name) => {
                    let message = format!(
                        "Logstash does not have the filter `{}`: write it with other filters, or use the native engine",
                        plugin.name
                    );
                    self.refuse(&pointer(&plugin.at.0, &plugin.name), &message);
                }
                Statement::If(conditional) => {
                    for branch in &conditional.branches {
                        self.only_logstash_s(&branch.body);
                    }
                    self.only_logstash_s(&conditional.otherwise);
                }
                _ => {}
            }
        }
    }

    fn program(&mut self, program: &Program) {
        for statement in &program.body {
            match statement {
                Statement::Decode(_) => self.unframe(),
                Statement::Plugin(_) | Statement::If(_) => {
                    self.only_logstash_s(std::slice::from_ref(statement));
                    self.out.push(statement.clone());
                }
                Statement::RejectFailures => self.reject_failures(),
                Statement::DefaultTimestamp => self.default_timestamp(),
                Statement::Schema(schema) => self.schema(schema),
                Statement::Provenance => self.provenance(),
                Statement::Document(document) => self.document(document),
                // of configurations, not of jobs
                Statement::Source(_) | Statement::Deliver(_) => {}
            }
        }
    }

    /// From a frame to the record's fields. What the shipper says of itself goes first: a record may have fields of the
    /// same names.
    fn unframe(&mut self) {
        let record = ingest("record");
        let frame = format!("{PART} %{{{FILE}}} %{{{POSITION}}} %{{{record}}}");
        self.push(plugin(
            "dissect",
            vec![("mapping", hash(vec![("message", text(frame))]))],
        ));
        self.push(plugin(
            "prune",
            vec![("whitelist_names", list(["^@timestamp$"]))],
        ));
        // a tag that no record has by itself
        let damaged = format!("_frame_damaged_{}", self.environment.run);
        let read = vec![
            ("source", text(&record)),
            ("tag_on_failure", list([damaged.as_str()])),
        ];
        self.push(plugin("json", read));
        let message = "Logstash cannot read the record's fields: they are nested too deeply, or the frame was damaged";
        let refused = reject("frame_unreadable", "decode", "", message);
        self.out.push(when(dsl::tagged(&damaged), vec![refused]));
        self.push(plugin("mutate", vec![("remove_field", list([record]))]));
    }

    fn reject_failures(&mut self) {
        let Some(failed) = self
            .tags
            .iter()
            .map(|tag| dsl::tagged(tag))
            .reduce(dsl::either)
        else {
            return;
        };
        let refused = reject("filter_failure", "filters", "", "a filter failed: %{tags}");
        self.unless_rejected(vec![when(failed, vec![refused])]);
    }

    fn default_timestamp(&mut self) {
        let clock = ingest("clock");
        let set = plugin(
            "mutate",
            vec![(
                "replace",
                hash(vec![(
                    clock.as_str(),
                    text(self.environment.clock_ms.to_string()),
                )]),
            )],
        );
        let date = plugin("date", vec![("match", list([clock.as_str(), "UNIX_MS"]))]);
        self.out.push(when(
            not(truthy("@timestamp")),
            vec![Statement::Plugin(set), Statement::Plugin(date)],
        ));
    }

    fn provenance(&mut self) {
        let reserved = reject(
            "reserved_field",
            "provenance",
            "[provenance]",
            "the record has a field `provenance`, which the platform sets; rename or remove it",
        );
        let (probe, reference) = (ingest("value"), "%{provenance}");
        let shown = hash(vec![(probe.as_str(), text(reference))]);
        self.unless_rejected(vec![
            Statement::Plugin(plugin("mutate", vec![("replace", shown)])),
            when(not(is(&probe, reference)), vec![reserved]),
        ]);
        let environment = self.environment;
        let revision = environment.revision.to_string();
        let (file, position) = (format!("%{{{FILE}}}"), format!("%{{{POSITION}}}"));
        let fields = [
            ("client", environment.client.as_str()),
            ("job", &environment.job),
            ("run", &environment.run),
            ("revision", &revision),
            ("file", &file),
            ("position", &position),
        ];
        let fields: Vec<(String, _)> = fields
            .into_iter()
            .map(|(name, value)| (format!("[provenance][{name}]"), text(value)))
            .collect();
        let fields = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        let set = plugin("mutate", vec![("add_field", hash(fields.collect()))]);
        let numbers = hash(vec![
            ("[provenance][revision]", text("integer")),
            ("[provenance][position]", text("integer")),
        ]);
        let types = plugin(
            "mutate",
            vec![("convert", numbers), ("remove_field", list(["@version"]))],
        );
        self.unless_rejected(vec![Statement::Plugin(set), Statement::Plugin(types)]);
    }
}
