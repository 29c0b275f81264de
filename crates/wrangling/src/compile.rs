//! From the syntax tree to nodes: names become slots, texts become templates, everything wrong becomes a violation.

use crate::ast::{At, Expr, If, Literal, Operand, Pipeline, Plugin, Program, Statement};
use crate::catalog::{self, Role};
use crate::environment::Environment;
use crate::exec::condition::{Condition, Haystack, Operand as Side};
use crate::exec::{BranchNode, FieldPath, FilterNode, IfNode, Node};
use crate::field_ref::FieldRef;
use crate::filters::{self, Multiplier};
use crate::layout::Layout;
use crate::options::Options;
use crate::platform;
use crate::regexes::{Dot, Regex};
use crate::resources::ResourceError;
use crate::template::{Name, Template};
use crate::variables;
use crate::violation::{Violation, pointer};

/// Collects what compilation finds out.
#[derive(Debug)]
pub(crate) struct Compiler<'e> {
    pub(crate) layout: Layout,
    pub(crate) violations: Vec<Violation>,
    pub(crate) environment: &'e Environment,
    /// A filter keeps state over records.
    pub(crate) ordered: bool,
    pub(crate) geo_databases: filters::GeoDatabases,
    /// Tags of failed filters met so far.
    pub(crate) failure_tags: Vec<Box<str>>,
    /// Filters' ids met so far.
    ids: Vec<String>,
    /// Whether a filter makes more events of one.
    pub(crate) multiplies: bool,
    /// Filters that are counted so far.
    pub(crate) counted: usize,
    /// Whether the filters that follow are counted.
    counting: bool,
}

/// All problems of these statements that compilation finds.
pub(crate) fn check(body: &[Statement], environment: &Environment) -> Vec<Violation> {
    let mut compiler = Compiler::new(environment);
    compiler.substituted(body, Compiler::statements);
    compiler.violations
}

/// All problems of a configuration: of its filters, what compilation finds; of its inputs, outputs and codecs, names and kinds
/// of options.
#[must_use]
pub fn check_pipeline(pipeline: &Pipeline, environment: &Environment) -> Vec<Violation> {
    let mut compiler = Compiler::new(environment);
    let inputs = |compiler: &mut Compiler<'_>, body: &[_]| compiler.ends(body, Role::Input);
    let outputs = |compiler: &mut Compiler<'_>, body: &[_]| compiler.ends(body, Role::Output);
    compiler.substituted(&pipeline.inputs, inputs);
    compiler.substituted(&pipeline.filters, Compiler::statements);
    compiler.substituted(&pipeline.outputs, outputs);
    compiler.violations
}

impl<'e> Compiler<'e> {
    pub(crate) fn new(environment: &'e Environment) -> Self {
        Self {
            layout: Layout::new(),
            violations: Vec::new(),
            environment,
            ordered: false,
            geo_databases: filters::GeoDatabases::default(),
            failure_tags: Vec::new(),
            ids: Vec::new(),
            multiplies: false,
            counted: 0,
            counting: environment.count_filters,
        }
    }

    pub(crate) fn program(&mut self, program: &Program) -> Vec<Node> {
        for (index, statement) in program.body.iter().enumerate().skip(1) {
            if matches!(statement, Statement::Decode(_)) {
                let message = "a program decodes once, as its first statement";
                self.violations.push(Violation::new(
                    format!("/{index}"),
                    "misplaced_decode",
                    message,
                ));
            }
        }
        self.substituted(&program.body, Self::statements)
    }

    /// Works on statements with their variables replaced.
    fn substituted<R>(
        &mut self,
        body: &[Statement],
        work: impl FnOnce(&mut Self, &[Statement]) -> R,
    ) -> R {
        let (body, unknown) = variables::substitute(body, &self.environment.variables);
        let result = work(self, &body);
        // what else is wrong with such a value says nothing
        let follows = |found: &Violation| {
            let mut causes = unknown.iter();
            causes.any(|cause| found.pointer.starts_with(&cause.pointer))
        };
        self.violations.retain(|found| !follows(found));
        self.violations.extend(unknown);
        result
    }

    fn statements(&mut self, body: &[Statement]) -> Vec<Node> {
        body.iter()
            .filter_map(|statement| self.statement(statement))
            .collect()
    }

    fn statement(&mut self, statement: &Statement) -> Option<Node> {
        Some(match statement {
            Statement::Plugin(filter) => {
                let node = self.filter(filter)?;
                self.counted(node)
            }
            Statement::If(conditional) => Node::If(self.conditional(conditional)),
            Statement::Decode(_) => return None,
            Statement::RejectFailures => Node::RejectFailures(self.failure_tags.clone()),
            Statement::DefaultTimestamp => Node::DefaultTimestamp,
            Statement::Schema(schema) => Node::Schema(platform::SchemaNode::compile(schema, self)),
            Statement::Provenance => {
                Node::Provenance(platform::provenance_prefix(self.environment))
            }
            Statement::Document(document) => {
                Node::Document(platform::DocumentNode::compile(document, self)?)
            }
            Statement::Source(source) => {
                let counting = std::mem::take(&mut self.counting);
                let body = self.statements(&source.body);
                self.counting = counting;
                Node::Source(source.number, body)
            }
            Statement::Deliver(deliver) => {
                let at = format!("/outputs/{}", deliver.outlet);
                let texts = deliver
                    .texts
                    .iter()
                    .filter_map(|text| self.template(text, &at));
                Node::Deliver(deliver.outlet, texts.collect())
            }
        })
    }

