//! mutate's options, in the order in which they are carried out.

use super::convert::Conversion;
use super::text::{Case, Gsub};
use super::{Mutate, NewValue, Operation};
use crate::compile::Compiler;
use crate::exec::FieldPath;
use crate::options::Options;

impl Mutate {
    pub(in crate::filters) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Self {
        let mut block = Block {
            options,
            compiler,
            operations: Vec::new(),
        };
        block.coerce();
        block.rename();
        block.set("update", Operation::Update);
        block.set("replace", Operation::Replace);
        block.convert();
        block.gsub();
        for (name, case) in [
            ("uppercase", Case::Upper),
            ("capitalize", Case::Capital),
            ("lowercase", Case::Lower),
        ] {
            block.each(name, |path| Operation::Case(path, case));
        }
        block.each("strip", Operation::Strip);
        block.separated("split", Operation::Split);
        block.separated("join", Operation::Join);
        block.merge();
        block.copy();
        Self {
            operations: block.operations,
        }
    }
}

struct Block<'b, 'f, 'e> {
    options: Options<'f>,
    compiler: &'b mut Compiler<'e>,
    operations: Vec<Operation>,
}

impl Block<'_, '_, '_> {
    fn path(&mut self, field: &str, option: &str) -> Option<FieldPath> {
        self.compiler.field(field, &self.options.at(option))
    }

    fn coerce(&mut self) {
        for (field, text) in self.options.text_pairs("coerce") {
            let template = self.compiler.template(text, &self.options.at("coerce"));
            if let (Some(path), Some(template)) = (self.path(field, "coerce"), template) {
                self.operations.push(Operation::Coerce(path, template));
            }
        }
    }

    fn rename(&mut self) {
        let at = self.options.at("rename");
        for (from, to) in self.options.text_pairs("rename") {
            if let (Some(from), Some(to)) =
                (self.compiler.name(from, &at), self.compiler.name(to, &at))
            {
                self.operations.push(Operation::Rename(from, to));
            }
        }
    }

    fn set(&mut self, option: &str, operation: fn(FieldPath, NewValue) -> Operation) {
        let at = self.options.at(option);
        for (field, texts) in self.options.pairs(option) {
            let is_list = matches!(self.options.get(option), Some(crate::ast::Literal::Hash(members))
                if members.iter().any(|(name, value)| name == field && matches!(value, crate::ast::Literal::Array(_))));
            let mut templates: Vec<_> = texts
                .into_iter()
                .filter_map(|text| self.compiler.template(text, &at))
                .collect();
            let value = match (is_list, templates.pop()) {
                (false, Some(text)) => NewValue::Text(text),
                (_, last) => NewValue::List(templates.into_iter().chain(last).collect()),
            };
            if let Some(path) = self.path(field, option) {
                self.operations.push(operation(path, value));
            }
        }
    }

    fn convert(&mut self) {
        for (field, kind) in self.options.text_pairs("convert") {
            let Some(conversion) = Conversion::parse(kind) else {
                let message = format!(
                    "`{kind}` is no conversion; allowed: {}",
                    Conversion::NAMES.join(", ")
                );
                let at = crate::violation::pointer(&self.options.at("convert"), field);
                self.compiler.violation(at, "invalid_conversion", message);
                continue;
            };
            if let Some(path) = self.path(field, "convert") {
                self.operations.push(Operation::Convert(path, conversion));
            }
        }
    }

    fn gsub(&mut self) {
        let at = self.options.at("gsub");
        let texts = self.options.list("gsub").unwrap_or_default();
        let (triples, rest) = texts.as_chunks::<3>();
        if !rest.is_empty() {
            let message = format!(
                "gsub takes triples of field, expression, replacement; {} texts are left over",
                rest.len()
            );
            self.compiler.violation(at.clone(), "invalid_gsub", message);
        }
        for [field, expression, replacement] in triples {
            let gsub = Gsub::compile(expression, replacement, &at, self.compiler);
            if let (Some(path), Some(gsub)) = (self.path(field, "gsub"), gsub) {
                self.operations.push(Operation::Gsub(path, gsub));
            }
        }
    }

    fn each(&mut self, option: &str, operation: impl Fn(FieldPath) -> Operation) {
        for field in self.options.list(option).unwrap_or_default() {
            if let Some(path) = self.path(field, option) {
                self.operations.push(operation(path));
            }
        }
    }

    fn separated(&mut self, option: &str, operation: fn(FieldPath, Box<str>) -> Operation) {
        for (field, separator) in self.options.text_pairs(option) {
            if let Some(path) = self.path(field, option) {
                self.operations.push(operation(path, separator.into()));
            }
        }
    }

    fn merge(&mut self) {
        for (destination, sources) in self.options.pairs("merge") {
            let sources: Option<Vec<_>> = sources
                .into_iter()
                .map(|source| self.path(source, "merge"))
                .collect();
            if let (Some(to), Some(sources)) = (self.path(destination, "merge"), sources) {
                self.operations.push(Operation::Merge(to, sources));
            }
        }
    }

    fn copy(&mut self) {
        for (source, destination) in self.options.text_pairs("copy") {
            if let (Some(from), Some(to)) =
                (self.path(source, "copy"), self.path(destination, "copy"))
            {
                self.operations.push(Operation::Copy(from, to));
            }
        }
    }
}
