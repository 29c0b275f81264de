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
    let translated = Translator {
        chars: source.chars().peekable(),
        out: String::new(),
        class_depth: 0,
    }
    .run()?;
    RegexBuilder::new(&translated)
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

struct Translator<'s> {
    chars: Peekable<Chars<'s>>,
    out: String,
    class_depth: usize,
}

impl Translator<'_> {
    fn run(mut self) -> Result<String, String> {
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
                '*' | '+' | '?' => {
                    self.out.push(c);
                    if self.chars.peek() == Some(&'+') {
                        return Err("possessive quantifiers (`++`) are not supported".to_owned());
                    }
                }
                '}' => self.out.push_str("\\}"),
                _ => self.out.push(c),
            }
        }
        Ok(self.out)
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
            'b' => self.out.push_str("(?-u:\\b)"),
            'e' => self.out.push_str("\\x1B"),
            'Z' => self.out.push_str("\\n?\\z"),
            'R' => self.out.push_str("(?:\\r\\n|[\\n\\x0B\\x0C\\r])"),
            'A' | 'z' | 'B' | 'n' | 't' | 'r' | 'f' | 'v' | 'a' | 'x' | 'u' | 'p' | 'P' => {
                self.out.push('\\');
                self.out.push(c);
            }
            '1'..='9' | 'k' => return Err("back-references are not supported".to_owned()),
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

    /// After `(`, before `?`: flags and named groups; Ruby's `m` is the crate's `s`.
    fn group(&mut self) -> Result<(), String> {
        self.chars.next();
        let next: String = self.chars.clone().take(2).collect();
        if next.starts_with(['=', '!']) || next == "<=" || next == "<!" {
            return Err("look-around is not supported".to_owned());
        }
        if next.starts_with('>') {
            return Err("atomic groups are not supported".to_owned());
        }
        self.out.push_str("(?");
        while let Some(flag) = self.chars.next_if(|c| matches!(c, 'i' | 'm' | 'x' | '-')) {
            self.out.push(if flag == 'm' { 's' } else { flag });
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
