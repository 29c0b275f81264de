//! The files that Filebeat and Logstash of a run are started with.

use std::fmt::Display;

use domain::spec::JobSpec;
use domain::worker::DmsEndpoint;
use handlebars::{Handlebars, handlebars_helper};
use serde::Serialize;
use wrangling::ast::{At, Literal, Pipeline, Plugin, Statement};
use wrangling::{Compiled, Environment, Violation, check_pipeline, logstash};

use crate::pipeline::{self, ID, INDEX, PART, REJECT, choose, hash, list, plugin, text, truthy};

/// The longest that JSON makes a byte of a record: `\u0000`.
const ESCAPED: u64 = 6;
/// Part, key, position and field names of a frame, generously.
const FRAME_OVERHEAD: u64 = 64 << 10;

/// Id of the output that writes documents.
pub(crate) const DOCUMENTS: &str = "documents";
/// Id of the output that notes rejects.
pub(crate) const REJECTS: &str = "rejects";
/// Id of the output that notes documents.
const JOURNAL: &str = "sent";

/// What the container's environment gives besides the operator's variables: where the core DMS is, and how to be let in.
pub const VARIABLES: [&str; 4] = [
    "ELASTICSEARCH_URL",
    "ELASTICSEARCH_API_KEY",
    "ELASTICSEARCH_API_KEY_PAIR",
    "ELASTICSEARCH_PASSWORD",
];

/// A file of a run's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RenderedFile {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
}

/// Why a job cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The spec asks for what only the native engine offers, or is wrong.
    #[error("Logstash cannot do this job: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Spec(Vec<Violation>),
    /// A text has no notation in a configuration.
    #[error("{0}; write the text in another way, or use the native engine")]
    Print(#[from] logstash::PrintError),
    /// A template of this crate is wrong.
    #[error("a template cannot be rendered: {0}")]
    Template(#[from] handlebars::RenderError),
}

/// What the templates are given.
#[derive(Serialize)]
struct Context<'r> {
    run: &'r str,
    max_frame: u64,
    workers: u32,
    ordered: bool,
}

/// Renders what a run's containers are started with: `pipeline.conf`, `logstash.yml` and `filebeat.yml`.
///
/// # Errors
/// See [`RenderError`].
pub fn render(
    spec: &JobSpec,
    environment: &Environment,
    dms: &DmsEndpoint,
    workers: u32,
) -> Result<Vec<RenderedFile>, RenderError> {
    let program = spec.program().map_err(RenderError::Spec)?;
    let compiled = Compiled::compile(&program, environment).map_err(RenderError::Spec)?;
    let ordered = compiled.is_ordered();
    let context = Context {
        run: &environment.run,
        max_frame: spec.format.max_record.0 * ESCAPED + FRAME_OVERHEAD,
        workers: if ordered { 1 } else { workers.max(1) },
        ordered,
    };
    let filebeat = include_str!("templates/filebeat.yml.hbs");
    let logstash = include_str!("templates/logstash.yml.hbs");
    Ok(vec![
        RenderedFile {
            name: "pipeline.conf",
            text: configuration(spec, environment, dms)?,
        },
        RenderedFile {
            name: "logstash.yml",
            text: fill(logstash, &context)?,
        },
        RenderedFile {
            name: "filebeat.yml",
            text: fill(filebeat, &context)?,
        },
    ])
}

/// What keeps Logstash from doing a job, by JSON pointers into its spec; nothing if it can.
pub fn check(spec: &JobSpec, environment: &Environment) -> Vec<Violation> {
    let nowhere = DmsEndpoint {
        url: "http://127.0.0.1:9200".to_owned(),
        api_key_file: None,
        username: None,
        password_file: None,
        ca_file: None,
    };
    match configuration(spec, environment, &nowhere) {
        Ok(_) => Vec::new(),
        Err(RenderError::Spec(violations)) => violations,
        Err(error) => vec![Violation::new(
            "/wrangling",
            "not_in_logstash",
            error.to_string(),
        )],
    }
}

