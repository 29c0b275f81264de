//! What a bulk request says about one event.

use serde_json::{Map, Value, json};
use wrangling::Violation;

use super::Item;
use super::refusal::Refusal;
use crate::options::Options;

/// How events become actions of a bulk request. Numbers are those of texts asked of the event.
#[derive(Debug)]
pub struct Actions {
    action: usize,
    index: usize,
    /// Members of the action and their texts.
    members: Vec<(&'static str, usize)>,
    data_stream: Option<DataStream>,
    doc_as_upsert: bool,
    upsert: Option<usize>,
    retry_on_conflict: usize,
}

/// Texts and defaults of a data stream's name.
#[derive(Debug)]
struct DataStream {
    parts: [(usize, String); 3],
    sync_fields: bool,
}

const PARTS: [(&str, &str, &str); 3] = [
    ("type", "data_stream_type", "logs"),
    ("dataset", "data_stream_dataset", "generic"),
    ("namespace", "data_stream_namespace", "default"),
];
/// Options that make no sense with data streams.
const NO_STREAM: &[&str] = &[
    "action",
    "document_id",
    "index",
    "routing",
    "pipeline",
    "template",
    "template_name",
];

impl Actions {
    pub fn compile(
        options: Options<'_>,
        ecs: bool,
        texts: &mut Vec<String>,
    ) -> Result<Self, Violation> {
        let mut ask = |text: &str| {
            texts.push(text.to_owned());
            texts.len() - 1
        };
        let allowed = ["index", "create", "update", "delete"];
        let action = options.text("action")?;
        if let Some(text) = action.filter(|text| !text.contains("%{") && !allowed.contains(text)) {
            let message = format!("`{text}` is no action; allowed: {}", allowed.join(", "));
            return Err(options.wrong("action", "invalid_value", message));
        }
        let fits = !NO_STREAM.iter().any(|name| options.has(name));
        let stream = match options.one_of("data_stream", &["auto", "true", "false"])? {
            "true" => true,
            "false" => false,
            _ => ecs && fits,
        };
        let default_index = match ecs {
            true => "ecs-logstash-%{+yyyy.MM.dd}",
            false => "logstash-%{+yyyy.MM.dd}",
        };
        let data_stream = match stream {
            false => None,
            true => {
                let route = options.flag("data_stream_auto_routing", true)?;
                let mut parts = Vec::new();
                for (name, option, default) in PARTS {
                    let own = options.text(option)?.unwrap_or(default);
                    let wanted = match route {
                        true => format!("%{{[data_stream][{name}]}}"),
                        false => own.to_owned(),
                    };
                    parts.push((ask(&wanted), own.to_owned()));
                }
                let sync_fields = options.flag("data_stream_sync_fields", true)?;
                parts
                    .try_into()
                    .ok()
                    .map(|parts| DataStream { parts, sync_fields })
            }
        };
        let mut members = Vec::new();
        for (option, member) in [
            ("document_id", "_id"),
            ("routing", "routing"),
            ("pipeline", "pipeline"),
            ("version", "version"),
            ("version_type", "version_type"),
        ] {
            if let Some(text) = options.text(option)?.filter(|text| !text.is_empty()) {
                members.push((member, ask(text)));
            }
        }
        let default_action = if stream { "create" } else { "index" };
        Ok(Self {
            action: ask(action.unwrap_or(default_action)),
            index: ask(options.text("index")?.unwrap_or(default_index)),
            members,
            data_stream,
            doc_as_upsert: options.flag("doc_as_upsert", false)?,
            upsert: options
                .text("upsert")?
                .filter(|text| !text.is_empty())
                .map(&mut ask),
            retry_on_conflict: options.count("retry_on_conflict", 1)?,
        })
    }

    /// The index that an event goes to.
    fn index(&self, item: &Item) -> String {
        match &self.data_stream {
            Some(stream) => stream.name(item),
            None => item.text(self.index).to_owned(),
        }
    }

    /// Why an event was refused, with what was asked for it.
    pub fn refusal<'a>(
        &'a self,
        item: &'a Item,
        status: u16,
        kind: &'a str,
        reason: &'a str,
    ) -> Refusal<'a> {
        let given = |member: &str| {
            let found = self.members.iter().find(|(known, _)| *known == member);
            found.map(|(_, text)| item.text(*text).to_owned())
        };
        let mut parameters = vec![
            ("_id", given("_id")),
            ("_index", Some(self.index(item))),
            ("routing", given("routing")),
        ];
        for member in ["pipeline", "version", "version_type"] {
            parameters.extend(given(member).map(|text| (member, Some(text))));
        }
        Refusal {
            status,
            kind,
            reason,
            action: item.text(self.action),
            parameters,
        }
    }

    /// Appends an event's lines.
    pub fn write(&self, item: &Item, out: &mut Vec<u8>) {
        let action = item.text(self.action);
        let mut members = Map::new();
        members.insert("_index".to_owned(), self.index(item).into());
        for (member, text) in &self.members {
            members.insert((*member).to_owned(), item.text(*text).into());
        }
        if action == "update" {
            members.insert(
                "retry_on_conflict".to_owned(),
                self.retry_on_conflict.into(),
            );
        }
        let line = json!({ action: Value::Object(members) });
        out.extend_from_slice(line.to_string().as_bytes());
        out.push(b'\n');
        match action {
            "delete" => return,
            "update" => self.write_update(item, out),
            _ => self.write_document(item, out),
        }
        out.push(b'\n');
    }

    fn write_update(&self, item: &Item, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"doc\":");
        out.extend_from_slice(&item.data);
        if self.doc_as_upsert {
            out.extend_from_slice(b",\"doc_as_upsert\":true");
        } else if let Some(text) = self.upsert {
            out.extend_from_slice(b",\"upsert\":");
            out.extend_from_slice(item.text(text).as_bytes());
        }
        out.push(b'}');
    }

    /// The event; with the data stream's fields if it says nothing of them itself.
    fn write_document(&self, item: &Item, out: &mut Vec<u8>) {
        let stream = self.data_stream.as_ref();
        match stream.filter(|stream| stream.sync_fields && stream.is_unnamed(item)) {
            Some(stream) => {
                let fields = stream.fields(item);
                out.extend_from_slice(b"{\"data_stream\":");
                out.extend_from_slice(Value::Object(fields).to_string().as_bytes());
                out.push(b',');
                out.extend_from_slice(item.data.get(1..).unwrap_or_default());
            }
            None => out.extend_from_slice(&item.data),
        }
    }
}

impl DataStream {
    fn part<'a>(&'a self, item: &'a Item, number: usize, default: &'a str) -> &'a str {
        match item.text(number) {
            unresolved if unresolved.starts_with("%{") => default,
            text => text,
        }
    }

    fn values<'a>(&'a self, item: &'a Item) -> [&'a str; 3] {
        self.parts
            .each_ref()
            .map(|(number, default)| self.part(item, *number, default))
    }

    fn name(&self, item: &Item) -> String {
        self.values(item).join("-")
    }

    fn is_unnamed(&self, item: &Item) -> bool {
        self.parts
            .iter()
            .all(|(number, _)| item.text(*number).starts_with("%{"))
    }

    fn fields(&self, item: &Item) -> Map<String, Value> {
        let values = self.values(item);
        let member =
            |((name, ..), value): (&(&str, &str, &str), &str)| ((*name).to_owned(), value.into());
        PARTS.iter().zip(values).map(member).collect()
    }
}
