//! Codecs: from bytes to events, and back.

mod charset;
mod csv;
mod csv_writer;
mod decoder;
mod encoder;
mod json;
mod lines;
mod multiline;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use lines::Lines;

use wrangling::Field;

/// An event's fields: field references and values, set in order.
pub type Fields = Vec<(String, Field)>;

/// An event of a text.
fn text_event(text: String, original: bool) -> Fields {
    let mut fields = Vec::with_capacity(2);
    if original {
        set_original(text.clone(), true, &mut fields);
    }
    fields.push(("message".to_owned(), Field::Text(text)));
    fields
}

/// Notes what an event was made of, if that is wanted.
fn set_original(text: String, wanted: bool, fields: &mut Fields) {
    if wanted {
        fields.push(("[event][original]".to_owned(), Field::Text(text)));
    }
}
