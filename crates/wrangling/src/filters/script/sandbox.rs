//! What a script may use: functions without side effects, and bounded amounts of steps, memory and stack.

use std::sync::LazyLock;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, BitFieldPackage, LogicPackage, MoreStringPackage,
    Package as _,
};
use rhai::{Engine, Module, Shared};

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
const MAX_ITEMS: usize = 2_000;
/// Variables that live at the same time in the script, or in one call.
const MAX_VARIABLES: usize = 64;
const MAX_FUNCTIONS: usize = 64;
/// The language's functions over values recurse for each level of nesting, of which the limits above allow some thousands.
const STACK_BYTES: usize = 32 << 20;

/// The language's own functions but those that wait (`sleep`) and those over bytes, which fields do not have.
static LANGUAGE: LazyLock<Shared<Module>> = LazyLock::new(|| {
    let mut language = Module::new();
    for init in [
        ArithmeticPackage::init,
        BasicArrayPackage::init,
        BasicFnPackage::init,
        BasicIteratorPackage::init,
        BasicMapPackage::init,
        BasicMathPackage::init,
        BasicStringPackage::init,
        BitFieldPackage::init,
        LogicPackage::init,
        MoreStringPackage::init,
    ] {
        init(&mut language);
    }
    language.build_index();
    language.into()
});

/// An engine for one script.
pub(super) fn engine() -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(Shared::clone(&LANGUAGE));
    timestamp::register(&mut engine);
    library::register(&mut engine);
    engine.disable_symbol("eval");
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
