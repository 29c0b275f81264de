//! The decoder against tables, and against a naive one that takes a byte at a time.

use bumpalo::Bump;
use proptest::prelude::*;

use super::*;

const PLAIN: Dialect = Dialect {
    delimiter: b',',
    quote: b'"',
};

/// Offsets of a record, what is wrong with it, its values, and where the next one begins.
#[derive(Debug, Clone, PartialEq)]
struct Naive {
    start: usize,
    end: usize,
    next: usize,
    flaw: Option<Flaw>,
    values: Vec<String>,
}

/// The definition in the module's own words, one byte after the other. Keeps blank records.
fn naive(text: &str, dialect: Dialect) -> Vec<Naive> {
    let (b, mut records, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < b.len() {
        let (start, mut values, mut flaw, mut value) = (at, Vec::new(), None, Vec::new());
        let (mut at_value_start, mut quoted, mut was_quoted) = (true, false, false);
        let mut end = None;
        while at < b.len() && end.is_none() {
            let byte = b[at];
            let crlf = byte == b'\r' && b.get(at + 1) == Some(&b'\n');
            match byte {
                _ if quoted && byte == dialect.quote && b.get(at + 1) == Some(&dialect.quote) => {
                    value.push(byte);
                    at += 1;
                }
                _ if quoted && byte == dialect.quote => quoted = false,
                _ if quoted => value.push(byte),
                _ if at_value_start && byte == dialect.quote => (quoted, was_quoted) = (true, true),
                _ if byte == b'\n' || crlf => {
                    end = Some(at);
                    at += usize::from(crlf);
                }
                _ if byte == dialect.delimiter => {
                    values.push(String::from_utf8(std::mem::take(&mut value)).unwrap());
                    was_quoted = false;
                }
                _ if was_quoted => flaw = Some(Flaw::TextAfterQuote),
                _ => value.push(byte),
            }
            at_value_start = byte == dialect.delimiter && !quoted;
            at += 1;
        }
        if quoted {
            flaw = Some(Flaw::UnterminatedQuote);
        }
        values.push(String::from_utf8(value).unwrap());
        records.push(Naive {
            start,
            end: end.unwrap_or(at),
            next: at,
            flaw,
            values,
        });
    }
    records
}

fn rows(text: &str, dialect: Dialect) -> Vec<(usize, usize, Option<Flaw>, Vec<String>)> {
    let (arena, mut values, mut found) = (Bump::new(), Vec::new(), Vec::new());
    let mut rows = Rows::new(text, dialect, &arena);
    while let Some(Span { start, end, flaw }) = rows.next(&mut values) {
        let values = if flaw.is_some() {
            Vec::new()
        } else {
            values.iter().map(|v| (*v).to_owned()).collect()
        };
        found.push((start, end, flaw, values));
    }
    found
}

fn expected(text: &str, dialect: Dialect) -> Vec<(usize, usize, Option<Flaw>, Vec<String>)> {
    let content = |record: &Naive| record.end > record.start;
    let values = |r: Naive| {
        if r.flaw.is_some() {
            Vec::new()
        } else {
            r.values
        }
    };
    naive(text, dialect)
        .into_iter()
        .filter(content)
        .map(|r| (r.start, r.end, r.flaw, values(r)))
        .collect()
}

#[test]
fn rows_are_cut_as_rfc_4180_says() {
    let tab = Dialect {
        delimiter: b'\t',
        quote: b'\'',
    };
    #[rustfmt::skip]
    let cases: &[(&str, Dialect, &[&[&str]])] = &[
        ("", PLAIN, &[]),
        ("a,b\nc,d\n", PLAIN, &[&["a", "b"], &["c", "d"]]),
        ("a,b\r\nc,d", PLAIN, &[&["a", "b"], &["c", "d"]]),
        ("\n\r\na\n\n", PLAIN, &[&["a"]]),
        ("\"a\nb\",\"c,\"\"d\"\"\"\n", PLAIN, &[&["a\nb", "c,\"d\""]]),
        ("\"\"\n,\n", PLAIN, &[&[""], &["", ""]]),
        ("6\" pipe,a\"\"b\n", PLAIN, &[&["6\" pipe", "a\"\"b"]]),
        ("a\tb,c\t'd\te'\n", tab, &[&["a", "b,c", "d\te"]]),
        ("a\0b,ä\u{1F600}\n", PLAIN, &[&["a\0b", "ä\u{1F600}"]]),
        ("a,\r", PLAIN, &[&["a", "\r"]]),
    ];
    for (text, dialect, wanted) in cases {
        let found: Vec<_> = rows(text, *dialect)
            .into_iter()
            .map(|row| (row.2, row.3))
            .collect();
        let wanted: Vec<_> = wanted
            .iter()
            .map(|row| (None, row.iter().map(|v| (*v).to_owned()).collect()))
            .collect();
        assert_eq!(found, wanted, "{text:?}");
    }
}

#[test]
fn wrong_quoting_is_named_and_hides_no_later_record() {
    assert_eq!(
        rows("\"a\"b,c\nd\n", PLAIN)[0].2,
        Some(Flaw::TextAfterQuote)
    );
    assert_eq!(rows("\"a\"b,c\nd\n", PLAIN)[1].3, ["d"]);
    let unterminated = rows("a\n\"b\nc", PLAIN);
    assert_eq!(
        unterminated[1],
        (2, 6, Some(Flaw::UnterminatedQuote), vec![])
    );
}

#[test]
fn headers_must_be_the_specs_columns_if_it_names_any() {
    use domain::spec::{Format, FormatType};
    let mut format = Format::of(FormatType::Csv);
    let names = |line: &[u8], format: &Format| column_names(line, PLAIN, format);
    assert_eq!(
        names(b"a,\"b c\"\r\n", &format),
        Ok(Some(vec!["a".into(), "b c".into()]))
    );
    assert_eq!(names(b"\r\n", &format), Ok(None));
    assert_eq!(names(b"a\xff\n", &format), Err(HeaderError::Encoding(1)));
    assert!(matches!(
        names(b"\"a\"x,b\n", &format),
        Err(HeaderError::Quoting(_))
    ));
    format.columns = Some(vec!["a".into()]);
    assert!(matches!(
        names(b"b\n", &format),
        Err(HeaderError::Differs { .. })
    ));
}

fn text_of(alphabet: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(alphabet), 0..200).prop_map(|parts| parts.concat())
}

