//! Takes a line apart into values of fixed widths.

use domain::spec::Format;

/// The widths of a line's values.
#[derive(Debug, Clone)]
pub struct Widths {
    /// Characters, and whether they are a value.
    parts: Vec<(usize, bool)>,
    trim: bool,
}

/// How a line fits its widths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It has as many characters.
    Exact,
    /// It has fewer: values that it does not reach are missing.
    Short,
    /// It has more, which are one further value.
    Long,
}

impl Widths {
    /// The widths of a format.
    pub fn of(format: &Format) -> Self {
        let width = |width: u32| usize::try_from(width).unwrap_or(usize::MAX);
        let fields = format.fields.as_deref().unwrap_or_default();
        Self {
            parts: fields
                .iter()
                .map(|field| (width(field.width), field.name.is_some()))
                .collect(),
            trim: format.trim.unwrap_or(true),
        }
    }

    /// The names of a format's values.
    pub fn names(format: &Format) -> Vec<String> {
        let fields = format.fields.iter().flatten();
        fields.filter_map(|field| field.name.clone()).collect()
    }

    /// The values of a line; they replace those in `values`.
    pub fn split<'t>(&self, line: &'t str, values: &mut Vec<&'t str>) -> Fit {
        values.clear();
        let mut rest = line;
        for &(width, is_value) in &self.parts {
            let (part, after) = taken(rest, width);
            if is_value && !rest.is_empty() {
                values.push(self.value(part));
            }
            let Some(after) = after else {
                return Fit::Short;
            };
            rest = after;
        }
        if rest.is_empty() {
            return Fit::Exact;
        }
        values.push(self.value(rest));
        Fit::Long
    }

    /// How many characters a line has to have.
    pub fn total(&self) -> usize {
        self.parts.iter().map(|(width, _)| *width).sum()
    }

    fn value<'t>(&self, part: &'t str) -> &'t str {
        match self.trim {
            true => part.trim_matches([' ', '\t']),
            false => part,
        }
    }
}

/// The first characters of a text, and what follows them; nothing does if there are too few.
fn taken(text: &str, characters: usize) -> (&str, Option<&str>) {
    let bytes = text.as_bytes().get(..characters);
    let end = match bytes.is_some_and(<[u8]>::is_ascii) {
        true => Some(characters),
        false => text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .nth(characters),
    };
    match end.and_then(|end| text.split_at_checked(end)) {
        Some((part, after)) => (part, Some(after)),
        None => (text, None),
    }
}
