//! A document as an object, by the rules of `XmlSimple`: attributes and elements are members, what is repeated is a list.

use bumpalo::Bump;

use super::tree::{Document, Kind, NodeId};
use crate::value::{Member, Value};

/// Member for the text of an element that has more than text.
const CONTENT: &str = "content";
/// An element of this name stands for a list without a name.
const ANONYMOUS: &str = "anon";

/// How a document becomes an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Elements are lists even if they occur once.
    pub(super) force_array: bool,
    /// Text is a member even if there is nothing else.
    pub(super) force_content: bool,
    /// Elements without content are left out.
    pub(super) suppress_empty: bool,
}

/// A value that may still grow.
enum Draft<'a> {
    Nothing,
    Text(&'a str),
    List(Vec<Draft<'a>>),
    Object(Vec<(&'a str, Draft<'a>)>),
}

impl Layout {
    /// The value of an element; its own name is not part of it.
    pub(super) fn value<'a>(
        self,
        document: &Document,
        element: NodeId,
        bump: &'a Bump,
    ) -> Value<'a> {
        let collapse = Collapse {
            layout: self,
            document,
            bump,
        };
        collapse.element(element).into_value(bump)
    }
}

struct Collapse<'d, 'a> {
    layout: Layout,
    document: &'d Document,
    bump: &'a Bump,
}

impl<'a> Collapse<'_, 'a> {
    fn element(&self, element: NodeId) -> Draft<'a> {
        let attributes = self.document.attributes(element);
        let mut members: Vec<(&'a str, Draft<'a>)> = attributes
            .iter()
            .filter_map(|id| self.document.attribute(*id))
            .map(|(name, value)| {
                let name: &'a str = self.bump.alloc_str(&name.qualified());
                (name, Draft::Text(self.bump.alloc_str(value)))
            })
            .collect();
        let texts = self.texts(element);
        let children = self.document.children(element);
        if children.iter().any(|id| self.document.is_element(*id)) {
            self.elements(element, &mut members);
            if texts.iter().any(|(_, raw)| !raw.trim().is_empty()) {
                let mut parts: Vec<_> = texts.iter().map(|(_, raw)| self.text(raw)).collect();
                let content = match (parts.len(), parts.pop()) {
                    (1, Some(only)) => only,
                    (_, last) => Draft::List(parts.into_iter().chain(last).collect()),
                };
                members.retain(|(name, _)| *name != CONTENT);
                members.push((CONTENT, content));
            }
        } else if !texts.is_empty() {
            let text: String = texts.iter().map(|(text, _)| *text).collect();
            return match (attributes.is_empty(), text.trim().is_empty()) {
                (true, true) => Draft::Object(Vec::new()),
                (true, false) if !self.layout.force_content => self.text(&text),
                _ => {
                    self.merge(&mut members, CONTENT, self.text(&text));
                    Draft::Object(members)
                }
            };
        }
        let lists = members
            .iter()
            .filter(|(_, draft)| matches!(draft, Draft::List(_)));
        if lists.count() == 1
            && let Some(at) = members
                .iter()
                .position(|(name, draft)| *name == ANONYMOUS && matches!(draft, Draft::List(_)))
        {
            return members.swap_remove(at).1;
        }
        match members.is_empty() && self.layout.suppress_empty {
            true => Draft::Nothing,
            false => Draft::Object(members),
        }
    }

    fn elements(&self, element: NodeId, members: &mut Vec<(&'a str, Draft<'a>)>) {
        let keeps_empty =
            !self.layout.suppress_empty || !self.document.attributes(element).is_empty();
        for child in self.document.children(element) {
            let Some(Kind::Element { name, .. }) = self.document.kind(*child) else {
                continue;
            };
            let value = self.element(*child);
            if keeps_empty || !value.is_empty() {
                self.merge(members, self.bump.alloc_str(&name.local), value);
            }
        }
    }

    /// The texts right inside of an element, with and without references replaced.
    fn texts(&self, element: NodeId) -> Vec<(&str, &str)> {
        let children = self.document.children(element).iter();
        children
            .filter_map(|id| match self.document.kind(*id) {
                Some(Kind::Text { text, raw }) => Some((text.as_str(), raw.as_str())),
                Some(Kind::CData(text)) => Some((text.as_str(), text.as_str())),
                _ => None,
            })
            .collect()
    }

    fn text(&self, text: &str) -> Draft<'a> {
        Draft::Text(self.bump.alloc_str(text))
    }

    fn merge(&self, members: &mut Vec<(&'a str, Draft<'a>)>, name: &'a str, value: Draft<'a>) {
        let Some((_, known)) = members.iter_mut().find(|(known, _)| *known == name) else {
            let lists =
                matches!(value, Draft::List(_)) || (self.layout.force_array && name != CONTENT);
            let value = if lists {
                Draft::List(vec![value])
            } else {
                value
            };
            members.push((name, value));
            return;
        };
        match known {
            Draft::List(items) => items.push(value),
            single => {
                let first = std::mem::replace(single, Draft::Nothing);
                *single = Draft::List(vec![first, value]);
            }
        }
    }
}