/// Every value that is no number or constant of the template's author goes through `json`, whose strings are YAML's too.
fn fill(template: &str, context: &Context<'_>) -> Result<String, handlebars::RenderError> {
    handlebars_helper!(json: |value: Json| value.to_string());
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(handlebars::no_escape);
    handlebars.register_helper("json", Box::new(json));
    handlebars.render_template(template, context)
}

fn configuration(
    spec: &JobSpec,
    environment: &Environment,
    dms: &DmsEndpoint,
) -> Result<String, RenderError> {
    let pipeline = Pipeline {
        inputs: vec![Statement::Plugin(beats())],
        filters: pipeline::filters(spec, environment).map_err(RenderError::Spec)?,
        outputs: vec![choose(
            truthy(REJECT),
            vec![Statement::Plugin(noted(REJECTS, &rejected_of(PART)))],
            vec![
                Statement::Plugin(noted(JOURNAL, &sent_of(PART))),
                Statement::Plugin(documents(dms)),
            ],
        )],
    };
    let mut container = environment.clone();
    for variable in VARIABLES {
        container
            .variables
            .insert(variable.to_owned(), String::new());
    }
    let violations = check_pipeline(&pipeline, &container);
    if !violations.is_empty() {
        return Err(RenderError::Spec(violations));
    }
    Ok(logstash::print(&pipeline)?)
}

fn beats() -> Plugin {
    plugin(
        "beats",
        vec![
            ("port", text("5044")),
            ("ecs_compatibility", text("disabled")),
            ("include_codec_tag", Literal::Bool(false)),
        ],
    )
}

/// The file in which Logstash notes the documents of a part.
pub(crate) fn sent_of(part: impl Display) -> String {
    format!("{part}.sent.ndjson")
}

/// The file in which Logstash notes the rejected records of a part.
pub(crate) fn rejected_of(part: impl Display) -> String {
    format!("{part}.rejected.ndjson")
}

/// One line of JSON for each event: where it came from, and where it goes or why it was rejected.
fn noted(id: &str, name: &str) -> Plugin {
    let line = Literal::Plugin(Plugin {
        name: "line".to_owned(),
        options: vec![("format".to_owned(), text("%{[@metadata][ingest]}"))],
        at: At::default(),
    });
    plugin(
        "file",
        vec![
            ("id", text(id)),
            ("path", text(format!("/ingest/outcomes/{name}"))),
            ("codec", line),
        ],
    )
}

fn documents(dms: &DmsEndpoint) -> Plugin {
    let mut options = vec![
        ("id", text(DOCUMENTS)),
        ("hosts", list(["${ELASTICSEARCH_URL}"])),
        ("index", text(format!("%{{{INDEX}}}"))),
        ("document_id", text(format!("%{{{ID}}}"))),
        // a document that is there already is the duplicate of one, not its next version
        ("action", text("create")),
        ("manage_template", Literal::Bool(false)),
        ("ilm_enabled", text("false")),
        ("data_stream", text("false")),
    ];
    if dms.api_key_file.is_some() {
        match dms.url.starts_with("https:") {
            true => options.push(("api_key", text("${ELASTICSEARCH_API_KEY_PAIR}"))),
            // Logstash refuses the option where nothing encrypts it; a loopback or a network of the run needs none
            false => options.push((
                "custom_headers",
                hash(vec![(
                    "Authorization",
                    text("ApiKey ${ELASTICSEARCH_API_KEY}"),
                )]),
            )),
        }
    } else if let Some(user) = &dms.username {
        options.push(("user", text(user)));
        options.push(("password", text("${ELASTICSEARCH_PASSWORD}")));
    }
    if dms.ca_file.is_some() {
        options.push((
            "ssl_certificate_authorities",
            list(["/ingest/secrets/ca.pem"]),
        ));
    }
    plugin("elasticsearch", options)
}