    /// Checks inputs or outputs, which run elsewhere.
    fn ends(&mut self, body: &[Statement], role: Role) {
        for statement in body {
            match statement {
                Statement::Plugin(plugin) => {
                    self.violations.extend(catalog::check(plugin, role));
                    self.claim_id(Options::new(plugin));
                }
                Statement::If(conditional) => {
                    for branch in &conditional.branches {
                        self.condition(&branch.condition, &branch.at);
                        self.ends(&branch.body, role);
                    }
                    self.ends(&conditional.otherwise, role);
                }
                _ => {}
            }
        }
    }

    /// An id belongs to one plugin.
    fn claim_id(&mut self, options: Options<'_>) {
        if let Some(Literal::Number(number)) = options.get("id") {
            let message = format!("an id is a text; write `\"{}\"`", number.text());
            self.violation(options.at("id"), "wrong_type", message);
        }
        let Some(id) = options.text("id") else { return };
        if self.ids.iter().any(|known| known == id) {
            let message = format!("two plugins have the id `{id}`");
            self.violation(options.at("id"), "duplicate_id", message);
        }
        self.ids.push(id.to_owned());
    }

    fn filter(&mut self, filter: &Plugin) -> Option<Node> {
        let violations = catalog::check(filter, Role::Filter);
        let known = violations
            .iter()
            .all(|violation| violation.code != "unknown_filter");
        self.violations.extend(violations);
        if !known {
            return None;
        }
        let options = Options::new(filter);
        self.claim_id(options);
        let step = options
            .text("id")
            .map_or_else(|| format!("{} {}", filter.at.0, filter.name), str::to_owned);
        let step: Box<str> = step.trim_start().into();
        if Multiplier::is(&filter.name) {
            self.multiplies = true;
            let filter = Multiplier::compile(&filter.name, step, options, self)?;
            return Some(Node::Multiply(Box::new(filter)));
        }
        let (kind, failure_tags) = filters::compile(&filter.name, options, self)?;
        for tag in &failure_tags {
            if !self.failure_tags.contains(tag) {
                self.failure_tags.push(tag.clone());
            }
        }
        let common = filters::Common::compile(options, self);
        Some(Node::Filter(Box::new(FilterNode {
            step,
            kind,
            common,
            failure_tags,
        })))
    }

    /// A filter with the next number to count under, if filters are counted.
    fn counted(&mut self, filter: Node) -> Node {
        if !self.counting {
            return filter;
        }
        self.counted += 1;
        Node::Counted(self.counted - 1, Box::new(filter))
    }

    fn conditional(&mut self, conditional: &If) -> IfNode {
        let branches = conditional
            .branches
            .iter()
            .map(|branch| {
                let condition = self.condition(&branch.condition, &branch.at);
                BranchNode {
                    condition,
                    step: format!("{} if", branch.at.0).trim_start().into(),
                    body: self.statements(&branch.body),
                }
            })
            .collect();
        IfNode {
            branches,
            otherwise: self.statements(&conditional.otherwise),
        }
    }

    fn condition(&mut self, expr: &Expr, at: &At) -> Condition {
        match expr {
            Expr::Not(inner) => Condition::Not(Box::new(self.condition(inner, at))),
            Expr::Logic(op, left, right) => Condition::Logic(
                *op,
                Box::new(self.condition(left, at)),
                Box::new(self.condition(right, at)),
            ),
            Expr::Compare(op, left, right) => match (self.side(left, at), self.side(right, at)) {
                (Some(left), Some(right)) => Condition::Compare(*op, left, right),
                _ => Condition::Constant(false),
            },
            Expr::Match {
                subject,
                pattern,
                negated,
            } => match (self.side(subject, at), Regex::compile(pattern, Dot::InLine)) {
                (Some(subject), Ok(regex)) => Condition::Match {
                    subject,
                    regex,
                    negated: *negated,
                },
                (_, Err(reason)) => self.refuse(at, "invalid_regex", reason),
                (None, Ok(_)) => Condition::Constant(false),
            },
            Expr::In {
                needle,
                haystack,
                negated,
            } => {
                let haystack = match haystack {
                    Operand::Field(field) => Haystack::Field(self.path(field.clone())),
                    Operand::String(text) => Haystack::Text(text.as_str().into()),
                    Operand::Array(items) => {
                        Haystack::List(items.iter().filter_map(literal_text).collect())
                    }
                    Operand::Number(number) => {
                        return self.refuse(
                            at,
                            "invalid_condition",
                            format!("`in {}`: a number contains nothing", number.text()),
                        );
                    }
                };
                match self.side(needle, at) {
                    Some(needle) => Condition::In {
                        needle,
                        haystack,
                        negated: *negated,
                    },
                    None => Condition::Constant(false),
                }
            }
            Expr::Truthy(Operand::Field(field)) => Condition::Truthy(self.path(field.clone())),
            Expr::Truthy(Operand::String(text)) => {
                Condition::Constant(!text.is_empty() && text != "false")
            }
            Expr::Truthy(Operand::Number(_) | Operand::Array(_)) => Condition::Constant(true),
        }
    }

