//! Writes small MaxMind databases (<https://maxmind.github.io/MaxMind-DB/>).

use std::net::IpAddr;

use serde_json::{Value, json};

/// A database of this type with a record for each network.
pub fn database(kind: &str, networks: &[(&str, Value)]) -> Vec<u8> {
    // a record of the tree: nothing yet, a node, or a place in the data
    #[derive(Clone, Copy)]
    enum Slot {
        Empty,
        Node(usize),
        Data(usize),
    }
    let (mut nodes, mut data) = (vec![[Slot::Empty; 2]], Vec::new());
    for (network, record) in networks {
        let (address, bits) = network.split_once('/').unwrap();
        let (number, bits): (u128, u32) = match address.parse().unwrap() {
            IpAddr::V4(v4) => (u32::from(v4).into(), bits.parse::<u32>().unwrap() + 96),
            IpAddr::V6(v6) => (v6.into(), bits.parse().unwrap()),
        };
        let mut node = 0;
        for depth in 0..bits {
            let bit = usize::from(number >> (127 - depth) & 1 == 1);
            if depth + 1 == bits {
                nodes[node][bit] = Slot::Data(data.len());
            } else if let Slot::Node(next) = nodes[node][bit] {
                node = next;
            } else {
                nodes.push([Slot::Empty; 2]);
                let next = nodes.len() - 1;
                nodes[node][bit] = Slot::Node(next);
                node = next;
            }
        }
        encode(record, &mut data);
    }
    let mut file = Vec::new();
    for slot in nodes.iter().flatten() {
        let number = match slot {
            Slot::Empty => nodes.len(),
            Slot::Node(node) => *node,
            Slot::Data(at) => nodes.len() + 16 + at,
        };
        file.extend(&u32::try_from(number).unwrap().to_be_bytes()[1..]);
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    let metadata = json!({
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1, "database_type": kind,
        "description": {}, "ip_version": 6, "languages": ["en"], "node_count": nodes.len(), "record_size": 24,
    });
    encode(&metadata, &mut file);
    file
}

fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            control(7, members.len(), out);
            for (name, member) in members {
                encode(&json!(name), out);
                match (name.as_str(), member.as_u64()) {
                    ("build_epoch", Some(number)) => {
                        out.extend([8, 2]);
                        out.extend(number.to_be_bytes());
                    }
                    ("node_count" | "autonomous_system_number", Some(number)) => {
                        control(6, 4, out);
                        out.extend(u32::try_from(number).unwrap().to_be_bytes());
                    }
                    _ => encode(member, out),
                }
            }
        }
        Value::Array(items) => {
            control(11, items.len(), out);
            items.iter().for_each(|item| encode(item, out));
        }
        Value::String(text) => {
            control(2, text.len(), out);
            out.extend(text.as_bytes());
        }
        Value::Bool(value) => control(14, usize::from(*value), out),
        Value::Number(number) => match number.as_u64() {
            Some(number) => {
                control(5, 2, out);
                out.extend(u16::try_from(number).unwrap().to_be_bytes());
            }
            None => {
                control(3, 8, out);
                out.extend(number.as_f64().unwrap().to_be_bytes());
            }
        },
        Value::Null => panic!("a database has no null"),
    }
}

/// Type and size of a value.
fn control(kind: u8, size: usize, out: &mut Vec<u8>) {
    let short = u8::try_from(size.min(29)).unwrap();
    match kind {
        1..=7 => out.push(kind << 5 | short),
        _ => out.extend([short, kind - 7]),
    }
    if size >= 29 {
        out.push(u8::try_from(size - 29).unwrap());
    }
}
