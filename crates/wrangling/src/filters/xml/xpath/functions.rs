//! The function library.

use super::Expr;
use super::axis::ancestors;
use super::eval::Scope;
use super::object::{Object, string_value, text_number};
use crate::filters::xml::tree::{Kind, Name};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Boolean,
    Ceiling,
    Concat,
    Contains,
    Count,
    False,
    Floor,
    Lang,
    Last,
    LocalName,
    Name,
    NamespaceUri,
    NormalizeSpace,
    Not,
    Number,
    Position,
    Round,
    StartsWith,
    String,
    StringLength,
    Substring,
    SubstringAfter,
    SubstringBefore,
    Sum,
    Translate,
    True,
}

/// Name, function, fewest and most arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 26] = [
    ("boolean", Function::Boolean, 1, 1),
    ("ceiling", Function::Ceiling, 1, 1),
    ("concat", Function::Concat, 2, usize::MAX),
    ("contains", Function::Contains, 2, 2),
    ("count", Function::Count, 1, 1),
    ("false", Function::False, 0, 0),
    ("floor", Function::Floor, 1, 1),
    ("lang", Function::Lang, 1, 1),
    ("last", Function::Last, 0, 0),
    ("local-name", Function::LocalName, 0, 1),
    ("name", Function::Name, 0, 1),
    ("namespace-uri", Function::NamespaceUri, 0, 1),
    ("normalize-space", Function::NormalizeSpace, 0, 1),
    ("not", Function::Not, 1, 1),
    ("number", Function::Number, 0, 1),
    ("position", Function::Position, 0, 0),
    ("round", Function::Round, 1, 1),
    ("starts-with", Function::StartsWith, 2, 2),
    ("string", Function::String, 0, 1),
    ("string-length", Function::StringLength, 0, 1),
    ("substring", Function::Substring, 2, 3),
    ("substring-after", Function::SubstringAfter, 2, 2),
    ("substring-before", Function::SubstringBefore, 2, 2),
    ("sum", Function::Sum, 1, 1),
    ("translate", Function::Translate, 3, 3),
    ("true", Function::True, 0, 0),
];

