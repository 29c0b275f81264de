//! From text to a tree.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::tree::{Document, Kind, Name, NodeId, ROOT, XML_NAMESPACE};

/// Deeper nesting is refused: documents like that have no use, and the stack is finite.
const MAX_DEPTH: usize = 256;

/// Parses a document. If it is not well formed, what comes before the error is there, and the error.
pub(super) fn parse(text: &str) -> Document {
    let mut builder = Builder {
        document: Document::new(),
        open: Vec::new(),
        raw: String::new(),
        scope: vec![
            (String::new(), String::new()),
            ("xml".to_owned(), XML_NAMESPACE.to_owned()),
        ],
        unbound: None,
    };
    let error = builder.read(text).err().or(builder.unbound);
    builder.document.error = error;
    builder.document
}

struct Builder {
    document: Document,
    /// Open elements, each with the length of `scope` before it.
    open: Vec<(NodeId, usize)>,
    /// Text that is not yet a node.
    raw: String,
    /// Prefixes and their namespaces.
    scope: Vec<(String, String)>,
    /// An error that reading goes on after.
    unbound: Option<String>,
}

impl Builder {
    fn read(&mut self, text: &str) -> Result<(), String> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            match &event {
                Event::Text(text) => self.raw.push_str(text),
                Event::GeneralRef(name) => self.raw.push_str(&format!("&{};", &**name)),
                _ => self.flush_text()?,
            }
            match event {
                Event::Start(start) => self.start(&start)?,
                Event::End(_) => {
                    if let Some((_, scope)) = self.open.pop() {
                        self.scope.truncate(scope);
                    }
                }
                Event::CData(text) if self.open.is_empty() => {
                    return Err(format!("`{}` is outside of the document's element", &*text));
                }
                Event::CData(text) => self.add(Kind::CData(text.to_string())),
                Event::Comment(text) => self.add(Kind::Comment(text.to_string())),
                Event::PI(instruction) => self.add(Kind::Instruction {
                    target: instruction.target().to_owned(),
                    data: instruction.content().trim_start().to_owned(),
                }),
                Event::Eof => break,
                _ => {}
            }
        }
        match (self.open.is_empty(), self.document.outermost()) {
            (false, _) => Err("an element is not closed".to_owned()),
            (true, None) => Err("there is no element".to_owned()),
            (true, Some(_)) => Ok(()),
        }
    }

    fn parent(&self) -> NodeId {
        self.open.last().map_or(ROOT, |(id, _)| *id)
    }

    fn add(&mut self, kind: Kind) {
        self.document.push(self.parent(), kind);
    }

    fn flush_text(&mut self) -> Result<(), String> {
        let raw = std::mem::take(&mut self.raw);
        if self.open.is_empty() {
            return match raw.trim() {
                "" => Ok(()),
                text => Err(format!("`{text}` is outside of the document's element")),
            };
        }
        if !raw.is_empty() {
            let raw = raw.replace("\r\n", "\n").replace('\r', "\n");
            let text = expand(&raw)?;
            self.add(Kind::Text { text, raw });
        }
        Ok(())
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        if self.open.is_empty() && self.document.outermost().is_some() {
            return Err("there is a second element after the document's".to_owned());
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("elements are nested deeper than {MAX_DEPTH}"));
        }
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let (name, raw) = (attribute.key.as_ref(), &*attribute.value);
            if raw.contains('<') {
                return Err(format!("the attribute `{name}` holds a `<`"));
            }
            attributes.push((Name::of(valid_name(name)?), expand(raw)?));
        }
        attributes.sort_by_key(|(name, _)| name.qualified());
        let scope = self.scope.len();
        for (name, value) in &attributes {
            if let Some(prefix) = name.declares() {
                self.scope.push((prefix.to_owned(), value.clone()));
            }
        }
        let mut name = Name::of(valid_name(start.name().as_ref())?);
        name.uri = self.namespace(&name.prefix);
        let element = self.document.push(
            self.parent(),
            Kind::Element {
                name,
                attributes: Vec::new(),
                children: Vec::new(),
            },
        );
        for (mut name, value) in attributes {
            if !name.prefix.is_empty() && name.declares().is_none() {
                name.uri = self.namespace(&name.prefix);
            }
            self.document.push(element, Kind::Attribute { name, value });
        }
        self.open.push((element, scope));
        Ok(())
    }

    fn namespace(&mut self, prefix: &str) -> String {
        let known = self.scope.iter().rev().find(|(known, _)| known == prefix);
        if known.is_none() {
            let message = format!("the prefix `{prefix}` is not declared");
            self.unbound.get_or_insert(message);
        }
        known.map_or_else(String::new, |(_, uri)| uri.clone())
    }
}

fn valid_name(name: &str) -> Result<&str, String> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}'))
    };
    match name.split(':').all(part) && name.matches(':').count() < 2 {
        true => Ok(name),
        false => Err(format!("`{name}` is no name")),
    }
}

/// Replaces references; one to an entity that is not known stays.
fn expand(raw: &str) -> Result<String, String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, tail) = after
            .split_once(';')
            .ok_or_else(|| "a `&` begins no reference".to_owned())?;
        text.push_str(before);
        match (name, name.strip_prefix('#')) {
            ("lt", _) => text.push('<'),
            ("gt", _) => text.push('>'),
            ("amp", _) => text.push('&'),
            ("quot", _) => text.push('"'),
            ("apos", _) => text.push('\''),
            (_, Some(number)) => {
                text.push(character(number).ok_or_else(|| format!("`&{name};` is no character"))?)
            }
            (name, None) => {
                valid_name(name)?;
                text.push_str(&format!("&{name};"));
            }
        }
        rest = tail;
    }
    text.push_str(rest);
    Ok(text)
}

/// The character with a number, which is hexadecimal after an `x`.
fn character(number: &str) -> Option<char> {
    let code = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    let c = char::from_u32(code.ok()?)?;
    (!c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}')).then_some(c)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_well_formed_documents_are_fine() {
        for text in [
            "<a/>",
            "<?xml version='1.0'?><!DOCTYPE a><!-- c --><a b='1' c=\"&#x41;\"><?p i?></a>\n",
            "<a>&nbsp;&lt;</a>",
            "<é.x-1>]]</é.x-1>",
            "<a xmlns:p='u' p:b=''><p:c xml:lang='de'/></a>",
        ] {
            assert_eq!(parse(text).error, None, "{text}");
        }
        for text in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/>text",
            "text<a/>",
            "<a/><b/>",
            "<a b></a>",
            "<a b=c/>",
            "<a b='1' b='2'/>",
            "<a b='<'/>",
            "<a>&</a>",
            "<a>& ;</a>",
            "<a>&#0;</a>",
            "<1a/>",
            "<p:a/>",
            "<a p:b='1'/>",
            "<a/",
            "<!-- a",
            &"<a>".repeat(300),
        ] {
            assert!(parse(text).error.is_some(), "{text}");
        }
    }
}
