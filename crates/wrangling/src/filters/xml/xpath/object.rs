//! The values of expressions, and how one kind becomes another.

use crate::filters::xml::tree::{Document, Kind, NodeId};

#[derive(Debug, Clone)]
pub(in crate::filters::xml) enum Object {
    /// In document order, each once.
    Nodes(Vec<NodeId>),
    Text(String),
    Number(f64),
    Bool(bool),
}

impl Object {
    pub(super) fn text(&self, document: &Document) -> String {
        match self {
            Self::Nodes(nodes) => nodes
                .first()
                .map_or_else(String::new, |node| string_value(document, *node)),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number_text(*number),
            Self::Bool(flag) => flag.to_string(),
        }
    }

    pub(super) fn number(&self, document: &Document) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Bool(flag) => f64::from(u8::from(*flag)),
            other => text_number(&other.text(document)),
        }
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Nodes(nodes) => !nodes.is_empty(),
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Bool(flag) => *flag,
        }
    }

    pub(super) fn nodes(self) -> Result<Vec<NodeId>, String> {
        match self {
            Self::Nodes(nodes) => Ok(nodes),
            _ => Err("there is a value where nodes are needed".to_owned()),
        }
    }
}

/// The text of a node and of all that is in it.
pub(super) fn string_value(document: &Document, node: NodeId) -> String {
    match document.kind(node) {
        Some(
            Kind::Attribute { value: text, .. }
            | Kind::Text { text, .. }
            | Kind::CData(text)
            | Kind::Comment(text)
            | Kind::Instruction { data: text, .. },
        ) => text.clone(),
        _ => {
            let mut all = String::new();
            collect_text(document, node, &mut all);
            all
        }
    }
}

fn collect_text(document: &Document, node: NodeId, all: &mut String) {
    for child in document.children(node) {
        match document.kind(*child) {
            Some(Kind::Text { text, .. } | Kind::CData(text)) => all.push_str(text),
            _ => collect_text(document, *child, all),
        }
    }
}

fn number_text(number: f64) -> String {
    match number {
        number if number.is_infinite() && number > 0.0 => "Infinity".to_owned(),
        number if number.is_infinite() => "-Infinity".to_owned(),
        // without the sign of a negative zero
        0.0 => "0".to_owned(),
        number => number.to_string(),
    }
}

pub(super) fn text_number(text: &str) -> f64 {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    let digits = text.strip_prefix('-').unwrap_or(text);
    match digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        true => text.parse().unwrap_or(f64::NAN),
        false => f64::NAN,
    }
}