const ALPHABET: &[&str] = &[
    "a",
    "\"",
    ",",
    "\n",
    "\r\n",
    "\r",
    "\"\"",
    ";",
    "ä",
    "longer text of a value",
    "\0",
    "'",
];

proptest! {
    #[test]
    fn rows_equal_the_naive_decoders(text in text_of(ALPHABET), semicolon in any::<bool>()) {
        let dialect = if semicolon { Dialect { delimiter: b';', quote: b'\'' } } else { PLAIN };
        prop_assert_eq!(rows(&text, dialect), expected(&text, dialect));
    }

    #[test]
    fn boundaries_do_not_depend_on_how_the_bytes_come(text in text_of(ALPHABET), cuts in prop::collection::vec(0usize..600, 0..20)) {
        let ended: Vec<usize> = naive(&text, PLAIN)
            .into_iter()
            .filter(|r| r.flaw != Some(Flaw::UnterminatedQuote) && text[..r.next].ends_with('\n'))
            .map(|r| r.next)
            .collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
        cuts.sort_unstable();
        let (mut boundary, mut each) = (Boundary::new(Framing::Csv(PLAIN)), Boundary::new(Framing::Csv(PLAIN)));
        let mut singly = Vec::new();
        for pair in cuts.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let wanted = ended.iter().copied().filter(|&end| end > from && end <= to).max();
            prop_assert_eq!(boundary.last(&text.as_bytes()[from..to]).map(|at| from + at), wanted);
            let mut at = from;
            while at < to {
                let end = each.first(&text.as_bytes()[at..to]);
                singly.extend(end.map(|end| at + end));
                at = end.map_or(to, |end| at + end);
            }
        }
        prop_assert_eq!(singly, ended);
    }

    #[test]
    fn lines_equal_a_split(text in text_of(&["a", "\n", "\r\n", "\r", "bc"])) {
        let found: Vec<_> = Lines::new(text.as_bytes()).map(|s| &text[s.start..s.end]).collect();
        let wanted: Vec<_> = text
            .split_inclusive('\n')
            .map(|line| line.strip_suffix("\r\n").or_else(|| line.strip_suffix('\n')).unwrap_or(line))
            .filter(|line| !line.is_empty())
            .collect();
        prop_assert_eq!(found, wanted);
    }
}
