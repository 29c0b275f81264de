//! Why files of a claim are not read: what the report says of them.

use domain::error::{Culprit, Failure};

/// An archive of which no member is selected.
pub fn nothing_in(name: &str) -> Failure {
    Failure::permanent(
        "archive_empty",
        Culprit::Client,
        format!(
            "{name:?} holds no file that source.members and source.exclude select: nothing of it was taken"
        ),
        "look at the patterns if it was to be ingested",
    )
}

/// A file with the content of another one of the run.
pub fn same_content(name: &str, first: &str) -> Failure {
    Failure::permanent(
        "same_content",
        Culprit::Client,
        format!("{name:?} was not taken: it has the content of {first:?}, which this run ingests"),
        "nothing has to be done; with identity: name+content both are ingested",
    )
}

/// A client's manifest, which is read by the claim.
pub fn is_manifest(name: &str) -> Failure {
    Failure::permanent(
        "manifest",
        Culprit::Client,
        format!("{name:?} is the manifest of a delivery, which was taken as listed"),
        "nothing has to be done",
    )
}

/// An archive whose manifest gives a number of records for all of it.
pub fn records_of_archive(name: &str) -> Failure {
    Failure::permanent(
        "manifest_records",
        Culprit::Client,
        format!(
            "{name:?} is an archive, and its manifest gives one number of records for it: nothing of it was taken"
        ),
        "give the number for each member, as \"archive/path\", and deliver it again",
    )
}

/// A member that the manifest lists, and that is not there.
pub fn missing_member(archive: &str, path: &str) -> Failure {
    Failure::permanent(
        "member_missing",
        Culprit::Client,
        format!(
            "{path:?} is listed by the manifest, but {archive:?} holds no such file, or source.members leaves it out"
        ),
        "deliver the archive again, whole, or mend the manifest",
    )
}
