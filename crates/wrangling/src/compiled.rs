//! A program made ready to run, and the memory that a thread needs to run it.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

use crate::ast::{Decode, Program, Statement};
use crate::compile::Compiler;
use crate::environment::Environment;
use crate::exec::{
    Body, Context, Event, FilterCounts, Flow, Node, Provenance, Refusal, Run, Strand, counts,
    run_nodes, run_strands,
};
use crate::filters::INVALID_TIMESTAMP_TAG;
use crate::layout::{Columns, Layout, METADATA, VERSION};
use crate::platform::{DecodeNode, decode};
use crate::record::{Delivery, Document, Output, Payload, Record, Reject};
use crate::value::Value;
use crate::violation::Violation;

/// A thread keeps at most this much memory between records.
const MAX_KEPT_BYTES: usize = 1 << 20;
/// Names of fields seen in records that get a slot of their own, besides those of the program.
const MAX_LEARNED: usize = 512;

static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);

/// A compiled program: one is shared by all threads of a run. Nothing in it changes, but for what a filter remembers of the
/// records of a program that [is ordered](Self::is_ordered).
#[derive(Debug)]
pub struct Compiled {
    nodes: Vec<Node>,
    layout: Layout,
    decode: DecodeNode,
    ordered: bool,
    clock_ms: i64,
    /// Whether a record may become several events.
    multiplies: bool,
    /// Filters that are counted.
    counted: usize,
    /// Tags that filters set when they fail.
    failure_tags: Vec<String>,
    /// Tells scratches of other programs apart.
    serial: u64,
}

/// One thread's working memory: reset for every record, bounded between records.
#[derive(Debug)]
pub struct Scratch {
    bump: Bump,
    /// The program's layout and the field names learned from records.
    layout: Layout,
    serial: u64,
    counts: Vec<Cell<FilterCounts>>,
}

impl Compiled {
    /// Compiles a program for a run.
    ///
    /// # Errors
    /// Everything that is wrong with the program, in the order of its statements. Pointers are those of the notation the
    /// program was written in; those of platform statements start with `/schema`, `/index` or `/id`.
    pub fn compile(program: &Program, environment: &Environment) -> Result<Self, Vec<Violation>> {
        let mut compiler = Compiler::new(environment);
        let nodes = compiler.program(program);
        if !compiler.violations.is_empty() {
            return Err(compiler.violations);
        }
        let decode = match program.body.first() {
            Some(Statement::Decode(decode)) => DecodeNode::compile(decode),
            _ => DecodeNode::compile(&Decode::default()),
        };
        let failure_tags = compiler.failure_tags.iter().map(ToString::to_string);
        let failure_tags = failure_tags.collect();
        let serial = NEXT_SERIAL.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            nodes,
            layout: compiler.layout,
            decode,
            ordered: compiler.ordered,
            clock_ms: environment.clock_ms,
            multiplies: compiler.multiplies,
            counted: compiler.counted,
            failure_tags,
            serial,
        })
    }

    /// Binds a CSV file's column names, once per file. The result belongs to this program.
    ///
    /// A name in brackets is a field reference; an empty one becomes `column<n>`.
    ///
    /// # Errors
    /// Names that occur twice, are no field references, or are reserved; pointers are `/<position>`.
    pub fn bind_columns(&self, names: &[String]) -> Result<Columns, Vec<Violation>> {
        Columns::bind(&self.layout, names)
    }

    /// Whether a filter remembers records: the result is right only if one thread runs all records of the run, in their
    /// order, from the first one on.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// Whether a record may become several documents.
    #[must_use]
    pub fn multiplies(&self) -> bool {
        self.multiplies
    }

    /// The tags by which filters of the program say that they failed.
    pub fn failure_tags(&self) -> impl Iterator<Item = &str> {
        let own = self.failure_tags.iter().map(String::as_str);
        own.chain([INVALID_TIMESTAMP_TAG])
    }

    /// Working memory for one thread.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        Scratch {
            bump: Bump::new(),
            layout: self.layout.learner(),
            serial: self.serial,
            counts: counts(self.counted),
        }
    }

    /// Runs one record through the program and hands what becomes of it to `output`: a call of `document` or `reject` for each
    /// event that it becomes (`split` and `clone` make several), none if the program filtered it out.
    pub fn run<O: Output>(&self, record: &Record<'_>, scratch: &mut Scratch, output: &mut O) {
        scratch.prepare(self);
        let learned = match record.payload {
            Payload::Row { columns, .. } => {
                self.run_in(record, &columns.layout, scratch.parts(), output);
                Vec::new()
            }
            _ => self.run_in(record, &scratch.layout, scratch.parts(), output),
        };
        for name in learned {
            scratch.layout.intern(&name);
        }
    }

    /// Returns field names that deserve a slot next time.
    fn run_in<'a, O: Output>(
        &'a self,
        record: &Record<'a>,
        layout: &'a Layout,
        (bump, counts): (&'a Bump, &'a [Cell<FilterCounts>]),
        output: &mut O,
    ) -> Vec<String> {
        let mut event = Event::new(bump, layout);
        let (source, clock_ms) = match record.payload {
            Payload::Event { source, at_ms, .. } => (source, at_ms),
            _ => (0, self.clock_ms),
        };
        let context = Context {
            source,
            clock_ms,
            file_key: record.file_key,
            position: record.position,
            counts,
        };
        if let Err(refusal) = decode(&record.payload, &self.decode, clock_ms, &mut event) {
            output.reject(&refusal.into());
            return Vec::new();
        }
        if self.multiplies {
            let strands = run_strands(&self.nodes, vec![Strand::new(event)], context);
            let mut learned = Vec::new();
            for (ordinal, strand) in (0..).zip(strands) {
                match strand.refusal {
                    Some(refusal) => output.reject(&refusal.into()),
                    None => learned = emit(record, ordinal, strand.event, &strand.run, output),
                }
            }
            return learned;
        }
        let mut run = Run::default();
        match run_nodes(&self.nodes, &mut event, &mut run, context) {
            Flow::Next => emit(record, 0, event, &run, output),
            Flow::Drop => Vec::new(),
            Flow::Reject(refusal) => {
                output.reject(&refusal.into());
                Vec::new()
            }
        }
    }
}

