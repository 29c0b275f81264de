//! Elasticsearch's `standard` analyser: words by Unicode's rules (UAX 29), in lower case.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_segmentation::UnicodeSegmentation;

/// Longest token in characters; longer words are cut into pieces of that length.
const MAX_TOKEN: usize = 255;

/// The tokens of `text`, in order.
pub fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut analyzer = Standard::default();
    let mut stream = analyzer.token_stream(text);
    while stream.advance() {
        out.push(stream.token().text.clone());
    }
    out
}

/// The analyser for the search library.
#[derive(Debug, Clone, Default)]
pub struct Standard {
    token: Token,
}

/// The tokens of one text.
pub struct Words<'a> {
    words: Box<dyn Iterator<Item = (usize, &'a str)> + 'a>,
    rest: Option<(usize, &'a str)>,
    token: &'a mut Token,
}

impl Tokenizer for Standard {
    type TokenStream<'a> = Words<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Words<'a> {
        self.token.reset();
        let words: Box<dyn Iterator<Item = (usize, &'a str)> + 'a> = if text.is_ascii() {
            Box::new(
                Ascii {
                    text: text.as_bytes(),
                    at: 0,
                }
                .map(|(from, to)| (from, &text[from..to])),
            )
        } else {
            Box::new(text.unicode_word_indices())
        };
        Words {
            words,
            rest: None,
            token: &mut self.token,
        }
    }
}

impl TokenStream for Words<'_> {
    fn advance(&mut self) -> bool {
        let Some((start, word)) = self.rest.take().or_else(|| self.words.next()) else {
            return false;
        };
        let cut = word
            .char_indices()
            .nth(MAX_TOKEN)
            .map_or(word.len(), |(at, _)| at);
        if cut < word.len() {
            self.rest = Some((start + cut, &word[cut..]));
        }
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = start;
        self.token.offset_to = start + cut;
        self.token.text.clear();
        if word.is_ascii() {
            self.token.text.push_str(&word[..cut]);
            self.token.text.make_ascii_lowercase();
        } else {
            self.token
                .text
                .extend(word[..cut].chars().flat_map(char::to_lowercase));
        }
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// UAX 29 for ASCII alone, several times faster: letters, digits and `_` belong together; `'` and `.`
/// join two letters or two digits, `:` two letters, `,` and `;` two digits.
struct Ascii<'a> {
    text: &'a [u8],
    at: usize,
}

impl Iterator for Ascii<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        loop {
            while !word(*self.text.get(self.at)?) {
                self.at += 1;
            }
            let start = self.at;
            while let Some(byte) = self.text.get(self.at) {
                let before = self.text[self.at.saturating_sub(1)];
                let after = self.text.get(self.at + 1).copied().unwrap_or(b' ');
                let letters = before.is_ascii_alphabetic() && after.is_ascii_alphabetic();
                let digits = before.is_ascii_digit() && after.is_ascii_digit();
                let joined = match byte {
                    b'\'' | b'.' => letters || digits,
                    b':' => letters,
                    b',' | b';' => digits,
                    other => word(*other),
                };
                if !joined {
                    break;
                }
                self.at += 1;
            }
            // Underscores alone are no word.
            if self.text[start..self.at]
                .iter()
                .any(u8::is_ascii_alphanumeric)
            {
                return Some((start, self.at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_as_the_standard_analyser_cuts_them() {
        assert_eq!(
            tokens("The 2 QUICK Brown-Foxes jumped over the lazy dog's bone."),
            [
                "the", "2", "quick", "brown", "foxes", "jumped", "over", "the", "lazy", "dog's",
                "bone"
            ]
        );
        assert_eq!(
            tokens("www.example.com 3.14 1,000 a_b C3PO __"),
            ["www.example.com", "3.14", "1,000", "a_b", "c3po"]
        );
        assert_eq!(tokens("Größe ÉTÉ"), ["größe", "été"]);
        assert_eq!(
            tokens(&"x".repeat(300))
                .iter()
                .map(String::len)
                .collect::<Vec<_>>(),
            [255, 45]
        );
    }

    proptest! {
        #[test]
        fn the_ascii_rules_are_unicode_s(text in "[a-cA-C0-2_.,;:' \\-/\"]{0,30}") {
            let fast: Vec<_> = Ascii { text: text.as_bytes(), at: 0 }.map(|(from, to)| &text[from..to]).collect();
            let exact: Vec<_> = text.unicode_words().collect();
            prop_assert_eq!(fast, exact);
        }
    }
}
