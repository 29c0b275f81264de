//! Nodes as XML.

use super::tree::{Document, Kind, NodeId, ROOT};

/// The text of a node: the value of an attribute, the XML of anything else.
pub(super) fn serialize(document: &Document, node: NodeId) -> String {
    if let Some((_, value)) = document.attribute(node) {
        return value.to_owned();
    }
    let mut writer = Writer {
        document,
        scope: Vec::new(),
        out: String::new(),
    };
    if node == ROOT {
        let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        writer.out.push_str(declaration);
    }
    writer.node(node);
    writer.out
}

struct Writer<'d> {
    document: &'d Document,
    /// The namespaces declared by elements that are open in the output.
    scope: Vec<(&'d str, &'d str)>,
    out: String,
}

impl Writer<'_> {
    fn node(&mut self, node: NodeId) {
        match self.document.kind(node) {
            Some(Kind::Text { text, .. }) => escape(text, &mut self.out),
            Some(Kind::CData(text)) => self.out.extend(["<![CDATA[", text, "]]>"]),
            Some(Kind::Comment(text)) => self.out.extend(["<!--", text, "-->"]),
            Some(Kind::Instruction { target, data }) => {
                self.out.extend(["<?", target, " ", data, "?>\n"]);
            }
            Some(Kind::Element { name, .. }) => self.element(node, &name.qualified()),
            Some(Kind::Root { children }) => children.iter().for_each(|child| self.node(*child)),
            Some(Kind::Attribute { .. }) | None => {}
        }
    }

    fn element(&mut self, node: NodeId, name: &str) {
        let scope = self.scope.len();
        self.out.extend(["<", name]);
        self.attributes(node);
        let children = self.document.children(node);
        if children.is_empty() {
            self.out.push_str("/>");
        } else {
            self.out.push('>');
            children.iter().for_each(|child| self.node(*child));
            self.out.extend(["</", name, ">"]);
        }
        self.scope.truncate(scope);
    }

    /// The attributes of an element, without declarations that hold already.
    fn attributes(&mut self, node: NodeId) {
        let document = self.document;
        let attributes = document.attributes(node).iter();
        for (name, value) in attributes.filter_map(|id| document.attribute(*id)) {
            if let Some(prefix) = name.declares() {
                let mut holding = self.scope.iter().rev();
                if holding.find(|(known, _)| *known == prefix) == Some(&(prefix, value)) {
                    continue;
                }
                self.scope.push((prefix, value));
            }
            self.out.extend([" ", &name.qualified(), "=\""]);
            let mut escaped = String::new();
            escape(value, &mut escaped);
            let escaped = escaped.replace('"', "&quot;");
            let escaped = escaped.replace('\n', "&#10;").replace('\t', "&#9;");
            self.out.extend([&escaped, "\""]);
        }
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
}
