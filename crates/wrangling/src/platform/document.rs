//! The document's index and id.

use bumpalo::collections::String as BumpString;

use crate::ast::Document;
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath, Flow, Refusal, Run};
use crate::template::Template;
use crate::value::Value;

/// Elasticsearch's limit of an index name, in bytes.
const MAX_INDEX_BYTES: usize = 255;
/// Elasticsearch's limit of an id, in bytes.
const MAX_ID_BYTES: usize = 512;
/// Between the values of id fields.
const ID_SEPARATOR: char = '|';

/// A compiled document statement.
#[derive(Debug)]
pub(crate) struct DocumentNode {
    index: Index,
    id: Vec<(FieldPath, Box<str>)>,
}

#[derive(Debug)]
enum Index {
    /// The same for every record.
    Constant(Box<str>),
    Template {
        prefix: Box<str>,
        name: Template,
    },
}

impl DocumentNode {
    pub(crate) fn compile(document: &Document, compiler: &mut Compiler<'_>) -> Option<Self> {
        let template = compiler.template(&document.index, "/index")?;
        let prefix = format!("{}.", compiler.environment.client);
        let index = match template.constant() {
            Some(name) => {
                let index: String = prefix.chars().chain(sanitised(name)).collect();
                if let Err(reason) = check_length(name, &index) {
                    compiler.violation("/index".to_owned(), "index_name", reason.to_owned());
                }
                Index::Constant(index.into())
            }
            None => Index::Template {
                prefix: prefix.into(),
                name: template,
            },
        };
        let id = document
            .id
            .iter()
            .filter_map(|field| compiler.field(field, "/id"))
            .map(|path| {
                let name = path.field.to_string().into_boxed_str();
                (path, name)
            })
            .collect();
        Some(Self { index, id })
    }

    pub(crate) fn run<'a>(&'a self, event: &Event<'a>, run: &mut Run<'a>) -> Flow<'a> {
        match self
            .index(event)
            .and_then(|index| Ok((index, self.id(event)?)))
        {
            Ok((index, id)) => {
                run.index = index;
                run.id = id;
                Flow::Next
            }
            Err(refusal) => Flow::Reject(refusal),
        }
    }

    fn index<'a>(&'a self, event: &Event<'a>) -> Result<&'a str, Refusal<'a>> {
        let (prefix, template) = match &self.index {
            Index::Constant(index) => return Ok(index),
            Index::Template { prefix, name } => (prefix, name),
        };
        let refuse = |code, message| Refusal {
            code,
            step: "document",
            field: "",
            message,
        };
        let name = template.render_strictly(event).map_err(|error| {
            refuse(
                "missing_index_field",
                event.bump.alloc_str(&error.to_string()),
            )
        })?;
        let mut index = BumpString::from_str_in(prefix, event.bump);
        index.extend(sanitised(name));
        check_length(name, &index).map_err(|reason| refuse("index_name", reason))?;
        Ok(index.into_bump_str())
    }

    fn id<'a>(&'a self, event: &Event<'a>) -> Result<Option<&'a str>, Refusal<'a>> {
        if self.id.is_empty() {
            return Ok(None);
        }
        let mut id = BumpString::new_in(event.bump);
        for (path, name) in &self.id {
            let text = match event.get(path) {
                Value::Absent | Value::Null | Value::Str("") => {
                    let message = "the record has no value in a field that is part of the id";
                    return Err(Refusal {
                        code: "missing_id_field",
                        step: "document",
                        field: name,
                        message,
                    });
                }
                value => value.text(event.bump),
            };
            if !id.is_empty() {
                id.push(ID_SEPARATOR);
            }
            id.push_str(text);
        }
        if id.len() > MAX_ID_BYTES {
            let message = event.bump.alloc_str(&format!(
                "the id has {} bytes; at most {MAX_ID_BYTES} are allowed",
                id.len()
            ));
            return Err(Refusal {
                code: "id_too_long",
                step: "document",
                field: "",
                message,
            });
        }
        Ok(Some(id.into_bump_str()))
    }
}

/// Whether `index`, made of `name`, is a possible index name.
fn check_length(name: &str, index: &str) -> Result<(), &'static str> {
    match (name.is_empty(), index.len() > MAX_INDEX_BYTES) {
        (true, _) => Err("the index name is empty"),
        (_, true) => Err("the index name is longer than 255 bytes"),
        _ => Ok(()),
    }
}

/// Lower case, with `_` for what Elasticsearch does not allow in index names and for what needs escaping in JSON.
fn sanitised(name: &str) -> impl Iterator<Item = char> {
    let legal = |c: char| match c {
        '\\' | '/' | '*' | '?' | '"' | '<' | '>' | '|' | ' ' | ',' | '#' | ':' | '%' | '{'
        | '}' => '_',
        c if c.is_control() || c.is_whitespace() => '_',
        c => c,
    };
    name.chars().map(legal).flat_map(char::to_lowercase)
}
