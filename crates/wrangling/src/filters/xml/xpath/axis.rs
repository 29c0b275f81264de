//! The directions that a step may go in.

use crate::filters::xml::tree::{Document, NodeId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Itself,
    Parent,
    Preceding,
    PrecedingSibling,
}

const NAMES: [(&str, Axis); 12] = [
    ("ancestor", Axis::Ancestor),
    ("ancestor-or-self", Axis::AncestorOrSelf),
    ("attribute", Axis::Attribute),
    ("child", Axis::Child),
    ("descendant", Axis::Descendant),
    ("descendant-or-self", Axis::DescendantOrSelf),
    ("following", Axis::Following),
    ("following-sibling", Axis::FollowingSibling),
    ("parent", Axis::Parent),
    ("preceding", Axis::Preceding),
    ("preceding-sibling", Axis::PrecedingSibling),
    ("self", Axis::Itself),
];

impl Axis {
    pub(super) fn find(name: &str) -> Result<Self, String> {
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, axis)| *axis).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            format!("`{name}` is none of the axes {}", names.join(", "))
        })
    }

    /// The nodes on the axis of a node, the nearest first.
    pub(super) fn nodes(self, document: &Document, node: NodeId) -> Vec<NodeId> {
        match self {
            Self::Itself => vec![node],
            Self::Parent => document.parent(node).into_iter().collect(),
            Self::Child => document.children(node).to_vec(),
            Self::Attribute => {
                let attributes = document.attributes(node).iter().copied();
                attributes.filter(|id| is_plain(document, *id)).collect()
            }
            Self::Ancestor => ancestors(document, node).collect(),
            Self::AncestorOrSelf => std::iter::once(node)
                .chain(ancestors(document, node))
                .collect(),
            Self::Descendant => descendants(document, node),
            Self::DescendantOrSelf => {
                let mut nodes = vec![node];
                nodes.append(&mut descendants(document, node));
                nodes
            }
            Self::FollowingSibling | Self::PrecedingSibling => siblings(self, document, node),
            Self::Following | Self::Preceding => {
                let sideways = match self {
                    Self::Following => Self::FollowingSibling,
                    _ => Self::PrecedingSibling,
                };
                let mut nodes = Vec::new();
                for around in std::iter::once(node).chain(ancestors(document, node)) {
                    for sibling in siblings(sideways, document, around) {
                        let mut inside = vec![sibling];
                        inside.append(&mut descendants(document, sibling));
                        if self == Self::Preceding {
                            inside.reverse();
                        }
                        nodes.append(&mut inside);
                    }
                }
                nodes
            }
        }
    }
}

/// Whether an attribute is one for `XPath`, which declarations of namespaces are not.
fn is_plain(document: &Document, id: NodeId) -> bool {
    let attribute = document.attribute(id);
    attribute.is_some_and(|(name, _)| name.declares().is_none())
}

pub(super) fn ancestors(document: &Document, node: NodeId) -> impl Iterator<Item = NodeId> {
    std::iter::successors(document.parent(node), |id| document.parent(*id))
}

fn descendants(document: &Document, node: NodeId) -> Vec<NodeId> {
    let mut found = Vec::new();
    let mut todo: Vec<NodeId> = document.children(node).iter().rev().copied().collect();
    while let Some(next) = todo.pop() {
        found.push(next);
        todo.extend(document.children(next).iter().rev());
    }
    found
}

/// The nodes beside a node, the nearest first; an attribute has none.
fn siblings(axis: Axis, document: &Document, node: NodeId) -> Vec<NodeId> {
    let all = document
        .parent(node)
        .map_or(&[][..], |parent| document.children(parent));
    let Some(at) = all.iter().position(|id| *id == node) else {
        return Vec::new();
    };
    match axis {
        Axis::PrecedingSibling => all.iter().take(at).rev().copied().collect(),
        _ => all.iter().skip(at + 1).copied().collect(),
    }
}
