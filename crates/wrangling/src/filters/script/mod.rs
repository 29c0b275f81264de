//! `script`: a small program of the client's, in the language Rhai. It gets a copy of the event as the object `event` and the
//! option `params` as the object `params`; what it makes of `event` becomes the event when it ends, or nothing does.
//!
//! The same event gives the same result: a script reaches no clock, chance, file or network, and keeps nothing from one event
//! to the next.

mod convert;
mod library;
mod params;
mod sandbox;
mod timestamp;

use rhai::{AST, Dynamic, Engine, EvalAltResult, Map, Scope};

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::Event;
use crate::options::Options;
use sandbox::{MAX_SOURCE_BYTES, with_stack};

/// A script's name for the event.
const EVENT: &str = "event";
/// A script's name for the option of this name.
const PARAMS: &str = "params";
/// Messages are cut after so many characters: a script can throw what it likes.
const MAX_MESSAGE: usize = 300;

/// A compiled script filter.
#[derive(Debug)]
pub(crate) struct Script {
    engine: Engine,
    program: AST,
    params: Map,
}

impl Script {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let at = options.at("source");
        let Some(source) = options.text("source") else {
            let message = "script needs `source`: the program, in Rhai".to_owned();
            compiler.violation(at, "missing_option", message);
            return None;
        };
        if source.len() > MAX_SOURCE_BYTES {
            let message = format!("a script has at most {MAX_SOURCE_BYTES} bytes");
            compiler.violation(at, "invalid_script", message);
            return None;
        }
        let engine = sandbox::engine();
        let mut known = Scope::new();
        known.push(EVENT, Map::new()).push(PARAMS, Map::new());
        match with_stack(|| engine.compile_with_scope(&known, source)) {
            Ok(program) => Some(Self {
                engine,
                program,
                params: params::params(options.get(PARAMS)),
            }),
            Err(error) => {
                let place = error.position();
                let message = format!(
                    "line {}, column {}: {}",
                    place.line().unwrap_or(1),
                    place.position().unwrap_or(1),
                    cut(error.err_type().to_string())
                );
                compiler.violation(at, "invalid_script", message);
                None
            }
        }
    }

    pub(super) fn apply<'a>(&self, event: &mut Event<'a>) -> Applied<'a> {
        with_stack(|| self.run(event))
    }

    fn run<'a>(&self, event: &mut Event<'a>) -> Applied<'a> {
        let mut scope = Scope::new();
        scope
            .push(EVENT, convert::fields(event))
            .push_constant(PARAMS, self.params.clone());
        if let Err(error) = self.engine.run_ast_with_scope(&mut scope, &self.program) {
            if library::is_drop(&error) {
                return Applied::Dropped;
            }
            return Applied::from_result(Err(failure(&error)), event);
        }
        // the script's own variables stand behind those two, also if they have their names
        let fields = scope.rewind(2).remove::<Dynamic>(EVENT);
        let result = fields
            .and_then(Dynamic::try_cast::<Map>)
            .ok_or_else(|| message("`event` is no object any more".to_owned()))
            .and_then(|fields| convert::replace(fields, event));
        Applied::from_result(result.map(|()| Applied::Matched), event)
    }
}

fn failure(error: &EvalAltResult) -> FilterError {
    message(cut(error.to_string()))
}

fn message(message: String) -> FilterError {
    FilterError::value(String::new(), message)
}

fn cut(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}
