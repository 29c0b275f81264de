//! Tables for people: columns by two spaces, headers in capitals, so that they can be read and cut.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, presets,
};

use super::{Tone, View};

/// A table in the making.
pub struct Table {
    table: comfy_table::Table,
    colour: bool,
}

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Texts.
    Left(&'static str),
    /// Numbers.
    Right(&'static str),
}

impl Column {
    fn parts(self) -> (&'static str, CellAlignment) {
        match self {
            Column::Left(title) => (title, CellAlignment::Left),
            Column::Right(title) => (title, CellAlignment::Right),
        }
    }
}

impl Table {
    /// A table with these columns.
    pub fn new(view: &View, columns: &[Column]) -> Self {
        let mut table = Self::bare(view);
        let cells = columns.iter().map(|column| {
            let cell = Cell::new(column.parts().0.to_uppercase());
            if view.colour {
                cell.add_attribute(Attribute::Dim)
            } else {
                cell
            }
        });
        table.table.set_header(cells.collect::<Vec<_>>());
        for (i, column) in columns.iter().enumerate() {
            if let Some(set) = table.table.column_mut(i) {
                set.set_cell_alignment(column.parts().1);
            }
        }
        table.pad();
        table
    }

    /// A table with the given titles, all of them texts.
    pub fn with_titles(view: &View, titles: &[String]) -> Self {
        let mut table = Self::bare(view);
        table.table.set_header(titles);
        table.pad();
        table
    }

    /// Names and values, one pair a line.
    pub fn pairs(view: &View, pairs: &[(&str, String)]) -> String {
        let mut table = Self::bare(view);
        for (name, value) in pairs {
            let name = Cell::new(name);
            let name = if view.colour {
                in_tone(name, Tone::Faint)
            } else {
                name
            };
            table.table.add_row([name, Cell::new(value)]);
        }
        table.pad();
        table.render()
    }

    fn bare(view: &View) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        match view.width {
            Some(width) => table
                .set_width(width)
                .set_content_arrangement(ContentArrangement::Dynamic),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        if view.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        Self {
            table,
            colour: view.colour,
        }
    }

    /// Two spaces between columns, none before the first, which is never broken: it is what people copy.
    fn pad(&mut self) {
        if let Some(first) = self.table.column_mut(0) {
            first.set_constraint(ColumnConstraint::ContentWidth);
        }
        for column in self.table.column_iter_mut() {
            column.set_padding((0, 2));
        }
    }

    /// Sets a column's numbers to the right.
    pub fn align_right(&mut self, column: usize) {
        if let Some(column) = self.table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }

    /// Adds a row.
    pub fn row<I: IntoIterator<Item = String>>(&mut self, cells: I) {
        self.table.add_row(cells.into_iter().collect::<Vec<_>>());
    }

    /// Adds a row of which one cell has a tone.
    pub fn row_with_tone<I: IntoIterator<Item = String>>(
        &mut self,
        cells: I,
        toned: usize,
        tone: Tone,
    ) {
        let cells = cells.into_iter().enumerate().map(|(i, text)| {
            let cell = Cell::new(text);
            if i == toned && self.colour {
                in_tone(cell, tone)
            } else {
                cell
            }
        });
        let cells: Vec<_> = cells.collect();
        self.table.add_row(cells);
    }

    /// The table as text, lines without spaces at their ends.
    pub fn render(mut self) -> String {
        self.pad();
        let lines: Vec<String> = self
            .table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        lines.join("\n")
    }
}

fn in_tone(cell: Cell, tone: Tone) -> Cell {
    match tone {
        Tone::Good => cell.fg(Color::Green),
        Tone::Warning => cell.fg(Color::Yellow),
        Tone::Bad => cell.fg(Color::Red),
        Tone::Faint => cell.add_attribute(Attribute::Dim),
        Tone::Strong => cell.add_attribute(Attribute::Bold),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_breaks_texts_but_not_the_first_column() {
        let view = View {
            width: Some(40),
            ..View::plain()
        };
        let mut table = Table::new(&view, &[Column::Left("run"), Column::Left("reason")]);
        table.row([
            "01jd0000000000000000000000".into(),
            "many words that do not fit".into(),
        ]);
        let text = table.render();
        assert!(text.contains("01jd0000000000000000000000"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 40), "{text}");
        assert!(text.lines().count() > 2, "{text}");
    }

    #[test]
    fn colours_are_for_views_that_want_them() {
        let mut plain = Table::new(&View::plain(), &[Column::Left("state")]);
        plain.row_with_tone(["failed".into()], 0, Tone::Bad);
        assert_eq!(plain.render(), "STATE\nfailed");
        let view = View {
            colour: true,
            ..View::plain()
        };
        let mut coloured = Table::new(&view, &[Column::Left("state")]);
        coloured.row_with_tone(["failed".into()], 0, Tone::Bad);
        assert!(coloured.render().contains("\u{1b}["));
    }
}
