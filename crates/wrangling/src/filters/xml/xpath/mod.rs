//! `XPath` 1.0 (<https://www.w3.org/TR/xpath-10/>), without variables, the namespace axis and `id()`.

mod axis;
mod eval;
mod functions;
mod lex;
mod object;
mod parse;

use self::axis::Axis;
use self::functions::Function;
pub(super) use self::object::Object;
use super::tree::{Document, ROOT};

/// A compiled expression.
#[derive(Debug)]
pub(super) struct XPath(Expr);

/// Prefixes and the namespaces that they stand for.
pub(super) type Namespaces = Vec<(String, String)>;

impl XPath {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        parse::parse(text).map(Self)
    }

    /// The value for a document.
    ///
    /// # Errors
    /// For a prefix without a namespace, and for a value where there must be nodes.
    pub(super) fn evaluate(
        &self,
        document: &Document,
        namespaces: &Namespaces,
    ) -> Result<Object, String> {
        let scope = eval::Scope {
            document,
            namespaces,
            node: ROOT,
            position: 1,
            size: 1,
        };
        scope.evaluate(&self.0)
    }
}

#[derive(Debug)]
enum Expr {
    Text(String),
    Number(f64),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Negative(Box<Expr>),
    Call(Function, Vec<Expr>),
    /// Steps from the root, from the context node, or from the nodes of an expression that predicates choose from.
    Path(Start, Vec<Step>),
}

#[derive(Debug)]
enum Start {
    Root,
    Here,
    Nodes(Box<Expr>, Vec<Expr>),
}

#[derive(Debug)]
struct Step {
    axis: Axis,
    test: Test,
    predicates: Vec<Expr>,
}

/// Which nodes of an axis are meant.
#[derive(Debug)]
enum Test {
    /// `*`, or `prefix:*`
    Any(Option<String>),
    /// A name with its prefix, which is empty for none.
    Name(String, String),
    Node,
    Text,
    Comment,
    Instruction(Option<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Union,
}

#[cfg(test)]
mod tests {
    use super::super::{parse::parse, texts};
    use super::*;

    const SHOP: &str = "<shop xmlns:p='urn:p' name='S'><!--c--><item id='1' p:k='v'>Pen<b>!</b></item>\
        <item id='2'>Ink</item><p:item>Cap</p:item><price>2.50</price><price>4</price><e/>\
        <t xml:lang='de-AT'>a  b</t><w><x>1 &lt; 2</x></w></shop>";

    fn find(path: &str) -> Vec<String> {
        let document = parse(SHOP);
        let namespaces = vec![("p".to_owned(), "urn:p".to_owned())];
        let object = XPath::compile(path)
            .unwrap()
            .evaluate(&document, &namespaces);
        texts(object.unwrap(), &document)
    }

    #[test]
    fn expressions_find_what_they_mean() {
        for (path, found) in [
            ("/shop/item/text()", &["Pen", "Ink"][..]),
            ("//item[2]", &["<item id=\"2\">Ink</item>"]),
            ("/shop/item[@id='1']/b", &["<b>!</b>"]),
            ("//item/@id", &["1", "2"]),
            ("//item[1]/@*", &["1", "v"]),
            ("//@p:k", &["v"]),
            ("//p:item/text() | //price[last()]/text()", &["Cap", "4"]),
            ("//p:*/text()", &["Cap"]),
            ("//x/text()", &["1 &lt; 2"]),
            ("string(//x)", &["1 < 2"]),
            ("//w", &["<w><x>1 &lt; 2</x></w>"]),
            ("//e", &["<e/>"]),
            (
                "//item[1]",
                &["<item id=\"1\" p:k=\"v\">Pen<b>!</b></item>"],
            ),
            ("//comment()", &["<!--c-->"]),
            ("count(//item)", &["2.0"]),
            ("sum(//price) div 2", &["3.25"]),
            ("name(/*)", &["shop"]),
            ("local-name(//p:item)", &["item"]),
            ("concat(//item[1], '-', count(//price))", &["Pen!-2"]),
            ("//item[contains(., 'k')]/@id", &["2"]),
            (
                "//item[starts-with(text(), 'P') and not(@id > 1)]/@id",
                &["1"],
            ),
            ("//price[. = 4]/text()", &["4"]),
            ("//price[number(.) < 3]/text()", &["2.50"]),
            ("(//item)[last()]/text()", &["Ink"]),
            ("//b/../@id", &["1"]),
            ("//b/ancestor::*[1]/@id", &["1"]),
            ("//item[following-sibling::item]/@id", &["1"]),
            ("//e/preceding-sibling::price[1]/text()", &["4"]),
            ("//e/preceding::b", &["<b>!</b>"]),
            ("//b/following::price/text()", &["2.50", "4"]),
            ("normalize-space(//t)", &["a b"]),
            ("//t[lang('de')]/@xml:lang", &["de-AT"]),
            ("translate('abc', 'bc', 'B')", &["aB"]),
            ("substring('12345', 2, 3)", &["234"]),
            ("substring('12345', 1.5, 2.6)", &["234"]),
            ("substring-after('a=b', '=')", &["b"]),
            ("string-length('é')", &["1.0"]),
            ("-(1 - 3) * 4 mod 3", &["2.0"]),
            ("true()", &["true"]),
            ("1 = 2", &[]),
            ("//none", &[]),
            ("string(//none)", &[""]),
            (".//item/self::item[position() = 1]/@id", &["1", "2"]),
            ("//item[@id][1]/text()", &["Pen"]),
        ] {
            assert_eq!(find(path), found, "{path}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for path in [
            "",
            "/shop[",
            "//",
            "a b",
            "foo(1)",
            "count()",
            "$x",
            "namespace::*",
            "'a",
            "a/",
            "1 +",
            "id('x')",
            "@",
            "a[]",
            "text(1)",
            "!",
        ] {
            assert!(XPath::compile(path).is_err(), "{path}");
        }
        let deep = format!("{}1{}", "(".repeat(500), ")".repeat(500));
        assert!(XPath::compile(&deep).is_err());
        let unbound = XPath::compile("//q:x").unwrap();
        assert!(unbound.evaluate(&parse(SHOP), &Vec::new()).is_err());
    }
}
