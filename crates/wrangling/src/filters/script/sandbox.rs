//! What a script may use: functions without side effects, and bounded amounts of steps, memory and stack.

use rhai::packages::{Package, StandardPackage};
use rhai::{Engine, Map, Module};

use super::{library, timestamp};

/// A longer script is refused.
pub(super) const MAX_SOURCE_BYTES: usize = 64 << 10;
/// Steps for one event: about as many expressions and statements.
const MAX_OPERATIONS: u64 = 50_000;
const MAX_CALL_LEVELS: usize = 32;
/// How deep expressions and blocks may nest, in the script and in its functions.
const MAX_EXPRESSION_DEPTH: (usize, usize) = (64, 32);
/// Bytes of all texts in one value.
const MAX_TEXT_BYTES: usize = 512 << 10;
/// Items of all lists in one value, and members of all its objects. Also bounds how deep values nest.
const MAX_ITEMS: usize = 4_000;
/// Variables that live at the same time in the script, or in one call.
const MAX_VARIABLES: usize = 64;
const MAX_FUNCTIONS: usize = 64;
/// The language's functions over values recurse for each level of nesting, of which the limits above allow some thousands.
const STACK_BYTES: usize = 64 << 20;

/// An engine for one script.
pub(super) fn engine(params: Map) -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(StandardPackage::new().as_shared_module());
    let mut own = Module::new();
    own.set_var("params", params);
    engine.register_global_module(own.into());
    timestamp::register(&mut engine);
    library::register(&mut engine);
    // they wait, write or make programs of texts
    for symbol in ["sleep", "print", "debug", "eval"] {
        engine.disable_symbol(symbol);
    }
    let (script, function) = MAX_EXPRESSION_DEPTH;
    engine
        .set_strict_variables(true)
        .set_max_operations(MAX_OPERATIONS)
        .set_max_call_levels(MAX_CALL_LEVELS)
        .set_max_expr_depths(script, function)
        .set_max_string_size(MAX_TEXT_BYTES)
        .set_max_array_size(MAX_ITEMS)
        .set_max_map_size(MAX_ITEMS)
        .set_max_variables(MAX_VARIABLES)
        .set_max_functions(MAX_FUNCTIONS)
        // shared by all threads, which would wait for each other
        .set_max_strings_interned(0);
    engine
}

/// Does `work` on a stack that is large enough for what a script may do.
pub(super) fn with_stack<R>(work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(STACK_BYTES / 2, STACK_BYTES, work)
}
