//! From a configuration to a pipeline that can run.

use std::sync::Arc;

use wrangling::ast::{
    Deliver, Pipeline as Ast, Plugin, Program, Source as SourceStatement, Statement,
};
use wrangling::{Compiled, Environment, Violation};

use crate::config::{ConfigError, Source, plugins};
use crate::dead_letters::Queue;
use crate::input::{self, Input, InputContext};
use crate::output::{self, Outlet, OutputContext};
use crate::stats::{PluginInfo, PluginStats};

/// A compiled pipeline.
pub struct Pipeline {
    /// Runs the filters, and finds out which outputs get an event.
    pub program: Compiled,
    /// The outputs, by number.
    pub outlets: Vec<Outlet>,
    /// What the API shows of the inputs, with their codecs' names.
    pub input_infos: Vec<(PluginInfo, String)>,
    /// The same of the outputs.
    pub outlet_infos: Vec<(PluginInfo, String)>,
    /// The same of the filters.
    pub filter_infos: Vec<PluginInfo>,
    /// Where events go that outputs refuse, if they are kept.
    pub dead_letters: Option<Arc<Queue>>,
}

impl Pipeline {
    /// Compiles a configuration; the inputs stand besides, as each goes to a thread of its own.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(
        source: &Source,
        environment: &Environment,
        inputs: &InputContext,
        outputs: &OutputContext,
    ) -> Result<(Self, Vec<Box<dyn Input>>), ConfigError> {
        let ast = source.parse()?;
        let resolved = ast
            .with_variables(&environment.variables)
            .map_err(|violations| source.invalid(&violations))?;
        let mut violations = wrangling::check_pipeline(&ast, environment);
        if !violations.is_empty() {
            return Err(source.invalid(&violations));
        }
        let mut compiled_inputs = Vec::new();
        for plugin in plugins(&resolved.inputs) {
            collect(
                input::compile(plugin, inputs),
                &mut compiled_inputs,
                &mut violations,
            );
        }
        let mut outlets = Vec::new();
        let mut outlet_infos = infos(&resolved.outputs, "output");
        for (plugin, (info, _)) in plugins(&resolved.outputs)
            .into_iter()
            .zip(&mut outlet_infos)
        {
            let compiled = output::compile(plugin, &info.id, outputs);
            if let Ok(outlet) = &compiled {
                info.bulk.clone_from(&outlet.bulk);
            }
            collect(compiled, &mut outlets, &mut violations);
        }
        if !violations.is_empty() {
            return Err(source.invalid(&violations));
        }
        let program = Compiled::compile(&program(&ast, &outlets), environment)
            .map_err(|violations| source.invalid(&violations))?;
        let pipeline = Self {
            program,
            outlets,
            input_infos: infos(&resolved.inputs, "input"),
            outlet_infos,
            dead_letters: outputs.dead_letters.clone(),
            filter_infos: infos(&resolved.filters, "filter")
                .into_iter()
                .map(|(info, _)| info)
                .collect(),
        };
        Ok((pipeline, compiled_inputs))
    }
}

fn collect<T>(result: Result<T, Violation>, all: &mut Vec<T>, violations: &mut Vec<Violation>) {
    match result {
        Ok(compiled) => all.push(compiled),
        Err(violation) => violations.push(violation),
    }
}

/// One program for all: what each input does to its events, the filters, and which outputs get an event.
fn program(ast: &Ast, outlets: &[Outlet]) -> Program {
    let sources = plugins(&ast.inputs)
        .into_iter()
        .enumerate()
        .map(|(number, plugin)| {
            Statement::Source(SourceStatement {
                number: number as u32,
                body: input::decorations(plugin),
            })
        });
    let mut body: Vec<Statement> = sources.collect();
    body.extend(ast.filters.iter().cloned());
    let mut next = 0;
    body.extend(deliveries(&ast.outputs, outlets, &mut next));
    Program { body }
}

/// The statements of the outputs, each plugin as the delivery to its outlet. Numbers go by the order in the text.
fn deliveries(statements: &[Statement], outlets: &[Outlet], next: &mut usize) -> Vec<Statement> {
    let mut mapped = Vec::with_capacity(statements.len());
    for statement in statements {
        match statement {
            Statement::Plugin(_) => {
                let texts = outlets.get(*next).map(|outlet| outlet.texts.clone());
                mapped.push(Statement::Deliver(Deliver {
                    outlet: *next as u32,
                    texts: texts.unwrap_or_default(),
                }));
                *next += 1;
            }
            Statement::If(conditional) => {
                let mut conditional = conditional.clone();
                for branch in &mut conditional.branches {
                    branch.body = deliveries(&branch.body, outlets, next);
                }
                conditional.otherwise = deliveries(&conditional.otherwise, outlets, next);
                mapped.push(Statement::If(conditional));
            }
            other => mapped.push(other.clone()),
        }
    }
    mapped
}

/// What the API shows of plugins.
fn infos(statements: &[Statement], kind: &str) -> Vec<(PluginInfo, String)> {
    let text = |plugin: &Plugin, option: &str| {
        let mut options = plugin.options.iter();
        options
            .find(|(name, _)| name == option)
            .and_then(|(_, value)| match value {
                wrangling::ast::Literal::Plugin(codec) => Some(codec.name.clone()),
                other => other.text().map(str::to_owned),
            })
    };
    let info = |(number, plugin): (usize, &Plugin)| {
        let id = text(plugin, "id").unwrap_or_else(|| format!("{}_{kind}_{number}", plugin.name));
        let codec = text(plugin, "codec").unwrap_or_else(|| "plain".to_owned());
        let info = PluginInfo {
            id,
            name: plugin.name.clone(),
            stats: Arc::new(PluginStats::default()),
            bulk: None,
        };
        (info, codec)
    };
    plugins(statements)
        .into_iter()
        .enumerate()
        .map(info)
        .collect()
}
