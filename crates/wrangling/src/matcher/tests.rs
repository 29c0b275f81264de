use bumpalo::Bump;
use proptest::prelude::*;

use super::{Matcher, Outcome, Unsupported};

/// Where match and groups are.
fn found(matcher: &Matcher, text: &str) -> Option<Vec<Option<(usize, usize)>>> {
    let mut slots = vec![0; matcher.slots()];
    match matcher.search(text, 0, &mut slots, 1_000_000, &Bump::new()) {
        Outcome::Found => Some(
            slots
                .chunks(2)
                .map(|pair| {
                    (pair[0] != usize::MAX && pair[1] != usize::MAX).then(|| (pair[0], pair[1]))
                })
                .collect(),
        ),
        Outcome::Nothing => None,
        Outcome::GaveUp => panic!("gave up on {text:?}"),
    }
}

fn texts<'t>(pattern: &str, text: &'t str) -> Option<Vec<Option<&'t str>>> {
    let matcher = Matcher::compile(pattern, true).unwrap();
    let places = found(&matcher, text)?;
    Some(
        places
            .into_iter()
            .map(|place| place.map(|(from, to)| &text[from..to]))
            .collect(),
    )
}

#[test]
fn what_it_finds_is_what_ruby_finds() {
    for (pattern, text, expected) in [
        (
            "(?<a>a+)(?<b>a)",
            "aaa",
            Some(vec![Some("aaa"), Some("aa"), Some("a")]),
        ),
        (
            "(?<a>a+?)(?<b>a*)",
            "aaa",
            Some(vec![Some("aaa"), Some("a"), Some("aa")]),
        ),
        (
            "(?<a>x)|(?<b>y)",
            "zy",
            Some(vec![Some("y"), None, Some("y")]),
        ),
        (
            "(?<![0-9])(?<n>[0-9]{2})(?![0-9])",
            "123 45",
            Some(vec![Some("45"), Some("45")]),
        ),
        ("(?>a+)a", "aaa", None),
        ("a++a", "aaa", None),
        ("(?>a|ab)c", "abc", None),
        (
            "(?=(?<w>\\w+))\\w",
            "ab c",
            Some(vec![Some("a"), Some("ab")]),
        ),
        ("(?!(?<w>b))\\w", "ba", Some(vec![Some("a"), None])),
        ("^b$", "a\nb\nc", Some(vec![Some("b")])),
        ("a.b", "a\nb", Some(vec![Some("a\nb")])),
        ("\\Ab", "ab", None),
        ("b\\Z", "ab\n", Some(vec![Some("b")])),
        ("(?i)straße|ÄB", "äb", Some(vec![Some("äb")])),
        ("(?i:a)b", "Ab", Some(vec![Some("Ab")])),
        ("(?i:a)b", "AB", None),
        ("(?:a|b(?i)c)D", "bCD", Some(vec![Some("bCD")])),
        ("(?:a|b(?i)c)D", "bCd", None),
        ("é{2,}[^x]", "éééy", Some(vec![Some("éééy")])),
        ("[é-ü]+", "xéüy", Some(vec![Some("éü")])),
        ("[^é]+é", "abcé", Some(vec![Some("abcé")])),
        ("\\bfoo\\b", "xfoo foo", Some(vec![Some("foo")])),
        ("(?:ab){2,3}", "ababab", Some(vec![Some("ababab")])),
        ("(?:ab){2,3}?c?", "ababab", Some(vec![Some("abab")])),
        ("x{,2}y", "xxxy", Some(vec![Some("xxy")])),
        ("a{x}", "a{x}", Some(vec![Some("a{x}")])),
        ("[\\]\\-a]+", "]-a", Some(vec![Some("]-a")])),
        ("[]a]+", "]a", Some(vec![Some("]a")])),
        ("[a-]+", "a-", Some(vec![Some("a-")])),
        ("[[:xdigit:]_]+", "ga_b", Some(vec![Some("a_b")])),
        ("(?-m:a.b)|c", "a\nbc", Some(vec![Some("c")])),
        ("[\\S]+\\s", "ab c", Some(vec![Some("ab ")])),
        ("", "x", Some(vec![Some("")])),
        (
            ".*(?<last>\\d)",
            "a1b2c",
            Some(vec![Some("a1b2"), Some("2")]),
        ),
        (
            "(?<d>.*?)-(?<r>.*)",
            "a-b-c",
            Some(vec![Some("a-b-c"), Some("a"), Some("b-c")]),
        ),
        (
            "(?:[0-9]{1,2}:){2}a|(?:[0-9]{1,2}:){2}(?<b>b)|[0-9]{1,2}:c",
            "1:22:b",
            Some(vec![Some("1:22:b"), Some("b")]),
        ),
        (
            "(?:ab|ac|(?<d>ad))e",
            "ade",
            Some(vec![Some("ade"), Some("ad")]),
        ),
        ("(?<x>é.*?)é", "éaéé", Some(vec![Some("éaé"), Some("éa")])),
    ] {
        assert_eq!(texts(pattern, text), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn what_it_does_not_run_is_left_to_others() {
    for pattern in [
        "(?:a*)*",
        "(a)b",
        "[[:alpha:]]",
        "(a",
        "a)",
        "[a",
        "*a",
        "\\1",
        "\\k<a>",
        "\\p{L}",
        "(?x)a",
        "(?<=ab)c",
        "[a&&b]",
        "[[a]b]",
        "a{2}+",
        "\\",
        "(?:(?:(?:a{99}b){99}c){99}d)",
    ] {
        assert_eq!(
            Matcher::compile(pattern, true).map(|_| ()),
            Err(Unsupported),
            "{pattern}"
        );
    }
}

#[test]
fn a_search_ends_after_its_steps() {
    let matcher = Matcher::compile("(?:a|aa)+b", true).unwrap();
    let mut slots = vec![0; matcher.slots()];
    let text = "a".repeat(60);
    assert_eq!(
        matcher.search(&text, 0, &mut slots, 10_000, &Bump::new()),
        Outcome::GaveUp
    );
}

/// Expressions that both engines know, with groups named apart.
fn expression() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        "[abé]",
        Just(".".to_owned()),
        Just("[ab]".to_owned()),
        Just("[^a]".to_owned()),
        Just("[^é]".to_owned()),
        Just("[é-ü]".to_owned()),
        Just("\\d".to_owned()),
        Just("^".to_owned()),
        Just("$".to_owned()),
        Just("\\b".to_owned()),
        Just("(?![ab])".to_owned()),
        Just("(?<!a)".to_owned()),
        Just("(?=b|é)".to_owned()),
    ];
    atom.prop_recursive(4, 20, 3, |inner| {
        let quantifier = prop_oneof![
            "",
            "[*+?]",
            "[*+?]\\?",
            Just("{1,2}".to_owned()),
            Just("{2}".to_owned()),
            Just("{,2}?".to_owned())
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|items| items.concat()),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|items| format!("(?:{})", items.join("|"))),
            (inner.clone(), quantifier).prop_map(|(inner, times)| format!("(?:{inner}){times}")),
            ("[ab]|[^b]|é", "[*+?]\\??").prop_map(|(set, times)| match set.chars().count() {
                1 => format!("{set}{times}"),
                _ => format!("[ab]{times}"),
            }),
            inner.clone().prop_map(|inner| format!("(?<g>{inner})")),
            inner.prop_map(|inner| format!("(?>{inner})")),
        ]
    })
}

