//! Ruby's regular expressions as the `regex` crate reads them.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// Compiles a Ruby regular expression.
///
/// `^` and `$` match at every line, `\w`, `\d`, `\s`, `\b` are ASCII, as in Ruby. Look-around, back-references, atomic groups and
/// possessive quantifiers cannot be run in linear time and are refused.
///
/// # Errors
/// What is wrong with the expression, for people.
pub(crate) fn compile(source: &str) -> Result<Regex, String> {
    let translated = translate(source, false)?;
    if let Some(feature) = translated.needs_backtracking {
        return Err(format!("{feature} are not supported here"));
    }
    RegexBuilder::new(&translated.text)
        .multi_line(true)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let reason = text
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned();
            format!("`{source}` is no regular expression that runs here: {reason}")
        })
}

/// A Ruby expression in the syntax of the crates that run it.
pub(crate) struct Translated {
    pub(crate) text: String,
    /// The names of the groups, from group 1 on, if they were asked for.
    pub(crate) names: Vec<String>,
    /// What cannot be run in linear time, if anything.
    pub(crate) needs_backtracking: Option<&'static str>,
}

/// Translates a Ruby expression. With `number_groups`, named groups become numbered ones, since Ruby allows a name twice and
/// any character in it; groups without a name then do not capture, as in Ruby.
pub(crate) fn translate(source: &str, number_groups: bool) -> Result<Translated, String> {
    Translator {
        chars: source.chars().peekable(),
        out: String::new(),
        class_depth: 0,
        number_groups,
        names: Vec::new(),
        needs_backtracking: None,
    }
    .run()
}

struct Translator<'s> {
    chars: Peekable<Chars<'s>>,
    out: String,
    class_depth: usize,
    number_groups: bool,
    names: Vec<String>,
    needs_backtracking: Option<&'static str>,
}

