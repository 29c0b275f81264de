//! Ruby's syntax of regular expressions in that of the crates that run them.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// A translated expression.
pub(super) struct Translated {
    pub(super) text: String,
    /// The names of the groups, from group 1 on; empty if no group has a name.
    pub(super) names: Vec<String>,
    /// Whether it cannot be run in linear time.
    pub(super) needs_backtracking: bool,
}

/// Translates a Ruby expression. Named groups become numbered ones, since Ruby allows a name twice and any character in it;
/// groups without a name beside them do not capture, as in Ruby.
///
/// # Errors
/// For what the crates have nothing for.
pub(super) fn translate(source: &str) -> Result<Translated, String> {
    Translator {
        chars: source.chars().peekable(),
        out: String::with_capacity(source.len() * 2),
        class_depth: 0,
        has_names: has_names(source),
        groups: 0,
        names: Vec::new(),
        needs_backtracking: false,
    }
    .run()
}

/// Whether a group has a name.
fn has_names(source: &str) -> bool {
    source.match_indices("(?<").any(|(at, mark)| {
        let before = source.get(..at).unwrap_or_default();
        let escapes = before.len() - before.trim_end_matches('\\').len();
        let after = source.get(at + mark.len()..).unwrap_or_default();
        escapes % 2 == 0 && !after.starts_with(['=', '!'])
    })
}

/// The members of a POSIX class or of a property that the crates do not know by that name.
fn named_class(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "alpha" => r"\p{Alphabetic}",
        "alnum" => r"\p{Alphabetic}\p{Nd}",
        "blank" => r"\p{Zs}\t",
        "cntrl" => r"\p{Cc}",
        "digit" => r"\p{Nd}",
        "graph" => r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}",
        "lower" => r"\p{Lowercase}",
        "print" => r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}\p{Zs}",
        "punct" => r"\p{P}$+<=>\^`|\~",
        "space" => r"\p{White_Space}",
        "upper" => r"\p{Uppercase}",
        "word" => r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}",
        "xdigit" => "0-9A-Fa-f",
        "ascii" => r"\x00-\x7F",
        _ => return None,
    })
}

struct Translator<'s> {
    chars: Peekable<Chars<'s>>,
    out: String,
    class_depth: usize,
    has_names: bool,
    /// Groups that capture, so far.
    groups: usize,
    names: Vec<String>,
    needs_backtracking: bool,
}