impl<'a> Draft<'a> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::List(_) => false,
            Self::Object(members) => members.is_empty(),
        }
    }

    fn into_value(self, bump: &'a Bump) -> Value<'a> {
        match self {
            Self::Nothing => Value::Null,
            Self::Text(text) => Value::Str(text),
            Self::List(items) => {
                let items: Vec<_> = items
                    .into_iter()
                    .map(|item| item.into_value(bump))
                    .collect();
                Value::Array(bump.alloc_slice_copy(&items))
            }
            Self::Object(members) => {
                let members: Vec<Member<'a>> = members
                    .into_iter()
                    .map(|(name, draft)| (name, draft.into_value(bump)))
                    .collect();
                Value::Object(bump.alloc_slice_copy(&members))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_become_what_xml_simple_makes_of_them() {
        let plain = Layout {
            force_array: false,
            force_content: false,
            suppress_empty: true,
        };
        let lists = Layout {
            force_array: true,
            ..plain
        };
        let content = Layout {
            force_content: true,
            suppress_empty: false,
            ..plain
        };
        for (layout, xml, json) in [
            (plain, "<a/>", "null"),
            (plain, "<a> </a>", "{}"),
            (content, "<a/>", "{}"),
            (content, "<a>x</a>", r#"{"content":"x"}"#),
            (plain, "<a x='1'/>", r#"{"x":"1"}"#),
            (plain, "<a x='1'> </a>", r#"{"x":"1","content":" "}"#),
            (
                plain,
                "<a x='1'><x>2</x><b/></a>",
                r#"{"x":["1","2"],"b":null}"#,
            ),
            (lists, "<a><b/><c> </c><d>1</d></a>", r#"{"d":["1"]}"#),
            (
                lists,
                "<a>1 &lt; 2<b>x</b>&amp;</a>",
                r#"{"b":["x"],"content":["1 &lt; 2","&amp;"]}"#,
            ),
            (lists, "<a>t<b>x</b></a>", r#"{"b":["x"],"content":"t"}"#),
            (plain, "<a><anon>1</anon><anon>2</anon></a>", r#"["1","2"]"#),
            (
                lists,
                "<p:a xmlns:p='u'><p:b p:c='1'/></p:a>",
                r#"{"xmlns:p":"u","b":[{"p:c":"1"}]}"#,
            ),
            (plain, "<a>1<!-- c -->2<![CDATA[<]]></a>", r#""12<""#),
        ] {
            let (bump, document) = (Bump::new(), super::super::parse::parse(xml));
            let value = layout.value(&document, document.outermost().unwrap(), &bump);
            let mut text = Vec::new();
            crate::json::write_value(value, &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), json, "{xml}");
        }
    }
}
