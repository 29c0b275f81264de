//! Deliveries: files that a client's manifest lists, and that are taken together or not at all.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};

use domain::delivery::{Listed, MAX_BYTES, SUFFIX, parse};
use domain::spec::Manifests;
use domain::staging::StagedState;

use super::digests::Digests;
use super::survey::{Found, unclaimed};
use crate::folder::Folder;

/// A client's manifest that was read.
#[derive(Debug)]
pub struct Delivery {
    /// The manifest's name.
    pub manifest: String,
    /// What it lists.
    pub listed: Vec<Listed>,
}

impl Delivery {
    /// What keeps the delivery from being taken, given what is known of the files that could be; none if nothing does.
    pub fn problem<'a>(
        &self,
        known: impl Fn(&str) -> Option<(u64, Option<&'a str>)>,
    ) -> Option<String> {
        self.listed.iter().find_map(|file| {
            let name = file.staged_name();
            let why = match known(name) {
                None => Some("it is not there, or cannot be taken".into()),
                Some((bytes, sha256)) => file.differs(bytes, sha256),
            };
            why.map(|why| format!("{name:?}: {why}"))
        })
    }

    /// The staged files that it is about, itself included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let listed = self.listed.iter().map(Listed::staged_name);
        listed.chain([self.manifest.as_str()])
    }
}

/// The state of a file whose delivery cannot be taken.
pub fn incomplete(manifest: &str, problem: &str) -> StagedState {
    unclaimed(
        "delivery_incomplete",
        format!("nothing of what {manifest:?} lists is taken: {problem}"),
    )
}

/// Reads the manifests among what was found, and says of the files of a delivery that is not as listed that they stay.
/// Gives the deliveries that can be taken.
pub fn gather(
    folder: &Folder,
    found: &mut [Found],
    manifests: Manifests,
    digests: &Digests,
) -> io::Result<Vec<Delivery>> {
    if manifests == Manifests::None {
        return Ok(Vec::new());
    }
    let mut deliveries = Vec::new();
    for file in found.iter_mut().filter(|file| is_manifest(file)) {
        match read(folder, file)? {
            Ok(listed) => {
                file.state = StagedState::Ready;
                deliveries.push(Delivery {
                    manifest: file.name.clone(),
                    listed,
                });
            }
            Err(why) => {
                let reason = format!("it is no manifest: {why}");
                file.state = unclaimed("manifest_invalid", reason);
            }
        }
    }
    let sums: HashMap<String, String> = listed_sums(&deliveries, found, digests);
    leave_broken(&mut deliveries, found, &sums);
    if manifests == Manifests::Required {
        leave_unlisted(&deliveries, found);
    }
    Ok(deliveries)
}

/// Whether it is a manifest to be read: it need not be among what the spec includes.
fn is_manifest(file: &Found) -> bool {
    let may_be_read = match &file.state {
        StagedState::Ready => true,
        StagedState::Unclaimed { code, .. } => code == "not_included",
    };
    may_be_read && file.name.ends_with(SUFFIX)
}

fn read(folder: &Folder, file: &Found) -> io::Result<Result<Vec<Listed>, String>> {
    let opened = match folder.open_file(&file.name) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => return Ok(Err(e.to_string())),
        opened => opened?,
    };
    let Some((opened, _)) = opened else {
        return Ok(Err("it is gone".into()));
    };
    let mut text = Vec::new();
    opened.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Ok(Err(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(parse(&text))
}

/// The known checksums of the files whose checksums are listed.
fn listed_sums(
    deliveries: &[Delivery],
    found: &[Found],
    digests: &Digests,
) -> HashMap<String, String> {
    let listed = deliveries.iter().flat_map(|delivery| &delivery.listed);
    let asked: HashSet<&str> = listed
        .filter(|file| file.sha256.is_some())
        .map(|file| file.name.as_str())
        .collect();
    let known = |file: &Found| Some((file.name.clone(), digests.of(&file.stamp)?));
    found
        .iter()
        .filter(|file| asked.contains(file.name.as_str()))
        .filter_map(known)
        .collect()
}

/// Leaves the files of deliveries that are not as listed. Two deliveries may share a file, so one may break another.
fn leave_broken(
    deliveries: &mut Vec<Delivery>,
    found: &mut [Found],
    sums: &HashMap<String, String>,
) {
    let places: HashMap<String, usize> = found
        .iter()
        .enumerate()
        .map(|(at, file)| (file.name.clone(), at))
        .collect();
    loop {
        let before = deliveries.len();
        deliveries.retain(|delivery| {
            let problem = delivery.problem(|name| {
                let file = found.get(*places.get(name)?)?;
                (file.state == StagedState::Ready)
                    .then(|| (file.stamp.bytes, sums.get(name).map(String::as_str)))
            });
            let Some(problem) = problem else {
                return true;
            };
            for place in delivery.names().filter_map(|name| places.get(name)) {
                if let Some(file) = found.get_mut(*place)
                    && file.state == StagedState::Ready
                {
                    file.state = incomplete(&delivery.manifest, &problem);
                }
            }
            false
        });
        if deliveries.len() == before {
            return;
        }
    }
}

fn leave_unlisted(deliveries: &[Delivery], found: &mut [Found]) {
    let names: HashSet<&str> = deliveries.iter().flat_map(Delivery::names).collect();
    for file in found.iter_mut() {
        if file.state == StagedState::Ready && !names.contains(file.name.as_str()) {
            file.state = unclaimed(
                "not_listed",
                format!(
                    "no manifest (*{SUFFIX}) lists it, and the spec's source.manifest asks for one"
                ),
            );
        }
    }
}
