//! From JSON values to statements; all problems are found at once.

use serde_json::{Map, Value};

use crate::ast::{At, Branch, Expr, If, Literal, Number, Operand, Plugin, Statement};
use crate::compile;
use crate::condition;
use crate::environment::Environment;
use crate::violation::{Violation, pointer};

/// Deeper nesting of conditionals is refused.
const MAX_DEPTH: usize = 32;

/// Parses a list of steps; pointers start at the list.
///
/// # Errors
/// All violations: of the notation, and of every filter's options and their values.
pub fn parse(steps: &Value) -> Result<Vec<Statement>, Vec<Violation>> {
    parse_at(steps, "")
}

/// As [`parse`], for a list that is found at the JSON pointer `base` of its document.
///
/// # Errors
/// All violations; their pointers start with `base`.
pub fn parse_at(steps: &Value, base: &str) -> Result<Vec<Statement>, Vec<Violation>> {
    parse_in(steps, base, &Environment::default())
}

/// Reads a list of steps found at `base`, without a look at what filters and options say: compiling the program does that.
///
/// # Errors
/// Violations of the notation.
pub fn read(steps: &Value, base: &str) -> Result<Vec<Statement>, Vec<Violation>> {
    let mut parser = Parser {
        violations: Vec::new(),
    };
    let body = parser.steps(steps, base, 0);
    if parser.violations.is_empty() {
        Ok(body)
    } else {
        Err(parser.violations)
    }
}

/// As [`parse_at`], checked with the files and variables of an environment.
///
/// # Errors
/// As [`parse_at`].
pub fn parse_in(
    steps: &Value,
    base: &str,
    environment: &Environment,
) -> Result<Vec<Statement>, Vec<Violation>> {
    let mut parser = Parser {
        violations: Vec::new(),
    };
    let body = parser.steps(steps, base, 0);
    parser.violations.extend(compile::check(&body, environment));
    if parser.violations.is_empty() {
        Ok(body)
    } else {
        Err(parser.violations)
    }
}

struct Parser {
    violations: Vec<Violation>,
}

impl Parser {
    fn refuse(&mut self, at: &str, code: &str, message: impl Into<String>) {
        self.violations.push(Violation::new(at, code, message));
    }

    fn steps(&mut self, value: &Value, at: &str, depth: usize) -> Vec<Statement> {
        let Value::Array(steps) = value else {
            self.refuse(
                at,
                "wrong_type",
                format!("expected a list of steps, found {}", kind(value)),
            );
            return Vec::new();
        };
        if depth > MAX_DEPTH {
            self.refuse(
                at,
                "too_deep",
                format!("conditionals nest at most {MAX_DEPTH} deep"),
            );
            return Vec::new();
        }
        let each = steps.iter().enumerate();
        each.filter_map(|(index, step)| self.step(step, &pointer(at, &index.to_string()), depth))
            .collect()
    }

    fn step(&mut self, value: &Value, at: &str, depth: usize) -> Option<Statement> {
        let Value::Object(step) = value else {
            self.refuse(
                at,
                "wrong_type",
                format!(
                    "expected a step such as `mutate: {{…}}`, found {}",
                    kind(value)
                ),
            );
            return None;
        };
        if step.contains_key("if") {
            return Some(Statement::If(self.conditional(step, at, depth)));
        }
        let mut entries = step.iter();
        match (entries.next(), entries.next()) {
            (Some((name, options)), None) => {
                Some(Statement::Plugin(self.filter(name, options, at)?))
            }
            _ => {
                let message = "a step is one filter (`mutate: {…}`) or a conditional (`if`, `then`, `elif`, `else`)";
                self.refuse(at, "invalid_step", message);
                None
            }
        }
    }

    fn filter(&mut self, name: &str, options: &Value, at: &str) -> Option<Plugin> {
        let inner = pointer(at, name);
        let options = match options {
            Value::Object(options) => options
                .iter()
                .filter_map(|(option, value)| {
                    Some((
                        option.clone(),
                        self.literal(value, &pointer(&inner, option))?,
                    ))
                })
                .collect(),
            Value::Null => Vec::new(),
            other => {
                self.refuse(
                    &inner,
                    "wrong_type",
                    format!("expected the filter's options, found {}", kind(other)),
                );
                return None;
            }
        };
        Some(Plugin {
            name: name.to_owned(),
            options,
            at: At(at.to_owned()),
        })
    }

