//! The requests of the conformance suite, separated by lines of `---`, in the order sent.

/// Answered alike by both.
pub const CASES: &str = include_str!("same.txt");
/// Refused by the embedded server.
pub const REFUSED: &str = include_str!("refused.txt");