impl Translator<'_> {
    fn run(mut self) -> Result<Translated, String> {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.class(),
                ']' if self.class_depth > 0 => {
                    self.class_depth -= 1;
                    self.out.push(']');
                }
                _ if self.class_depth > 0 => self.in_class(c),
                '{' => self.brace(),
                '(' if self.chars.peek() == Some(&'?') => self.group()?,
                '(' if self.has_names => self.out.push_str("(?:"),
                '(' => {
                    self.groups += 1;
                    self.out.push('(');
                }
                '*' | '+' | '?' => {
                    self.out.push(c);
                    self.needs_backtracking |= self.chars.peek() == Some(&'+');
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

    /// A class begins, or a POSIX class within one. A bracket that closes nothing is a member.
    fn class(&mut self) {
        if self.class_depth > 0
            && let Some((negated, members, len)) = self.posix_class()
        {
            self.chars.by_ref().take(len).for_each(drop);
            let mark = if negated { "^" } else { "" };
            let _infallible = write!(self.out, "[{mark}{members}]");
            return self.before_hyphen();
        }
        self.class_depth += 1;
        self.out.push('[');
        if self.chars.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        if self.chars.next_if_eq(&']').is_some() {
            self.out.push_str("\\]");
        }
    }

    /// `:alpha:]` or `:^alpha:]`: whether it is negated, its members and how many characters it takes.
    fn posix_class(&self) -> Option<(bool, &'static str, usize)> {
        let body: String = self.chars.clone().take_while(|c| *c != ']').collect();
        let name = body.strip_prefix(':')?.strip_suffix(':')?;
        let plain = name.strip_prefix('^');
        let members = named_class(plain.unwrap_or(name))?;
        Some((plain.is_some(), members, body.chars().count() + 1))
    }

    fn in_class(&mut self, c: char) {
        let next = self.chars.peek();
        let literal = match c {
            '&' => next != Some(&'&') && !self.out.ends_with('&'),
            '~' => true,
            // a range cannot end in a class
            '-' => next == Some(&'-') || self.ends_in_class_escape(),
            _ => false,
        };
        if literal {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    fn ends_in_class_escape(&self) -> bool {
        let mut next = self.chars.clone();
        next.next() == Some('\\') && next.next().is_some_and(|c| "dwshDWSHpP".contains(c))
    }

    /// After a class within a class a hyphen is a member, not a range.
    fn before_hyphen(&mut self) {
        if self.class_depth > 0 && self.chars.next_if_eq(&'-').is_some() {
            self.out.push_str("\\-");
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(c) = self.chars.next() else {
            return Err("it ends with a backslash".to_owned());
        };
        let in_class = self.class_depth > 0;
        let set = match c {
            'd' | 'D' => "0-9",
            'w' | 'W' => "0-9A-Za-z_",
            's' | 'S' => "\\t\\n\\x0B\\x0C\\r\\x20",
            'h' | 'H' => "0-9A-Fa-f",
            _ => "",
        };
        match c {
            'd' | 'w' | 's' | 'h' if in_class => {
                self.out.push_str(set);
                self.before_hyphen();
            }
            'd' | 'w' | 's' | 'h' => self.wrapped("[", set),
            'D' | 'W' | 'S' | 'H' => {
                self.wrapped("[^", set);
                self.before_hyphen();
            }
            'b' if in_class => self.out.push_str("\\x08"),
            'e' => self.out.push_str("\\x1B"),
            'Z' => {
                self.needs_backtracking = true;
                self.out.push_str("(?=\\n?\\z)");
            }
            'R' => self.out.push_str("(?:\\r\\n|[\\n\\x0B\\x0C\\r])"),
            'p' | 'P' => self.property(c),
            'x' => self.code(16, 2),
            '0' => self.code(8, 2),
            '1'..='7' if in_class => self.octal(c),
            'A' | 'z' | 'B' | 'b' | 'n' | 't' | 'r' | 'f' | 'v' | 'a' | 'u' => {
                self.out.extend(['\\', c]);
            }
            'G' | 'K' => {
                self.needs_backtracking = true;
                self.out.extend(['\\', c]);
            }
            'k' => self.named_reference()?,
            '1'..='9' => self.reference(c)?,
            'X' | 'g' | 'c' | 'C' | 'M' => return Err(format!("`\\{c}` is not supported")),
            other if other.is_alphanumeric() => self.out.push(other),
            other => self
                .out
                .push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    fn wrapped(&mut self, open: &str, set: &str) {
        self.out.extend([open, set, "]"]);
    }

    /// A character by up to `max` digits.
    fn code(&mut self, radix: u32, max: usize) {
        let mut number = 0;
        if self.chars.peek() == Some(&'{') {
            return self.out.push_str("\\x");
        }
        for _ in 0..max {
            let Some(digit) = self.chars.next_if(|c| c.is_digit(radix)) else {
                break;
            };
            number = number * radix + digit.to_digit(radix).unwrap_or_default();
        }
        let _infallible = write!(self.out, "\\x{{{number:X}}}");
    }

    fn octal(&mut self, first: char) {
        let mut number = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.chars.next_if(|c| c.is_digit(8)) else {
                break;
            };
            number = number * 8 + digit.to_digit(8).unwrap_or_default();
        }
        let _infallible = write!(self.out, "\\x{{{number:X}}}");
    }

    /// `\p{Name}` and `\p{^Name}`; Ruby's own names as their members.
    fn property(&mut self, letter: char) {
        let body: String = self.chars.clone().take_while(|c| *c != '}').collect();
        let Some(inner) = body.strip_prefix('{') else {
            return self.out.extend(['\\', letter]);
        };
        self.chars
            .by_ref()
            .take(body.chars().count() + 1)
            .for_each(drop);
        let plain = inner.strip_prefix('^');
        let negated = (letter == 'P') != plain.is_some();
        let name = plain.unwrap_or(inner);
        let _infallible = match named_class(name) {
            Some(members) => write!(self.out, "[{}{members}]", if negated { "^" } else { "" }),
            None => write!(self.out, "\\{}{{{name}}}", if negated { 'P' } else { 'p' }),
        };
        self.before_hyphen();
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

    /// `\1`: a group by its number, which it only has if no group has a name; else an octal code.
    fn reference(&mut self, first: char) -> Result<(), String> {
        let mut digits = String::from(first);
        while let Some(digit) = self.chars.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        let group: usize = digits.parse().unwrap_or(usize::MAX);
        if digits.len() == 3
            && group > self.groups
            && let Ok(code) = u32::from_str_radix(&digits, 8)
        {
            let _infallible = write!(self.out, "\\x{{{code:X}}}");
            return Ok(());
        }
        if self.has_names {
            return Err("groups are referred to by number and have names".to_owned());
        }
        if group > self.groups {
            return Err(format!("there is no group {digits} to refer back to"));
        }
        self.needs_backtracking = true;
        let _infallible = write!(self.out, "(?:\\{group})");
        Ok(())
    }

    /// `\k<name>`: the last group of that name.
    fn named_reference(&mut self) -> Result<(), String> {
        self.chars.next_if_eq(&'<');
        let name: String = self.chars.by_ref().take_while(|c| *c != '>').collect();
        let named = self.names.iter().rposition(|known| *known == name);
        let numbered = || {
            name.parse()
                .ok()
                .filter(|group| (1..=self.groups).contains(group))
        };
        let group = named.map(|at| at + 1).or_else(numbered);
        let group = group.ok_or_else(|| format!("there is no group `{name}` to refer back to"))?;
        self.needs_backtracking = true;
        let _infallible = write!(self.out, "(?:\\{group})");
        Ok(())
    }

    /// After `(`, before `?`: look-around, flags and named groups; Ruby's `m` is the crates' `s`.
    fn group(&mut self) -> Result<(), String> {
        self.chars.next();
        let next: String = self.chars.clone().take(2).collect();
        if next.starts_with('#') {
            self.chars.by_ref().find(|c| *c == ')');
            return Ok(());
        }
        let look_behind = next == "<=" || next == "<!";
        if next.starts_with(['<', '\'']) && !look_behind {
            let close = if self.chars.next() == Some('<') {
                '>'
            } else {
                '\''
            };
            let name: String = self.chars.by_ref().take_while(|c| *c != close).collect();
            if name.is_empty() {
                return Err("a group has an empty name".to_owned());
            }
            self.groups += 1;
            self.names.push(name);
            self.out.push('(');
            return Ok(());
        }
        self.needs_backtracking |= look_behind || next.starts_with(['=', '!', '>', '(']);
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
