//! Which files there are for some patterns.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use globset::{GlobBuilder, GlobMatcher};

/// Patterns of paths, and what to leave out of what they find.
#[derive(Debug)]
pub struct Patterns {
    /// Each with the folder that it begins in.
    paths: Vec<(PathBuf, GlobMatcher)>,
    /// Compared with names.
    exclude: Vec<GlobMatcher>,
    /// Files that were changed longer ago are left out.
    pub ignore_older: Option<Duration>,
    /// In order of path instead of change.
    pub by_path: bool,
    /// Last first.
    pub descending: bool,
}

impl Patterns {
    /// Patterns in the order of change.
    ///
    /// # Errors
    /// Which pattern is wrong, and why.
    pub fn compile(paths: &[&str], exclude: &[&str]) -> Result<Self, String> {
        let paths = paths.iter().map(|path| {
            if !path.starts_with('/') {
                return Err(format!("`{path}` must be an absolute path"));
            }
            Ok((root(path), glob(path)?))
        });
        Ok(Self {
            paths: paths.collect::<Result<_, String>>()?,
            exclude: exclude
                .iter()
                .map(|name| glob(name))
                .collect::<Result<_, _>>()?,
            ignore_older: None,
            by_path: false,
            descending: false,
        })
    }

    /// The files that there are now, in order.
    pub fn find(&self) -> Vec<PathBuf> {
        let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
        for (root, matcher) in &self.paths {
            self.walk(root, matcher, &mut found);
        }
        found.sort_by(|left, right| match self.by_path {
            true => left.1.cmp(&right.1),
            false => left.cmp(right),
        });
        found.dedup_by(|left, right| left.1 == right.1);
        if self.descending {
            found.reverse();
        }
        found.into_iter().map(|(_, path)| path).collect()
    }

    /// What cannot be read is not found.
    fn walk(&self, path: &Path, matcher: &GlobMatcher, found: &mut Vec<(SystemTime, PathBuf)>) {
        let Ok(metadata) = path.metadata() else {
            return;
        };
        if metadata.is_dir() {
            // a link to a folder may lead back up
            let linked = path.is_symlink();
            for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
                let inner = entry.path();
                if !linked || !inner.is_dir() {
                    self.walk(&inner, matcher, found);
                }
            }
            return;
        }
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let too_old = self
            .ignore_older
            .is_some_and(|limit| changed.elapsed().is_ok_and(|age| age > limit));
        let name = path.file_name().map(Path::new).unwrap_or(path);
        let excluded = self.exclude.iter().any(|exclude| exclude.is_match(name));
        if matcher.is_match(path) && !excluded && !too_old {
            found.push((changed, path.to_owned()));
        }
    }
}

fn glob(pattern: &str) -> Result<GlobMatcher, String> {
    let mut builder = GlobBuilder::new(pattern);
    builder.literal_separator(true).backslash_escape(true);
    match builder.build() {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => Err(error.to_string()),
    }
}

/// The path up to the first part with a wildcard.
fn root(pattern: &str) -> PathBuf {
    let plain = |part: &&str| !part.contains(['*', '?', '[', '{', '\\']);
    let parts: Vec<&str> = pattern.split('/').take_while(plain).collect();
    match parts.join("/") {
        root if root.is_empty() => PathBuf::from("/"),
        root => PathBuf::from(root),
    }
}
