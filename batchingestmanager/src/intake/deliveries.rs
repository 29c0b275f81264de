//! Deliveries at the claim: their copies are compared with what their manifests list before any of them is taken.

use std::collections::{HashMap, HashSet};
use std::io;

use super::claim::Staged;
use crate::folder::Folder;
use crate::staging::{Delivery, Found, incomplete};

/// Leaves the copied files of deliveries that are not as listed: removes their copies, and gives them back with the reason.
pub fn check(
    claimed: &Folder,
    deliveries: &mut Vec<Delivery>,
    copied: Vec<Staged>,
) -> io::Result<(Vec<Staged>, Vec<Found>)> {
    let manifests: HashSet<&str> = deliveries.iter().map(|it| it.manifest.as_str()).collect();
    // a manifest that was changed since it was read is another one
    let is_same = |file: &&Staged| {
        let is_manifest = manifests.contains(file.found.name.as_str());
        !is_manifest || file.found.stamp == file.copied.stamp
    };
    let mut known: HashMap<&str, (u64, &str)> = copied
        .iter()
        .filter(is_same)
        .map(|file| {
            let copied = &file.copied;
            let facts = (copied.stamp.bytes, copied.sha256.as_str());
            (file.found.name.as_str(), facts)
        })
        .collect();
    let mut left = HashMap::new();
    loop {
        let before = deliveries.len();
        deliveries.retain(|delivery| {
            let problem = delivery
                .problem(|name| known.get(name).map(|&(bytes, sum)| (bytes, Some(sum))))
                .or_else(|| {
                    let is_there = known.contains_key(delivery.manifest.as_str());
                    (!is_there).then(|| "the manifest itself has changed".into())
                });
            let Some(problem) = problem else {
                return true;
            };
            let state = incomplete(&delivery.manifest, &problem);
            for name in delivery.names() {
                known.remove(name);
                left.entry(name.to_owned()).or_insert(state.clone());
            }
            false
        });
        if deliveries.len() == before {
            break;
        }
    }
    let (mut taken, mut back) = (Vec::with_capacity(copied.len()), Vec::new());
    for mut file in copied {
        match left.remove(&file.found.name) {
            None => taken.push(file),
            Some(state) => {
                claimed.remove_file(&file.copy_name)?;
                file.found.state = state;
                back.push(file.found);
            }
        }
    }
    Ok((taken, back))
}

/// What the deliveries of a run say, by name.
pub struct Index<'a> {
    /// The manifest that lists a staged file, or is one.
    manifest: HashMap<&'a str, &'a str>,
    records: HashMap<&'a str, u64>,
    members: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Index<'a> {
    /// Of deliveries.
    pub fn new(deliveries: &'a [Delivery]) -> Self {
        let mut index = Self {
            manifest: HashMap::new(),
            records: HashMap::new(),
            members: HashMap::new(),
        };
        for delivery in deliveries {
            for name in delivery.names() {
                index.manifest.insert(name, &delivery.manifest);
            }
            for listed in &delivery.listed {
                if let Some(records) = listed.records {
                    index.records.insert(&listed.name, records);
                }
                if let Some((archive, path)) = listed.name.split_once('/') {
                    index.members.entry(archive).or_default().push(path);
                }
            }
        }
        index
    }

    /// The manifest that lists a staged file.
    pub fn manifest_of(&self, staged_name: &str) -> Option<&'a str> {
        self.manifest.get(staged_name).copied()
    }

    /// Whether a staged file is a manifest.
    pub fn is_manifest(&self, staged_name: &str) -> bool {
        self.manifest_of(staged_name) == Some(staged_name)
    }

    /// How many records a file or member is listed with.
    pub fn records_of(&self, name: &str) -> Option<u64> {
        self.records.get(name).copied()
    }

    /// The paths of an archive's members that are listed.
    pub fn members_of(&self, archive: &str) -> &[&'a str] {
        self.members.get(archive).map_or(&[], Vec::as_slice)
    }
}
