//! From text to an expression.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::axis::Axis;
use super::functions::Function;
use super::lex::{Token, tokens};
use super::{Expr, Operator, Start, Step, Test};

/// Deeper nesting is refused: the stack is finite.
const MAX_DEPTH: usize = 64;

/// The binary operators, those that bind least first.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[("=", Operator::Equal), ("!=", Operator::NotEqual)],
    &[
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("div", Operator::Divide),
        ("mod", Operator::Remainder),
    ],
];

const NODE_TYPES: [&str; 4] = ["node", "text", "comment", "processing-instruction"];

pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser {
        tokens: tokens(text)?.into_iter().peekable(),
        depth: 0,
    };
    let expr = parser.expr()?;
    match parser.tokens.next() {
        None => Ok(expr),
        Some(token) => Err(unexpected(Some(&token))),
    }
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
    depth: usize,
}

fn unexpected(token: Option<&Token>) -> String {
    match token {
        None => "it ends too early".to_owned(),
        Some(Token::Name(text)) => format!("`{text}` is not expected there"),
        Some(Token::Text(text)) => format!("\"{text}\" is not expected there"),
        Some(Token::Number(number)) => format!("`{number}` is not expected there"),
        Some(Token::Symbol(symbol)) => format!("`{symbol}` is not expected there"),
    }
}

impl Parser {
    fn expr(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH}"));
        }
        let expr = self.binary(0)?;
        self.depth -= 1;
        Ok(expr)
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        loop {
            let operator = match self.tokens.peek() {
                Some(Token::Symbol(symbol)) => find(operators, symbol),
                Some(Token::Name(name)) => find(operators, name),
                _ => None,
            };
            let Some(operator) = operator else {
                return Ok(left);
            };
            self.tokens.next();
            let right = self.binary(level + 1)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self) -> Result<Expr, String> {
        let mut negative = false;
        while self.takes("-") {
            negative = !negative;
        }
        let mut expr = self.path()?;
        while self.takes("|") {
            expr = Expr::Binary(Operator::Union, Box::new(expr), Box::new(self.path()?));
        }
        Ok(match negative {
            true => Expr::Negative(Box::new(expr)),
            false => expr,
        })
    }

    fn path(&mut self) -> Result<Expr, String> {
        if let Some(primary) = self.primary()? {
            let predicates = self.predicates()?;
            let mut steps = Vec::new();
            self.more_steps(&mut steps)?;
            if predicates.is_empty() && steps.is_empty() {
                return Ok(primary);
            }
            return Ok(Expr::Path(
                Start::Nodes(Box::new(primary), predicates),
                steps,
            ));
        }
        let mut steps = Vec::new();
        if self.takes("/") {
            if self.starts_step() {
                steps.push(self.step()?);
                self.more_steps(&mut steps)?;
            }
            return Ok(Expr::Path(Start::Root, steps));
        }
        let start = match self.peeks("//") {
            true => Start::Root,
            false => {
                steps.push(self.step()?);
                Start::Here
            }
        };
        self.more_steps(&mut steps)?;
        Ok(Expr::Path(start, steps))
    }

    /// What is no location path.
    fn primary(&mut self) -> Result<Option<Expr>, String> {
        let mut ahead = self.tokens.clone();
        let first = ahead.next();
        let is_call = ahead.next() == Some(Token::Symbol("("));
        match first {
            Some(Token::Text(text)) => {
                self.tokens.next();
                Ok(Some(Expr::Text(text)))
            }
            Some(Token::Number(number)) => {
                self.tokens.next();
                Ok(Some(Expr::Number(number)))
            }
            Some(Token::Symbol("(")) => {
                self.tokens.next();
                let expr = self.expr()?;
                self.expect(")")?;
                Ok(Some(expr))
            }
            Some(Token::Name(name)) if is_call && !NODE_TYPES.contains(&name.as_str()) => {
                self.tokens.next();
                let arguments = self.arguments()?;
                Function::find(&name, arguments.len())
                    .map(|function| Some(Expr::Call(function, arguments)))
            }
            _ => Ok(None),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, String> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        if self.takes(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expr()?);
            if !self.takes(",") {
                self.expect(")")?;
                return Ok(arguments);
            }
        }
    }

    /// `/step` and `//step` as long as there are some.
    fn more_steps(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        loop {
            if self.takes("//") {
                steps.push(Step::plain(Axis::DescendantOrSelf));
            } else if !self.takes("/") {
                return Ok(());
            }
            steps.push(self.step()?);
        }
    }

    fn starts_step(&mut self) -> bool {
        matches!(
            self.tokens.peek(),
            Some(Token::Name(_) | Token::Symbol("@" | "." | ".." | "*"))
        )
    }

    fn step(&mut self) -> Result<Step, String> {
        if self.takes(".") {
            return Ok(Step::plain(Axis::Itself));
        }
        if self.takes("..") {
            return Ok(Step::plain(Axis::Parent));
        }
        let mut axis = Axis::Child;
        if self.takes("@") {
            axis = Axis::Attribute;
        }
        let mut first = self.tokens.next();
        if self.takes("::") {
            axis = match &first {
                Some(Token::Name(name)) => Axis::find(name)?,
                other => return Err(unexpected(other.as_ref())),
            };
            first = self.tokens.next();
        }
        Ok(Step {
            axis,
            test: self.test(first)?,
            predicates: self.predicates()?,
        })
    }

    fn test(&mut self, token: Option<Token>) -> Result<Test, String> {
        let name = match token {
            Some(Token::Name(name)) => name,
            Some(Token::Symbol("*")) => return Ok(Test::Any(None)),
            other => return Err(unexpected(other.as_ref())),
        };
        if !self.takes("(") {
            return Ok(match name.split_once(':') {
                Some((prefix, "*")) => Test::Any(Some(prefix.to_owned())),
                Some((prefix, local)) => Test::Name(prefix.to_owned(), local.to_owned()),
                None => Test::Name(String::new(), name),
            });
        }
        let test = match name.as_str() {
            "node" => Test::Node,
            "text" => Test::Text,
            "comment" => Test::Comment,
            "processing-instruction" => Test::Instruction(match self.tokens.peek() {
                Some(Token::Text(target)) => Some(target.clone()),
                _ => None,
            }),
            other => return Err(format!("`{other}()` is no step")),
        };
        if let Test::Instruction(Some(_)) = test {
            self.tokens.next();
        }
        self.expect(")")?;
        Ok(test)
    }

    fn predicates(&mut self) -> Result<Vec<Expr>, String> {
        let mut predicates = Vec::new();
        while self.takes("[") {
            predicates.push(self.expr()?);
            self.expect("]")?;
        }
        Ok(predicates)
    }

    fn peeks(&mut self, symbol: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Symbol(next)) if *next == symbol)
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let there = self.peeks(symbol);
        if there {
            self.tokens.next();
        }
        there
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        match self.takes(symbol) {
            true => Ok(()),
            false => Err(format!(
                "`{symbol}` is missing: {}",
                unexpected(self.tokens.peek())
            )),
        }
    }
}

impl Step {
    /// All nodes of an axis.
    fn plain(axis: Axis) -> Self {
        Self {
            axis,
            test: Test::Node,
            predicates: Vec::new(),
        }
    }
}

fn find(operators: &[(&str, Operator)], text: &str) -> Option<Operator> {
    let known = operators.iter().find(|(known, _)| *known == text)?;
    Some(known.1)
}