impl<'a> From<Refusal<'a>> for Reject<'a> {
    fn from(refusal: Refusal<'a>) -> Self {
        Self {
            code: refusal.code,
            step: refusal.step,
            field: refusal.field,
            message: refusal.message,
        }
    }
}

/// Hands a finished event to the output as the record's document number `ordinal`. Returns field names that deserve a slot
/// next time.
fn emit<'a, O: Output>(
    record: &Record<'a>,
    ordinal: u32,
    mut event: Event<'a>,
    run: &Run<'a>,
    output: &mut O,
) -> Vec<String> {
    let metadata = event.slot(METADATA);
    event.set_slot(METADATA, Value::Absent);
    deliver(&event, metadata, run, output);
    event.set_slot(VERSION, Value::Absent);
    let (bump, layout) = (event.bump, event.layout);
    let id = run.id.unwrap_or_else(|| document_id(record, ordinal, bump));
    let (slots, extra) = event.into_parts();
    let provenance = run.provenance.map(|prefix| Provenance {
        prefix,
        file_key: record.file_key,
        position: record.position,
    });
    let body = Body {
        keys: layout.keys(),
        slots,
        extra,
        provenance,
    };
    output.document(&Document {
        index: run.index,
        id,
        ordinal,
        body: &body,
    });
    let room = MAX_LEARNED.saturating_sub(layout.learned());
    extra
        .iter()
        .take(room)
        .map(|(name, _)| (*name).to_owned())
        .collect()
}

/// `<file_key>-<position>`, and `.<ordinal>` for the second and further documents of one record.
fn document_id<'a>(record: &Record<'a>, ordinal: u32, bump: &'a Bump) -> &'a str {
    let mut number = itoa::Buffer::new();
    let mut id = BumpString::with_capacity_in(record.file_key.len() + 21, bump);
    id.push_str(record.file_key);
    id.push('-');
    id.push_str(number.format(record.position));
    if ordinal > 0 {
        id.push('.');
        id.push_str(number.format(ordinal));
    }
    id.into_bump_str()
}

fn deliver<'a, O: Output>(event: &Event<'a>, metadata: Value<'a>, run: &Run<'a>, output: &mut O) {
    if run.deliveries.is_empty() {
        return;
    }
    let body = Body {
        keys: event.layout.keys(),
        slots: event.bump.alloc_slice_copy(event.slots()),
        extra: event.bump.alloc_slice_copy(event.extra()),
        provenance: None,
    };
    for (outlet, texts) in &run.deliveries {
        output.deliver(&Delivery {
            outlet: *outlet,
            texts,
            body: &body,
            metadata,
        });
    }
}

impl Scratch {
    /// What each filter did since this was asked last, in the order of the program, if its environment asks for
    /// counting. Filters of [sources](crate::ast::Source) are not counted.
    pub fn take_counts(&mut self) -> impl Iterator<Item = FilterCounts> + '_ {
        self.counts.iter().map(Cell::take)
    }

    fn parts(&self) -> (&Bump, &[Cell<FilterCounts>]) {
        (&self.bump, &self.counts)
    }

    fn prepare(&mut self, compiled: &Compiled) {
        if self.serial != compiled.serial {
            *self = compiled.scratch();
        }
        self.bump.reset();
        if self.bump.allocated_bytes() > MAX_KEPT_BYTES {
            self.bump = Bump::new();
        }
    }
}
