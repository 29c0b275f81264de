//! Evaluation of expressions.

use super::object::{Object, string_value, text_number};
use super::{Axis, Expr, Namespaces, Operator, Start, Step, Test};
use crate::filters::xml::tree::{Document, Kind, Name, NodeId, ROOT, XML_NAMESPACE};

/// What an expression is evaluated for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'d> {
    pub(super) document: &'d Document,
    pub(super) namespaces: &'d Namespaces,
    pub(super) node: NodeId,
    /// The node's place among `size` nodes, from 1.
    pub(super) position: usize,
    pub(super) size: usize,
}

impl Scope<'_> {
    pub(super) fn evaluate(self, expr: &Expr) -> Result<Object, String> {
        Ok(match expr {
            Expr::Text(text) => Object::Text(text.clone()),
            Expr::Number(number) => Object::Number(*number),
            Expr::Negative(inner) => Object::Number(-self.number(inner)?),
            Expr::Call(function, arguments) => function.call(self, arguments)?,
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right)?,
            Expr::Path(start, steps) => {
                let mut nodes = match start {
                    Start::Root => vec![ROOT],
                    Start::Here => vec![self.node],
                    Start::Nodes(expr, predicates) => {
                        self.choose(self.evaluate(expr)?.nodes()?, predicates)?
                    }
                };
                for step in steps {
                    nodes = self.step(&nodes, step)?;
                }
                Object::Nodes(nodes)
            }
        })
    }

    pub(super) fn number(self, expr: &Expr) -> Result<f64, String> {
        Ok(self.evaluate(expr)?.number(self.document))
    }

    pub(super) fn text(self, expr: &Expr) -> Result<String, String> {
        Ok(self.evaluate(expr)?.text(self.document))
    }

    fn binary(self, operator: Operator, left: &Expr, right: &Expr) -> Result<Object, String> {
        let arithmetic = |of: fn(f64, f64) -> f64| {
            Ok(Object::Number(of(self.number(left)?, self.number(right)?)))
        };
        match operator {
            Operator::Or => Ok(Object::Bool(
                self.evaluate(left)?.truth() || self.evaluate(right)?.truth(),
            )),
            Operator::And => Ok(Object::Bool(
                self.evaluate(left)?.truth() && self.evaluate(right)?.truth(),
            )),
            Operator::Add => arithmetic(|left, right| left + right),
            Operator::Subtract => arithmetic(|left, right| left - right),
            Operator::Multiply => arithmetic(|left, right| left * right),
            Operator::Divide => arithmetic(|left, right| left / right),
            Operator::Remainder => arithmetic(|left, right| left % right),
            Operator::Union => {
                let mut nodes = self.evaluate(left)?.nodes()?;
                nodes.append(&mut self.evaluate(right)?.nodes()?);
                Ok(Object::Nodes(ordered(nodes)))
            }
            _ => {
                let (left, right) = (self.evaluate(left)?, self.evaluate(right)?);
                Ok(Object::Bool(self.compare(operator, &left, &right)))
            }
        }
    }

    /// Whether a comparison holds; for nodes: of any of them.
    fn compare(self, operator: Operator, left: &Object, right: &Object) -> bool {
        let texts = |nodes: &[NodeId]| -> Vec<Object> {
            let text = |node: &NodeId| Object::Text(string_value(self.document, *node));
            nodes.iter().map(text).collect()
        };
        match (left, right) {
            (Object::Bool(_), Object::Nodes(_)) | (Object::Nodes(_), Object::Bool(_)) => self
                .compare_values(
                    operator,
                    &Object::Bool(left.truth()),
                    &Object::Bool(right.truth()),
                ),
            (Object::Nodes(nodes), other) => texts(nodes)
                .iter()
                .any(|text| self.compare(operator, text, other)),
            (other, Object::Nodes(nodes)) => texts(nodes)
                .iter()
                .any(|text| self.compare_values(operator, other, text)),
            _ => self.compare_values(operator, left, right),
        }
    }

    fn compare_values(self, operator: Operator, left: &Object, right: &Object) -> bool {
        let number = |object: &Object| match object {
            Object::Text(text) => text_number(text),
            other => other.number(self.document),
        };
        let equal = || match (left, right) {
            (Object::Bool(_), _) | (_, Object::Bool(_)) => left.truth() == right.truth(),
            (Object::Number(_), _) | (_, Object::Number(_)) => number(left) == number(right),
            _ => left.text(self.document) == right.text(self.document),
        };
        match operator {
            Operator::Equal => equal(),
            Operator::NotEqual => !equal(),
            Operator::Less => number(left) < number(right),
            Operator::LessOrEqual => number(left) <= number(right),
            Operator::Greater => number(left) > number(right),
            _ => number(left) >= number(right),
        }
    }

    fn step(self, from: &[NodeId], step: &Step) -> Result<Vec<NodeId>, String> {
        let mut found = Vec::new();
        for node in from {
            let mut nodes = Vec::new();
            for candidate in step.axis.nodes(self.document, *node) {
                if self.passes(candidate, step)? {
                    nodes.push(candidate);
                }
            }
            found.append(&mut self.choose(nodes, &step.predicates)?);
        }
        Ok(ordered(found))
    }

    /// The nodes for which the predicates hold.
    fn choose(self, mut nodes: Vec<NodeId>, predicates: &[Expr]) -> Result<Vec<NodeId>, String> {
        for predicate in predicates {
            let size = nodes.len();
            let mut kept = Vec::new();
            for (node, position) in nodes.into_iter().zip(1_usize..) {
                let scope = Self {
                    node,
                    position,
                    size,
                    ..self
                };
                let holds = match scope.evaluate(predicate)? {
                    Object::Number(number) => number == position as f64,
                    other => other.truth(),
                };
                if holds {
                    kept.push(node);
                }
            }
            nodes = kept;
        }
        Ok(nodes)
    }

    fn passes(self, node: NodeId, step: &Step) -> Result<bool, String> {
        let Some(kind) = self.document.kind(node) else {
            return Ok(false);
        };
        let name = match (kind, step.axis) {
            (Kind::Attribute { name, .. }, Axis::Attribute) => Some(name),
            (Kind::Element { name, .. }, _) => Some(name),
            _ => None,
        };
        Ok(match &step.test {
            Test::Node => true,
            Test::Text => matches!(kind, Kind::Text { .. } | Kind::CData(_)),
            Test::Comment => matches!(kind, Kind::Comment(_)),
            Test::Instruction(wanted) => matches!(kind, Kind::Instruction { target, .. }
                if wanted.as_ref().is_none_or(|wanted| wanted == target)),
            Test::Any(None) => name.is_some(),
            Test::Any(Some(prefix)) => {
                let uri = self.namespace(prefix)?;
                name.is_some_and(|name| name.uri == uri)
            }
            Test::Name(prefix, local) => {
                let uri = self.namespace(prefix)?;
                name.is_some_and(|name: &Name| name.local == *local && name.uri == uri)
            }
        })
    }

    fn namespace(&self, prefix: &str) -> Result<&str, String> {
        match prefix {
            "" => return Ok(""),
            "xml" => return Ok(XML_NAMESPACE),
            _ => {}
        }
        let mut known = self.namespaces.iter();
        let known = known.find(|(known, _)| known == prefix);
        known
            .map(|(_, uri)| uri.as_str())
            .ok_or_else(|| format!("the prefix `{prefix}` stands for no namespace"))
    }
}

fn ordered(mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}
