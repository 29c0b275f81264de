//! Conditions.

use super::Number;
use crate::field_ref::FieldRef;

/// A condition of an `if`.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `!` of a condition.
    Not(Box<Expr>),
    /// Two conditions joined by a boolean operator.
    Logic(LogicOp, Box<Expr>, Box<Expr>),
    /// `[a] == "x"`.
    Compare(CompareOp, Operand, Operand),
    /// `[a] =~ /x/`; negated: `!~`.
    Match {
        /// What is searched.
        subject: Operand,
        /// The regular expression's source.
        pattern: String,
        /// `!~` instead of `=~`.
        negated: bool,
    },
    /// `[a] in [b]`; negated: `not in`.
    In {
        /// What is looked for.
        needle: Operand,
        /// The list or text it is looked for in.
        haystack: Operand,
        /// `not in` instead of `in`.
        negated: bool,
    },
    /// A lone operand: present, and neither `false`, empty, nor the text `false`.
    Truthy(Operand),
}

/// Boolean operators. `and` binds tighter than `or`; `xor` and `nand` stand beside others only in parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogicOp {
    /// Both hold.
    And,
    /// At least one holds.
    Or,
    /// Exactly one holds.
    Xor,
    /// Not both hold.
    Nand,
}

impl LogicOp {
    /// The operator's spelling.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Xor => "xor",
            Self::Nand => "nand",
        }
    }
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `>`
    Gt,
    /// `<=`
    Le,
    /// `>=`
    Ge,
}

impl CompareOp {
    /// The operator's spelling.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Gt => ">",
            Self::Le => "<=",
            Self::Ge => ">=",
        }
    }
}

/// What a condition compares.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A field of the record.
    Field(FieldRef),
    /// A string literal.
    String(String),
    /// A number literal.
    Number(Number),
    /// A list literal.
    Array(Vec<Operand>),
}
