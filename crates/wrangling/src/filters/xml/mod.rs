//! `xml`: a field's XML as an object, and the parts of it that `XPath` expressions choose.

mod parse;
mod serialize;
mod simple;
mod tree;
mod xpath;

use bumpalo::collections::Vec as BumpVec;

use self::simple::Layout;
use self::tree::Document;
use self::xpath::{Namespaces, Object, XPath};
use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::number::ruby_double;
use crate::options::Options;
use crate::value::Value;

/// Tag of what is no XML.
pub(super) const FAILURE_TAG: &str = "_xmlparsefailure";

/// What `parse_options` may say; of these only `strict` and `recover` matter here.
const PARSE_OPTIONS: [&str; 25] = [
    "BIGLINES",
    "COMPACT",
    "DEFAULTHTML",
    "DEFAULTSCHEMA",
    "DEFAULTXML",
    "DEFAULTXSLT",
    "DTDATTR",
    "DTDLOAD",
    "DTDVALID",
    "HUGE",
    "NOBASEFIX",
    "NOBLANKS",
    "NOCDATA",
    "NODICT",
    "NOENT",
    "NOERROR",
    "NONET",
    "NOWARNING",
    "NOXINCNODE",
    "NSCLEAN",
    "OLD10",
    "PEDANTIC",
    "RECOVER",
    "STRICT",
    "XINCLUDE",
];
/// Options that stand for several, of which `RECOVER` is one.
const RECOVERING: [&str; 5] = [
    "DEFAULTHTML",
    "DEFAULTSCHEMA",
    "DEFAULTXML",
    "DEFAULTXSLT",
    "RECOVER",
];

/// A compiled xml filter.
#[derive(Debug)]
pub(crate) struct Xml {
    source: FieldPath,
    /// Where the whole document goes, unless it is not stored.
    target: Option<FieldPath>,
    layout: Layout,
    /// Expressions and the fields for what they find.
    paths: Vec<(XPath, FieldPath)>,
    namespaces: Namespaces,
    remove_namespaces: bool,
    /// Whether nothing is taken from a document that is not well formed.
    strict: bool,
}

impl Xml {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let Some(source) = options.text("source") else {
            let message = "xml needs `source`: the field to parse".to_owned();
            compiler.violation(options.at("source"), "missing_option", message);
            return None;
        };
        let source = compiler.field(source, &options.at("source"))?;
        let target = match options.text("target").filter(|target| !target.is_empty()) {
            _ if !options.flag("store_xml", true) => None,
            Some(target) => Some(compiler.field(target, &options.at("target"))?),
            None => {
                let message =
                    "xml needs `target`, the field for the document, unless `store_xml` is false";
                let at = options.at("target");
                compiler.violation(at, "missing_option", message.to_owned());
                return None;
            }
        };
        let prefix = |name: &str| name.strip_prefix("xmlns:").unwrap_or(name).to_owned();
        let namespaces = options.text_pairs("namespaces").into_iter();
        Some(Self {
            source,
            target,
            layout: Layout {
                force_array: options.flag("force_array", true),
                force_content: options.flag("force_content", false),
                suppress_empty: options.flag("suppress_empty", true),
            },
            paths: paths(options, compiler)?,
            namespaces: namespaces
                .map(|(name, uri)| (prefix(name), uri.to_owned()))
                .collect(),
            remove_namespaces: options.flag("remove_namespaces", false),
            strict: is_strict(options, compiler)?,
        })
    }

    pub(super) fn apply<'a>(&self, event: &mut Event<'a>) -> Applied<'a> {
        let result = self.try_apply(event);
        Applied::from_result(result, event)
    }

    fn try_apply<'a>(&self, event: &mut Event<'a>) -> Result<Applied<'a>, FilterError> {
        let text = match event.get(&self.source) {
            Value::Absent | Value::Null | Value::Bool(false) => return Ok(Applied::Skipped),
            Value::Str(text) => text,
            Value::Array([Value::Str(text)]) => *text,
            Value::Array(items) if items.len() != 1 => {
                return Err(self.error("the list has not one text, but none or several".to_owned()));
            }
            _ => return Err(self.error("the value is no text".to_owned())),
        };
        if text.trim().is_empty() {
            return Ok(Applied::Skipped);
        }
        let mut document = parse::parse(text);
        let failure = document.error.take().map(|error| self.error(error));
        let failure = match failure {
            Some(error) if self.strict => return Err(error),
            failure => failure,
        };
        let stored = document
            .outermost()
            .filter(|_| self.target.is_some() && failure.is_none())
            .map(|root| self.layout.value(&document, root, event.bump));
        if self.remove_namespaces {
            document.remove_namespaces();
        }
        let found = self.find(&document, event)?;
        match (&self.target, stored, failure) {
            (Some(target), Some(value), _) => event.set(target, value)?,
            (Some(_), None, Some(error)) => return Err(error),
            _ if found => {}
            _ => return Ok(Applied::Skipped),
        }
        Ok(Applied::Matched)
    }

    /// Sets the fields of the expressions; whether any was set.
    fn find<'a>(&self, document: &Document, event: &mut Event<'a>) -> Result<bool, FilterError> {
        if self.paths.is_empty() {
            return Ok(false);
        }
        let declared = match self.namespaces.is_empty() {
            true => Some(declared_namespaces(document)),
            false => None,
        };
        let namespaces = declared.as_ref().unwrap_or(&self.namespaces);
        let mut any = false;
        for (path, field) in &self.paths {
            let object = path
                .evaluate(document, namespaces)
                .map_err(|message| self.error(message))?;
            let texts = texts(object, document);
            let mut values = BumpVec::with_capacity_in(texts.len(), event.bump);
            values.extend(
                texts
                    .iter()
                    .map(|text| Value::Str(event.bump.alloc_str(text))),
            );
            let value = match values.as_slice() {
                [] => continue,
                [only] if !self.layout.force_array => *only,
                _ => Value::Array(values.into_bump_slice()),
            };
            any = true;
            event.set(field, value)?;
        }
        Ok(any)
    }

    fn error(&self, message: String) -> FilterError {
        FilterError::value(self.source.field.to_string(), message)
    }
}

