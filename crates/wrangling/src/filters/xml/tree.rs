//! An XML document as a tree whose nodes are numbered in document order.

/// A node's number.
pub(super) type NodeId = usize;

/// The root of every document: the parent of its outermost element.
pub(super) const ROOT: NodeId = 0;

/// What the prefix `xml` always stands for.
pub(super) const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// A document; what could be read of it if it is not well formed.
#[derive(Debug)]
pub(super) struct Document {
    nodes: Vec<Node>,
    /// Why it is not well formed.
    pub(super) error: Option<String>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) parent: NodeId,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Root {
        children: Vec<NodeId>,
    },
    Element {
        name: Name,
        /// Sorted by name.
        attributes: Vec<NodeId>,
        children: Vec<NodeId>,
    },
    /// An attribute; declarations of namespaces are some, too.
    Attribute {
        name: Name,
        value: String,
    },
    /// Text, and as it stands in the document with its references.
    Text {
        text: String,
        raw: String,
    },
    CData(String),
    Comment(String),
    Instruction {
        target: String,
        data: String,
    },
}

/// A name with the namespace that its prefix stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) prefix: String,
    pub(super) local: String,
    /// Empty for none.
    pub(super) uri: String,
}

impl Name {
    /// `prefix:local` taken apart; the namespace is not known yet.
    pub(super) fn of(qualified: &str) -> Self {
        let (prefix, local) = qualified.split_once(':').unwrap_or(("", qualified));
        Self {
            prefix: prefix.to_owned(),
            local: local.to_owned(),
            uri: String::new(),
        }
    }

    pub(super) fn qualified(&self) -> String {
        match self.prefix.as_str() {
            "" => self.local.clone(),
            prefix => format!("{prefix}:{}", self.local),
        }
    }

    /// The prefix that an attribute of this name declares a namespace for; empty for the default one.
    pub(super) fn declares(&self) -> Option<&str> {
        match (self.prefix.as_str(), self.local.as_str()) {
            ("", "xmlns") => Some(""),
            ("xmlns", prefix) => Some(prefix),
            _ => None,
        }
    }
}

impl Document {
    pub(super) fn new() -> Self {
        let children = Vec::new();
        let root = Node {
            parent: ROOT,
            kind: Kind::Root { children },
        };
        Self {
            nodes: vec![root],
            error: None,
        }
    }

    /// Adds a node as the last child of `parent`, or as an attribute of it.
    pub(super) fn push(&mut self, parent: NodeId, kind: Kind) -> NodeId {
        let id = self.nodes.len();
        let is_attribute = matches!(kind, Kind::Attribute { .. });
        self.nodes.push(Node { parent, kind });
        match self.nodes.get_mut(parent).map(|node| &mut node.kind) {
            Some(Kind::Element { attributes, .. }) if is_attribute => attributes.push(id),
            Some(Kind::Root { children } | Kind::Element { children, .. }) => children.push(id),
            _ => {}
        }
        id
    }

    pub(super) fn kind(&self, id: NodeId) -> Option<&Kind> {
        self.nodes.get(id).map(|node| &node.kind)
    }

    pub(super) fn parent(&self, id: NodeId) -> Option<NodeId> {
        let node = self.nodes.get(id)?;
        (id != ROOT).then_some(node.parent)
    }

    pub(super) fn children(&self, id: NodeId) -> &[NodeId] {
        match self.kind(id) {
            Some(Kind::Root { children } | Kind::Element { children, .. }) => children,
            _ => &[],
        }
    }

    pub(super) fn attributes(&self, id: NodeId) -> &[NodeId] {
        match self.kind(id) {
            Some(Kind::Element { attributes, .. }) => attributes,
            _ => &[],
        }
    }

    /// The name and the value of an attribute.
    pub(super) fn attribute(&self, id: NodeId) -> Option<(&Name, &str)> {
        match self.kind(id) {
            Some(Kind::Attribute { name, value }) => Some((name, value)),
            _ => None,
        }
    }

    pub(super) fn is_element(&self, id: NodeId) -> bool {
        matches!(self.kind(id), Some(Kind::Element { .. }))
    }

    /// The outermost element.
    pub(super) fn outermost(&self) -> Option<NodeId> {
        let children = self.children(ROOT).iter();
        children.copied().find(|id| self.is_element(*id))
    }

    /// The namespaces that an element declares: prefix (empty for the default) and name.
    pub(super) fn declared(&self, id: NodeId) -> impl Iterator<Item = (&str, &str)> {
        let attributes = self.attributes(id).iter();
        attributes
            .filter_map(|id| self.attribute(*id))
            .filter_map(|(name, value)| Some((name.declares()?, value)))
    }

    /// Takes all prefixes, namespaces and their declarations away.
    pub(super) fn remove_namespaces(&mut self) {
        let declarations: Vec<bool> = (0..self.nodes.len())
            .map(|id| {
                self.attribute(id)
                    .is_some_and(|(name, _)| name.declares().is_some())
            })
            .collect();
        for node in &mut self.nodes {
            if let Kind::Element { attributes, .. } = &mut node.kind {
                attributes.retain(|id| declarations.get(*id) != Some(&true));
            }
            if let Kind::Element { name, .. } | Kind::Attribute { name, .. } = &mut node.kind {
                name.prefix.clear();
                name.uri.clear();
            }
        }
    }
}