    fn literal(&mut self, value: &Value, at: &str) -> Option<Literal> {
        Some(match value {
            Value::String(text) => Literal::String(text.clone()),
            Value::Bool(flag) => Literal::Bool(*flag),
            Value::Number(number) => match Number::parse(&number.to_string()) {
                Some(number) => Literal::Number(number),
                None => {
                    self.refuse(at, "wrong_type", "expected a number without an exponent");
                    return None;
                }
            },
            Value::Array(items) => {
                let each = items.iter().enumerate();
                Literal::Array(
                    each.filter_map(|(index, item)| {
                        self.literal(item, &pointer(at, &index.to_string()))
                    })
                    .collect(),
                )
            }
            Value::Object(members) => Literal::Hash(
                members
                    .iter()
                    .filter_map(|(key, value)| {
                        Some((key.clone(), self.literal(value, &pointer(at, key))?))
                    })
                    .collect(),
            ),
            Value::Null => {
                self.refuse(
                    at,
                    "wrong_type",
                    "null is no value of an option; leave the option out",
                );
                return None;
            }
        })
    }

    fn conditional(&mut self, step: &Map<String, Value>, at: &str, depth: usize) -> If {
        self.check_keys(step, &["if", "then", "elif", "else"], at);
        let mut branches = vec![self.branch(step, at, depth)];
        match step.get("elif") {
            None => {}
            Some(Value::Array(elifs)) => {
                for (index, elif) in elifs.iter().enumerate() {
                    let at = pointer(&pointer(at, "elif"), &index.to_string());
                    let Value::Object(elif) = elif else {
                        self.refuse(
                            &at,
                            "wrong_type",
                            format!("expected `if` and `then`, found {}", kind(elif)),
                        );
                        continue;
                    };
                    self.check_keys(elif, &["if", "then"], &at);
                    branches.push(self.branch(elif, &at, depth));
                }
            }
            Some(other) => {
                let message = format!("expected a list of `if` and `then`, found {}", kind(other));
                self.refuse(&pointer(at, "elif"), "wrong_type", message);
            }
        }
        let otherwise = step
            .get("else")
            .map(|steps| self.steps(steps, &pointer(at, "else"), depth + 1));
        If {
            branches,
            otherwise: otherwise.unwrap_or_default(),
        }
    }

    fn branch(&mut self, step: &Map<String, Value>, at: &str, depth: usize) -> Branch {
        let condition = self.condition(step.get("if"), &pointer(at, "if"));
        let body = match step.get("then") {
            Some(steps) => self.steps(steps, &pointer(at, "then"), depth + 1),
            None => {
                self.refuse(
                    at,
                    "missing_field",
                    "a conditional needs `then`: the steps to carry out",
                );
                Vec::new()
            }
        };
        // stands in for a refused condition, so that the block below it is checked all the same
        let condition = condition.unwrap_or(Expr::Truthy(Operand::String(String::new())));
        Branch {
            condition,
            body,
            at: At(at.to_owned()),
        }
    }

    fn condition(&mut self, value: Option<&Value>, at: &str) -> Option<Expr> {
        let Some(Value::String(text)) = value else {
            self.refuse(
                at,
                "wrong_type",
                "expected a condition such as `[carrier] == \"UA\"`",
            );
            return None;
        };
        condition::parse(text)
            .map_err(|error| self.refuse(at, "invalid_condition", error.to_string()))
            .ok()
    }

    fn check_keys(&mut self, step: &Map<String, Value>, allowed: &[&str], at: &str) {
        for key in step.keys().filter(|key| !allowed.contains(&key.as_str())) {
            let message = format!(
                "`{key}` is not part of a conditional; allowed: {}",
                allowed.join(", ")
            );
            self.refuse(&pointer(at, key), "unknown_field", message);
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
