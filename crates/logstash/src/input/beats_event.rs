//! From what a beat sent to events.

use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use wrangling::ast::{At, Branch, Expr, If, Literal, Operand, Plugin, Statement};
use wrangling::{EcsCompatibility, Field, Violation, field_ref::FieldRef};

use super::InputContext;
use crate::codec::{Decoder, Fields};
use crate::options::Options;

/// Where the tag waits that an event gets after those of the input.
const TAG: &str = "[@metadata][_beats_input_tag]";
/// Tag of events that have no text for the codec.
const RAW_TAG: &str = "beats_input_raw_event";

/// What the input adds to events.
#[derive(Debug)]
pub struct Enrichment {
    /// Tag of events whose text went through the codec.
    pub codec_tag: Option<String>,
    /// Field for the beat's address.
    peer: Option<&'static str>,
}

impl Enrichment {
    /// Reads `enrich`, or `include_codec_tag` from before it.
    pub fn compile(
        options: Options<'_>,
        codec: &str,
        context: &InputContext,
    ) -> Result<Self, Violation> {
        let mut wanted = options.list("enrich")?;
        if options.has("enrich") {
            if options.has("include_codec_tag") {
                let message = "`enrich` says it already: leave `include_codec_tag` out";
                return Err(options.wrong("include_codec_tag", "invalid_value", message));
            }
        } else {
            wanted.push("source_metadata");
            if options.flag("include_codec_tag", true)? {
                wanted.push("codec_metadata");
            }
        }
        let known = ["source_metadata", "codec_metadata", "none"];
        if let Some(other) = wanted.iter().find(|name| !known.contains(name)) {
            let message = format!("`{other}` is not offered; allowed: {}", known.join(", "));
            return Err(options.wrong("enrich", "invalid_value", message));
        }
        let peer = match options.ecs(context.ecs)? {
            EcsCompatibility::V8 => "[@metadata][input][beats][host][ip]",
            EcsCompatibility::Disabled => "[@metadata][ip_address]",
        };
        Ok(Self {
            codec_tag: wanted
                .contains(&"codec_metadata")
                .then(|| format!("beats_input_codec_{codec}_applied")),
            peer: wanted.contains(&"source_metadata").then_some(peer),
        })
    }
}

/// Makes events of what a beat sent. What is no JSON object becomes the message of an event that is tagged.
pub fn events(
    text: &str,
    peer: IpAddr,
    decoder: &mut Decoder,
    enrichment: &Enrichment,
    out: &mut Vec<Fields>,
) {
    let Ok(Members(mut members)) = serde_json::from_str(text) else {
        out.push(vec![(String::new(), Field::Json(text.to_owned()))]);
        return;
    };
    let find = |wanted: &str| {
        let mut members = members.iter();
        members.position(|(name, value)| name == wanted && value.get() != "null")
    };
    let has_metadata = find("@metadata").is_some();
    let line = find("message").or_else(|| find("line"));
    let tag = match line {
        Some(_) => enrichment.codec_tag.as_deref(),
        None => Some(RAW_TAG),
    };
    let mut decoded = Vec::new();
    match line {
        None => decoded.push(Fields::new()),
        Some(line) => {
            let line = text_of(members.remove(line).1);
            decoder.decode(line.as_bytes(), &mut decoded);
            decoder.flush(&mut decoded);
        }
    }
    let rest = object(&members);
    for mut fields in decoded {
        fields.push((String::new(), Field::Json(rest.clone())));
        if let Some(field) = enrichment.peer.filter(|_| has_metadata) {
            fields.push((field.to_owned(), peer.to_string().into()));
        }
        if let Some(tag) = tag {
            fields.push((TAG.to_owned(), tag.into()));
        }
        out.push(fields);
    }
}

/// Statements that tag an event after everything else that the input does.
pub fn tagging(at: &At) -> Option<Statement> {
    let mutate = |option: &str, value: String| {
        Statement::Plugin(Plugin {
            name: "mutate".to_owned(),
            options: vec![(option.to_owned(), Literal::String(value))],
            at: at.clone(),
        })
    };
    let tagged = Expr::Truthy(Operand::Field(FieldRef::parse(TAG).ok()?));
    Some(Statement::If(If {
        branches: vec![Branch {
            condition: tagged,
            body: vec![
                mutate("add_tag", format!("%{{{TAG}}}")),
                mutate("remove_field", TAG.to_owned()),
            ],
            at: at.clone(),
        }],
        otherwise: Vec::new(),
    }))
}

/// A text as it is, anything else as it was written.
fn text_of(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

/// Members as an object again.
fn object(members: &[(String, &RawValue)]) -> String {
    let mut text = Vec::from(b"{");
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        wrangling::write_json_str(name, &mut text);
        text.push(b':');
        text.extend_from_slice(value.get().as_bytes());
    }
    text.push(b'}');
    String::from_utf8(text).unwrap_or_default()
}

/// The members of an object, in their order, the values as they were written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect)
    }
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