impl Translator<'_> {
    fn run(mut self) -> Result<Translated, String> {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => self.escape()?,
                '[' => {
                    self.class_depth += 1;
                    self.out.push('[');
                }
                ']' if self.class_depth > 0 => {
                    self.class_depth -= 1;
                    self.out.push(']');
                }
                _ if self.class_depth > 0 => self.in_class(c),
                '{' => self.brace(),
                '(' if self.chars.peek() == Some(&'?') => self.group()?,
                '(' if self.number_groups => self.out.push_str("(?:"),
                '*' | '+' | '?' => {
                    self.out.push(c);
                    if self.chars.peek() == Some(&'+') {
                        self.needs_backtracking = Some("possessive quantifiers (`++`)");
                    }
                }
                '}' => self.out.push_str("\\}"),
                _ => self.out.push(c),
            }
        }
        Ok(Translated {
            text: self.out,
            names: self.names,
            needs_backtracking: self.needs_backtracking,
        })
    }

    fn in_class(&mut self, c: char) {
        if matches!(c, '~' | '&') && self.chars.peek() != Some(&'&') {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(c) = self.chars.next() else {
            return Err("it ends with a backslash".to_owned());
        };
        let in_class = self.class_depth > 0;
        match c {
            'd' if in_class => self.out.push_str("0-9"),
            'w' if in_class => self.out.push_str("0-9A-Za-z_"),
            's' if in_class => self.out.push_str("\\t\\n\\x0B\\x0C\\r\\x20"),
            'h' if in_class => self.out.push_str("0-9A-Fa-f"),
            'b' if in_class => self.out.push_str("\\x08"),
            'd' => self.out.push_str("[0-9]"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            's' => self.out.push_str("[\\t\\n\\x0B\\x0C\\r\\x20]"),
            'h' => self.out.push_str("[0-9A-Fa-f]"),
            'D' => self.out.push_str("[^0-9]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            'S' => self.out.push_str("[^\\t\\n\\x0B\\x0C\\r\\x20]"),
            'H' => self.out.push_str("[^0-9A-Fa-f]"),
            'b' if self.number_groups => self.out.push_str("\\b"),
            'b' => self.out.push_str("(?-u:\\b)"),
            'e' => self.out.push_str("\\x1B"),
            'Z' => self.out.push_str("\\n?\\z"),
            'R' => self.out.push_str("(?:\\r\\n|[\\n\\x0B\\x0C\\r])"),
            'A' | 'z' | 'B' | 'n' | 't' | 'r' | 'f' | 'v' | 'a' | 'x' | 'u' | 'p' | 'P' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'k' if self.number_groups => self.back_reference()?,
            '1'..='9' | 'k' => return Err("back-references by number are not supported".to_owned()),
            'G' | 'K' | 'X' | 'g' => return Err(format!("`\\{c}` is not supported")),
            other if other.is_ascii_alphanumeric() => self.out.push(other),
            other => self
                .out
                .push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    /// `{` is a quantifier only before `n}`, `n,}`, `,n}` or `n,m}`.
    fn brace(&mut self) {
        let body: String = self
            .chars
            .clone()
            .take_while(|c| c.is_ascii_digit() || *c == ',')
            .collect();
        let closed = self.chars.clone().nth(body.chars().count()) == Some('}');
        let digits = body.chars().any(|c| c.is_ascii_digit());
        if closed && digits && body.matches(',').count() <= 1 {
            let zero = if body.starts_with(',') { "0" } else { "" };
            let _infallible = write!(self.out, "{{{zero}{body}}}");
            for _ in 0..=body.chars().count() {
                self.chars.next();
            }
        } else {
            self.out.push_str("\\{");
        }
    }

    /// `\k<name>`: the last group of that name.
    fn back_reference(&mut self) -> Result<(), String> {
        self.chars.next_if_eq(&'<');
        let name: String = self.chars.by_ref().take_while(|c| *c != '>').collect();
        let group = self.names.iter().rposition(|known| *known == name);
        let group = group.ok_or_else(|| format!("there is no group `{name}` to refer back to"))?;
        self.needs_backtracking = Some("back-references");
        let _infallible = write!(self.out, "(?:\\{})", group + 1);
        Ok(())
    }

    /// After `(`, before `?`: look-around, flags and named groups; Ruby's `m` is the crate's `s`.
    fn group(&mut self) -> Result<(), String> {
        self.chars.next();
        let next: String = self.chars.clone().take(2).collect();
        if next.starts_with(['=', '!']) || next == "<=" || next == "<!" {
            self.needs_backtracking = Some("look-around");
        } else if next.starts_with('>') {
            self.needs_backtracking = Some("atomic groups");
        } else if next.starts_with('#') {
            self.chars.by_ref().find(|c| *c == ')');
            return Ok(());
        } else if self.number_groups && next.starts_with('<') {
            self.chars.next();
            let name: String = self.chars.by_ref().take_while(|c| *c != '>').collect();
            if name.is_empty() {
                return Err("a group has an empty name".to_owned());
            }
            self.names.push(name);
            self.out.push('(');
            return Ok(());
        }
        self.out.push_str("(?");
        while let Some(flag) = self.chars.next_if(|c| matches!(c, 'i' | 'm' | 'x' | '-')) {
            self.out.push(if flag == 'm' { 's' } else { flag });
        }
        // the mark of a look-behind is no name and no operator
        while let Some(mark) = self
            .chars
            .next_if(|c| matches!(c, '<' | '=' | '!' | '>' | ':'))
        {
            self.out.push(mark);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn ruby_expressions_mean_what_they_mean_in_ruby() {
        for (pattern, text, matches) in [
            (r"^b$", "a\nb\nc", true),
            (r"a.b", "a\nb", false),
            (r"(?m)a.b", "a\nb", true),
            (r"\A\w+\z", "é", false),
            (r"\d", "٣", false),
            (r"%{x}", "%{x}", true),
            (r"a{2}", "aa", true),
            (r"a{,2}b", "b", true),
            (r"\h+", "ff", true),
            (r"[\w.-]+@", "a.b@", true),
            (r"(?<year>\d{4})", "2024", true),
            (r"\/", "/", true),
            (r"[\\]", "\\", true),
        ] {
            assert_eq!(
                compile(pattern).unwrap().is_match(text),
                matches,
                "{pattern} on {text:?}"
            );
        }
        for pattern in ["(", "(?=a)", "(?<!a)b", "(a)\\1", "(?>a)", "a++", "\\"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