/// Groups of one name get numbers of their own, for the engine that knows a name once.
fn with_own_names(pattern: &str) -> String {
    let mut parts = pattern.split("(?<g>");
    let first = parts.next().unwrap_or_default().to_owned();
    (0..)
        .zip(parts)
        .fold(first, |all, (n, part)| format!("{all}(?<g{n}>{part}"))
}

/// Whether a group that ends with a lazy repetition is repeated: there the other engine may end too early.
fn repeats_what_is_lazy(pattern: &str) -> bool {
    let lazy = ["*?)", "+?)", "??)", "}?)"];
    lazy.iter().any(|end| {
        let ends = pattern.match_indices(end);
        ends.map(|(at, end)| pattern[at + end.len()..].trim_start_matches(')'))
            .any(|behind| behind.starts_with(['*', '+', '?', '{']))
    })
}

#[test]
fn a_repeated_lazy_repetition_takes_all_that_it_can() {
    // as Perl and Ruby do
    let matcher = Matcher::compile("(?:(?:(?:.)+?)*)?", true).unwrap();
    assert_eq!(found(&matcher, "ü0"), Some(vec![Some((0, 3))]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn it_finds_what_another_backtracking_engine_finds(pattern in expression(), text in "[abéü0 \n]{0,10}") {
        let Ok(matcher) = Matcher::compile(&pattern, true) else { return Ok(()) };
        if repeats_what_is_lazy(&pattern) {
            return Ok(());
        }
        // the other one begins a line after the last line feed, which Ruby does not
        let text = text.trim_end_matches('\n');
        let other = fancy_regex::RegexBuilder::new(&with_own_names(&pattern.replace("{,", "{0,").replace("\\d", "[0-9]")))
            .multi_line(true)
            .dot_matches_new_line(true)
            .build();
        let Ok(other) = other else { return Ok(()) };
        let Ok(expected) = other.captures(text) else { return Ok(()) };
        let expected = expected.map(|captures| {
            captures.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect::<Vec<_>>()
        });
        prop_assert_eq!(found(&matcher, text), expected, "{} on {:?}", pattern, text);
    }

    #[test]
    fn no_expression_makes_it_panic(pattern in "[ab(|)\\[\\]*+?{},0-9^$\\\\.<>=!:éinx-]{0,24}", text in ".{0,12}") {
        if let Ok(matcher) = Matcher::compile(&pattern, true) {
            let mut slots = vec![0; matcher.slots()];
            matcher.search(&text, 0, &mut slots, 10_000, &Bump::new());
        }
    }
}
