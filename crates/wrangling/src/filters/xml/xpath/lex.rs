//! The tokens of an expression.

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, `prefix:name` or `prefix:*`.
    Name(String),
    Text(String),
    Number(f64),
    Symbol(&'static str),
}

/// Longer ones first.
const SYMBOLS: [&str; 20] = [
    "::", "//", "..", "!=", "<=", ">=", "(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=",
    "<", ">",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '"' | '\'' => quoted(rest, first)?,
            _ if starts_number(rest) => number(rest)?,
            _ if starts_name(first) => name(rest),
            '*' => (Token::Symbol("*"), rest.strip_prefix('*').unwrap_or("")),
            _ => symbol(rest)?,
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn quoted(text: &str, quote: char) -> Result<(Token, &str), String> {
    text.strip_prefix(quote)
        .and_then(|text| text.split_once(quote))
        .map(|(text, rest)| (Token::Text(text.to_owned()), rest))
        .ok_or_else(|| format!("{text} is not closed"))
}

fn starts_number(text: &str) -> bool {
    let digits = text.strip_prefix('.').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
}

fn number(text: &str) -> Result<(Token, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    let number = digits.parse();
    let number = number.map_err(|_| format!("`{digits}` is no number"))?;
    Ok((Token::Number(number), rest))
}

fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn name(text: &str) -> (Token, &str) {
    let mut rest = after_name(text);
    if let Some(local) = rest.strip_prefix(':') {
        if let Some(after) = local.strip_prefix('*') {
            rest = after;
        } else if local.starts_with(starts_name) {
            rest = after_name(local);
        }
    }
    let name = text.strip_suffix(rest).unwrap_or(text);
    (Token::Name(name.to_owned()), rest)
}

fn after_name(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn symbol(text: &str) -> Result<(Token, &str), String> {
    SYMBOLS
        .iter()
        .find_map(|symbol| Some((Token::Symbol(symbol), text.strip_prefix(symbol)?)))
        .ok_or_else(|| format!("`{text}` cannot be read"))
}