/// What an expression found, as texts; `false` is nothing.
fn texts(object: Object, document: &Document) -> Vec<String> {
    match object {
        Object::Nodes(nodes) => nodes
            .into_iter()
            .map(|node| serialize::serialize(document, node))
            .collect(),
        Object::Text(text) => vec![text],
        Object::Number(number) => vec![ruby_double(number)],
        Object::Bool(true) => vec!["true".to_owned()],
        Object::Bool(false) => Vec::new(),
    }
}

/// The namespaces that the outermost element declares; the default one has the prefix `xmlns`.
fn declared_namespaces(document: &Document) -> Namespaces {
    let root = document.outermost();
    let declared = root
        .map(|root| document.declared(root))
        .into_iter()
        .flatten();
    declared
        .map(|(prefix, uri)| match prefix {
            "" => ("xmlns".to_owned(), uri.to_owned()),
            prefix => (prefix.to_owned(), uri.to_owned()),
        })
        .collect()
}

fn paths(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Vec<(XPath, FieldPath)>> {
    let at = options.at("xpath");
    let mut paths = Vec::new();
    for (path, field) in options.text_pairs("xpath") {
        let field = compiler.field(field, &at)?;
        match XPath::compile(path) {
            Ok(path) => paths.push((path, field)),
            Err(reason) => {
                let message =
                    format!("`{path}` is no XPath 1.0 expression that runs here: {reason}");
                compiler.violation(at, "invalid_xpath", message);
                return None;
            }
        }
    }
    Some(paths)
}

fn is_strict(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<bool> {
    let Some(given) = options.text("parse_options") else {
        return Some(false);
    };
    let names = given.split([',', '|']);
    let names: Vec<String> = names
        .map(|name| name.trim().replace('_', "").to_uppercase())
        .filter(|name| !name.is_empty())
        .collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| !PARSE_OPTIONS.contains(&name.as_str()))
    {
        let message = format!("`{unknown}` is none of strict, no_error, no_warning, recover");
        compiler.violation(options.at("parse_options"), "invalid_value", message);
        return None;
    }
    Some(!names.iter().any(|name| RECOVERING.contains(&name.as_str())))
}
