//! `generator`: the same events again and again, for tests.

use std::sync::Arc;

use wrangling::{EcsCompatibility, Field, Violation};

use super::{Feed, Input, InputContext, codec};
use crate::codec::{Decoder, Fields};
use crate::event::hostname;
use crate::options::Options;

pub const OPTIONS: &[&str] = &["count", "lines", "message", "threads"];

/// Makes events.
#[derive(Debug)]
pub struct Generator {
    /// One a thread.
    decoders: Vec<Decoder>,
    lines: Vec<String>,
    /// Rounds; 0 is no end.
    count: u64,
    sequence_field: &'static str,
    defaults: Arc<[(String, Field)]>,
}

impl Generator {
    pub fn compile(options: Options<'_>, context: &InputContext) -> Result<Self, Violation> {
        let message = options.text("message")?.unwrap_or("Hello world!");
        let lines = match options.has("lines") {
            true => options.list("lines")?,
            false => vec![message],
        };
        let (host, sequence_field) = match options.ecs(context.ecs)? {
            EcsCompatibility::V8 => ("[host][name]", "[event][sequence]"),
            EcsCompatibility::Disabled => ("host", "sequence"),
        };
        let decoders = (0..options.count("threads", 1)?.clamp(1, 64))
            .map(|_| codec(options, "plain", false, context))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            decoders,
            lines: lines.into_iter().map(str::to_owned).collect(),
            count: options.count("count", 0)? as u64,
            sequence_field,
            defaults: [(host.to_owned(), hostname().into())].into(),
        })
    }

    fn generate(&self, mut decoder: Decoder, feed: &Feed) {
        let mut lines = self.lines.clone();
        if let [only] = lines.as_mut_slice()
            && only == "stdin"
        {
            only.clear();
            // without a line there is nothing to repeat but an empty one
            let _ended = std::io::stdin().read_line(only);
        }
        let (mut events, mut decoded): (Vec<Fields>, Vec<Fields>) = Default::default();
        let mut number: u64 = 0;
        while !feed.is_stopped() && (self.count == 0 || number < self.count) {
            for line in &lines {
                decoder.decode(line.as_bytes(), &mut decoded);
                let sequence = i64::try_from(number).unwrap_or(i64::MAX);
                events.extend(decoded.drain(..).map(|mut fields| {
                    fields.push((self.sequence_field.to_owned(), Field::Int(sequence)));
                    fields
                }));
            }
            number += 1;
            if events.len() >= feed.batch {
                feed.send(&mut events, &self.defaults);
            }
        }
        decoder.flush(&mut events);
        feed.send(&mut events, &self.defaults);
    }
}

impl Input for Generator {
    fn run(mut self: Box<Self>, feed: Feed) {
        let decoders = std::mem::take(&mut self.decoders);
        std::thread::scope(|scope| {
            for decoder in decoders {
                let (generator, feed) = (&self, &feed);
                scope.spawn(move || generator.generate(decoder, feed));
            }
        });
    }
}
