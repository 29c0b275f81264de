//! A client's manifest: what it says a delivery consists of, staged beside the files as `<name>.manifest.json`.
//!
//! A JSON list, one object a file: `[{"name": "a.csv", "bytes": 12, "sha256": "…", "records": 3}]`. Names and sizes are
//! checked before a run takes any file of the delivery, checksums too; the number of records after it has read them.
//! `archive.zip/dir/a.csv` names a member of a staged archive, for its number of records.

use std::collections::BTreeSet;

use serde::Deserialize;

/// How the name of a client's manifest ends.
pub const SUFFIX: &str = ".manifest.json";
/// Largest manifest, in bytes.
pub const MAX_BYTES: u64 = 16 << 20;

/// A file that a manifest lists.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its name in the staging directory, or the path of an archive's member behind the archive's name and `/`.
    pub name: String,
    /// SHA-256 of it, hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Its size.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// How many records it holds, those that will be filtered or rejected included; header and blank lines are none.
    #[serde(default)]
    pub records: Option<u64>,
}

impl Listed {
    /// The staged file that it is, or is in.
    pub fn staged_name(&self) -> &str {
        self.name
            .split_once('/')
            .map_or(&self.name, |(staged, _)| staged)
    }

    /// What of a staged file is not as listed, in words. What is not known of it is not looked at.
    pub fn differs(&self, bytes: u64, sha256: Option<&str>) -> Option<String> {
        if let Some(listed) = self.bytes.filter(|&listed| listed != bytes) {
            return Some(format!("it has {bytes} bytes, and {listed} are listed"));
        }
        let (listed, found) = (self.sha256.as_ref()?, sha256?);
        (!listed.eq_ignore_ascii_case(found))
            .then(|| format!("its SHA-256 is {found}, and {listed} is listed"))
    }
}

/// Reads a manifest; the error says what is wrong with it.
pub fn parse(text: &[u8]) -> Result<Vec<Listed>, String> {
    let listed: Vec<Listed> = serde_json::from_slice(text).map_err(|e| e.to_string())?;
    if listed.is_empty() {
        return Err("it lists no file".into());
    }
    let mut names = BTreeSet::new();
    for file in &listed {
        if !names.insert(&file.name) {
            return Err(format!("it lists {:?} twice", file.name));
        }
        let is_member = file.name.contains('/');
        if is_member && (file.bytes.is_some() || file.sha256.is_some()) {
            return Err(format!(
                "{:?} is in an archive: give its records only, and bytes and sha256 of the archive",
                file.name
            ));
        }
        let is_sum = |sum: &String| sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit());
        if file.sha256.as_ref().is_some_and(|sum| !is_sum(sum)) {
            return Err(format!(
                "the sha256 of {:?} is not 64 hexadecimal digits",
                file.name
            ));
        }
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_lists_each_file_once() {
        let sum = "0".repeat(64);
        let text = format!(
            r#"[{{"name":"a.csv","bytes":3,"sha256":"{sum}","records":2}},{{"name":"b.zip/c","records":1}}]"#
        );
        let listed = parse(text.as_bytes()).unwrap();
        assert_eq!(listed[1].staged_name(), "b.zip");
        assert_eq!(listed[0].differs(3, Some(&sum)), None);
        assert_eq!(listed[0].differs(3, None), None);
        assert!(listed[0].differs(4, None).unwrap().contains("4 bytes"));
        assert!(listed[0].differs(3, Some("ff")).unwrap().contains("ff"));
        for (wrong, why) in [
            ("[]", "no file"),
            ("{}", "expected a sequence"),
            (r#"[{"name":"a"},{"name":"a"}]"#, "twice"),
            (r#"[{"name":"a","sha":"1"}]"#, "unknown field"),
            (r#"[{"name":"a","sha256":"1"}]"#, "64 hexadecimal"),
            (r#"[{"name":"a/b","bytes":1}]"#, "records only"),
        ] {
            let error = parse(wrong.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