impl Function {
    pub(super) fn find(name: &str, arguments: usize) -> Result<Self, String> {
        let known = FUNCTIONS.iter().find(|(known, ..)| *known == name);
        let Some((_, function, fewest, most)) = known else {
            let names: Vec<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).collect();
            return Err(format!(
                "`{name}` is none of the functions {}",
                names.join(", ")
            ));
        };
        match (*fewest..=*most).contains(&arguments) {
            true => Ok(*function),
            false => Err(format!("`{name}` does not take {arguments} arguments")),
        }
    }

    pub(super) fn call(self, scope: Scope<'_>, arguments: &[Expr]) -> Result<Object, String> {
        let text = |index: usize| match arguments.get(index) {
            Some(argument) => scope.text(argument),
            None => Ok(string_value(scope.document, scope.node)),
        };
        let number = |index: usize| match arguments.get(index) {
            Some(argument) => scope.number(argument),
            None => Ok(text_number(&string_value(scope.document, scope.node))),
        };
        let truth = |index: usize| match arguments.get(index) {
            Some(argument) => Ok(scope.evaluate(argument)?.truth()),
            None => Ok::<_, String>(false),
        };
        Ok(match self {
            Self::True => Object::Bool(true),
            Self::False => Object::Bool(false),
            Self::Boolean => Object::Bool(truth(0)?),
            Self::Not => Object::Bool(!truth(0)?),
            Self::Lang => Object::Bool(speaks(scope, &text(0)?)),
            Self::Contains => Object::Bool(text(0)?.contains(&text(1)?)),
            Self::StartsWith => Object::Bool(text(0)?.starts_with(&text(1)?)),
            Self::Number => Object::Number(number(0)?),
            Self::Floor => Object::Number(number(0)?.floor()),
            Self::Ceiling => Object::Number(number(0)?.ceil()),
            Self::Round => Object::Number((number(0)? + 0.5).floor()),
            Self::Last => Object::Number(scope.size as f64),
            Self::Position => Object::Number(scope.position as f64),
            Self::StringLength => Object::Number(text(0)?.chars().count() as f64),
            Self::Count => Object::Number(nodes(scope, arguments)?.len() as f64),
            Self::Sum => {
                let nodes = nodes(scope, arguments)?.into_iter();
                let numbers = nodes.map(|node| text_number(&string_value(scope.document, node)));
                Object::Number(numbers.sum())
            }
            Self::LocalName => Object::Text(name(scope, arguments)?.local),
            Self::Name => Object::Text(name(scope, arguments)?.qualified()),
            Self::NamespaceUri => Object::Text(name(scope, arguments)?.uri),
            Self::String => Object::Text(text(0)?),
            Self::Concat => {
                let texts: Result<String, String> = (0..arguments.len()).map(text).collect();
                Object::Text(texts?)
            }
            Self::NormalizeSpace => {
                let text = text(0)?;
                let words: Vec<&str> = text.split_ascii_whitespace().collect();
                Object::Text(words.join(" "))
            }
            Self::SubstringBefore => {
                let (text, mark) = (text(0)?, text(1)?);
                let before = text.split_once(&mark).map_or("", |(before, _)| before);
                Object::Text(before.to_owned())
            }
            Self::SubstringAfter => {
                let (text, mark) = (text(0)?, text(1)?);
                let after = text.split_once(&mark).map_or("", |(_, after)| after);
                Object::Text(after.to_owned())
            }
            Self::Substring => {
                let from = (number(1)? + 0.5).floor();
                let to = match arguments.len() {
                    2 => f64::INFINITY,
                    _ => from + (number(2)? + 0.5).floor(),
                };
                let text = text(0)?;
                let placed = text.chars().zip(1_u32..);
                let inside = placed.filter(|(_, at)| {
                    let at = f64::from(*at);
                    at >= from && at < to
                });
                Object::Text(inside.map(|(c, _)| c).collect())
            }
            Self::Translate => {
                let (from, to) = (text(1)?, text(2)?);
                let text = text(0)?;
                let translated =
                    text.chars()
                        .filter_map(|c| match from.chars().position(|known| known == c) {
                            Some(at) => to.chars().nth(at),
                            None => Some(c),
                        });
                Object::Text(translated.collect())
            }
        })
    }
}

fn nodes(scope: Scope<'_>, arguments: &[Expr]) -> Result<Vec<usize>, String> {
    match arguments.first() {
        Some(argument) => scope.evaluate(argument)?.nodes(),
        None => Ok(vec![scope.node]),
    }
}

/// The name of the first node; an empty one if it has none.
fn name(scope: Scope<'_>, arguments: &[Expr]) -> Result<Name, String> {
    let first = nodes(scope, arguments)?.into_iter().next();
    Ok(match first.and_then(|node| scope.document.kind(node)) {
        Some(Kind::Element { name, .. } | Kind::Attribute { name, .. }) => name.clone(),
        Some(Kind::Instruction { target, .. }) => Name {
            local: target.clone(),
            ..Name::default()
        },
        _ => Name::default(),
    })
}

/// Whether the nearest `xml:lang` is a language or a kind of it.
fn speaks(scope: Scope<'_>, language: &str) -> bool {
    let around = std::iter::once(scope.node).chain(ancestors(scope.document, scope.node));
    let mut attributes = around.flat_map(|node| scope.document.attributes(node));
    let spoken = attributes.find_map(|id| {
        let (name, value) = scope.document.attribute(*id)?;
        (name.prefix == "xml" && name.local == "lang").then_some(value)
    });
    let (spoken, language) = (
        spoken.unwrap_or_default().to_ascii_lowercase(),
        language.to_ascii_lowercase(),
    );
    spoken
        .strip_prefix(&language)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