    fn refuse(&mut self, at: &At, code: &str, message: String) -> Condition {
        self.violations
            .push(Violation::new(pointer(&at.0, "if"), code, message));
        Condition::Constant(false)
    }

    fn side(&mut self, operand: &Operand, at: &At) -> Option<Side> {
        Some(match operand {
            Operand::Field(field) => Side::Field(self.path(field.clone())),
            Operand::String(text) => Side::Text(text.as_str().into()),
            Operand::Number(number) => match number.text().parse() {
                Ok(whole) => Side::Int(whole),
                Err(_) => Side::Float(number.text().parse().unwrap_or(f64::NAN)),
            },
            Operand::Array(_) => {
                let message = "a list can only stand after `in`".to_owned();
                self.refuse(at, "invalid_condition", message);
                return None;
            }
        })
    }

    /// The path of a reference, its name with a slot.
    pub(crate) fn path(&mut self, field: FieldRef) -> FieldPath {
        FieldPath::new(self.layout.intern(field.root()), field)
    }

    /// A reference without sprintf, such as `target`.
    pub(crate) fn field(&mut self, text: &str, at: &str) -> Option<FieldPath> {
        match FieldRef::parse(text) {
            Ok(field) => Some(self.path(field)),
            Err(error) => {
                self.violations
                    .push(Violation::new(at, "invalid_field", error.to_string()));
                None
            }
        }
    }

    /// A regular expression of Ruby's; a violation at `at` if it is none that runs here.
    pub(crate) fn regex(&mut self, source: &str, at: &str) -> Option<Regex> {
        match Regex::compile(source, Dot::InLine) {
            Ok(regex) => Some(regex),
            Err(reason) => {
                self.violation(at.to_owned(), "invalid_regex", reason);
                None
            }
        }
    }

    /// The bytes of a file that the option at `at` names; `None` with a violation if it cannot be read, or without one where
    /// no files are read.
    pub(crate) fn read(&mut self, name: &str, at: String) -> Option<Vec<u8>> {
        let found = self.environment.resources.read(name);
        self.found(found, at)
    }

    /// As [`Self::read`], for the files of a folder that `pattern` selects, in the order of their names.
    pub(crate) fn read_all(
        &mut self,
        name: &str,
        pattern: &str,
        at: String,
    ) -> Option<Vec<Vec<u8>>> {
        let found = self.environment.resources.read_all(name, pattern);
        self.found(found, at)
    }

    fn found<T>(&mut self, found: Result<Option<T>, ResourceError>, at: String) -> Option<T> {
        found.unwrap_or_else(|error| {
            self.violation(at, "unknown_resource", error.to_string());
            None
        })
    }

    /// A text with sprintf references.
    pub(crate) fn template(&mut self, text: &str, at: &str) -> Option<Template> {
        Template::compile(text, &mut self.layout)
            .map_err(|reason| {
                self.violations
                    .push(Violation::new(at, "invalid_date_format", reason))
            })
            .ok()
    }

    /// A field name with sprintf references.
    pub(crate) fn name(&mut self, text: &str, at: &str) -> Option<Name> {
        let template = self.template(text, at)?;
        match template.constant() {
            Some(_) => self.field(text, at).map(Name::Static),
            None => Some(Name::Dynamic(template)),
        }
    }

    /// A tag that a filter may set besides those of its `tag_on_failure`.
    pub(crate) fn failure_tag(&mut self, tag: &str) {
        if !self.failure_tags.iter().any(|known| **known == *tag) {
            self.failure_tags.push(tag.into());
        }
    }

    /// A violation of an option.
    pub(crate) fn violation(&mut self, at: String, code: &str, message: String) {
        self.violations.push(Violation::new(at, code, message));
    }
}

fn literal_text(operand: &Operand) -> Option<Box<str>> {
    match operand {
        Operand::String(text) => Some(text.as_str().into()),
        Operand::Number(number) if number.is_float() => {
            let mut text = String::new();
            crate::number::java_double(number.text().parse().ok()?, &mut text);
            Some(text.into())
        }
        Operand::Number(number) => Some(number.text().into()),
        Operand::Field(_) | Operand::Array(_) => None,
    }
}
