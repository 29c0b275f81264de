//! The files that filters name: dictionaries, networks, patterns, databases. They are read while a program is compiled,
//! never while it runs.

use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;

/// Folders inside of a folder of patterns, at most.
const MAX_DEPTH: usize = 8;

/// Where the files are that filters name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Resources {
    /// Nowhere: no file is read. For checks of a program that is not run; a filter that names a file does nothing.
    #[default]
    Unchecked,
    /// In this folder of the operator's: names are relative to it, and nothing outside of it is read.
    Folder(PathBuf),
    /// Anywhere: names are paths. For a pipeline that its owner runs on a machine of theirs.
    Anywhere,
}

/// Why a file that a filter names cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResourceError {
    #[error(
        "`{0}` must be a relative name without `..`: files are read from the operator's folder of resources only"
    )]
    Outside(String),
    #[error(
        "there is no `{0}` among the resources; the operator can put it into the folder of resources"
    )]
    Missing(String),
    #[error("there is no file `{0}`")]
    MissingPath(String),
    #[error("`{0}` cannot be read: {1}")]
    Unreadable(String, String),
    #[error("`{0}` is no pattern for file names: {1}")]
    Pattern(String, String),
}

impl Resources {
    /// The bytes of a file; `None` where none is read.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ResourceError> {
        match self.locate(name)? {
            Some(path) if path.is_file() => read(name, &path).map(Some),
            Some(_) => Err(ResourceError::Unreadable(
                name.to_owned(),
                "it is no file".to_owned(),
            )),
            None => Ok(None),
        }
    }

    /// The bytes of the files in a folder that a pattern selects, in the order of their names; or those of a single file.
    /// `None` where none is read.
    pub(crate) fn read_all(
        &self,
        name: &str,
        pattern: &str,
    ) -> Result<Option<Vec<Vec<u8>>>, ResourceError> {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        let glob = glob
            .map_err(|error| ResourceError::Pattern(pattern.to_owned(), error.to_string()))?
            .compile_matcher();
        let Some(root) = self.locate(name)? else {
            return Ok(None);
        };
        if root.is_file() {
            return read(name, &root).map(|bytes| Some(vec![bytes]));
        }
        let mut found = Vec::new();
        walk(&root, MAX_DEPTH, &mut found)
            .map_err(|error| ResourceError::Unreadable(name.to_owned(), error.to_string()))?;
        found.retain(|path| {
            path.strip_prefix(&root)
                .is_ok_and(|inner| glob.is_match(inner))
        });
        found.sort();
        found
            .iter()
            .map(|path| read(&path.to_string_lossy(), path))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The path of what a name means, which exists, with symbolic links resolved.
    fn locate(&self, name: &str) -> Result<Option<PathBuf>, ResourceError> {
        let folder = match self {
            Self::Unchecked => return Ok(None),
            Self::Anywhere => {
                return match Path::new(name).canonicalize() {
                    Ok(path) => Ok(Some(path)),
                    Err(_) => Err(ResourceError::MissingPath(name.to_owned())),
                };
            }
            Self::Folder(folder) => folder,
        };
        let inside = |component| matches!(component, Component::Normal(_) | Component::CurDir);
        if name.is_empty() || name.contains('\0') || !Path::new(name).components().all(inside) {
            return Err(ResourceError::Outside(name.to_owned()));
        }
        let missing = || ResourceError::Missing(name.to_owned());
        let folder = folder.canonicalize().map_err(|_| missing())?;
        let path = folder.join(name).canonicalize().map_err(|_| missing())?;
        match path.starts_with(&folder) {
            true => Ok(Some(path)),
            false => Err(ResourceError::Outside(name.to_owned())),
        }
    }
}

fn read(name: &str, path: &Path) -> Result<Vec<u8>, ResourceError> {
    std::fs::read(path)
        .map_err(|error| ResourceError::Unreadable(name.to_owned(), error.to_string()))
}

/// Collects the visible files below a folder; symbolic links are not followed, so that it ends and stays inside.
fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_file() {
            found.push(entry.path());
        } else if kind.is_dir() && depth > 0 {
            walk(&entry.path(), depth - 1, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of resources beside a file that is none of them.
    fn folders() -> (tempfile::TempDir, Resources) {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("resources");
        std::fs::create_dir_all(folder.join("patterns/more")).unwrap();
        std::fs::write(outer.path().join("secret"), "secret").unwrap();
        std::fs::write(folder.join("codes.csv"), "a,b").unwrap();
        std::fs::write(folder.join("patterns/two"), "2").unwrap();
        std::fs::write(folder.join("patterns/one"), "1").unwrap();
        std::fs::write(folder.join("patterns/.hidden"), "0").unwrap();
        std::fs::write(folder.join("patterns/more/three"), "3").unwrap();
        (outer, Resources::Folder(folder))
    }

    #[test]
    fn a_folder_gives_what_is_in_it() {
        let (_outer, resources) = folders();
        for name in ["codes.csv", "./codes.csv", "patterns/../codes.csv"] {
            let found = resources.read(name);
            assert_eq!(found.is_ok(), !name.contains(".."), "{name}: {found:?}");
        }
        assert_eq!(resources.read("codes.csv").unwrap().unwrap(), b"a,b");
        let all = |pattern| resources.read_all("patterns", pattern).unwrap().unwrap();
        assert_eq!(all("*"), [b"1", b"2"]);
        assert_eq!(all("t*"), [b"2"]);
        assert_eq!(all("**/*"), [b"3", b"1", b"2"]);
        assert_eq!(
            resources.read_all("codes.csv", "*").unwrap().unwrap(),
            [b"a,b"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn nothing_leads_out_of_a_folder() {
        let (outer, resources) = folders();
        let folder = outer.path().join("resources");
        std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("link")).unwrap();
        std::os::unix::fs::symlink(outer.path(), folder.join("up")).unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("patterns/link"))
            .unwrap();
        std::os::unix::fs::symlink(folder.join("codes.csv"), folder.join("alias.csv")).unwrap();
        let absolute = outer.path().join("secret").to_string_lossy().into_owned();
        for name in [
            "../secret",
            "patterns/../../secret",
            "link",
            "up/secret",
            "",
            "/etc/hostname",
            "a\0b",
            &absolute,
        ] {
            assert_eq!(
                resources.read(name),
                Err(ResourceError::Outside(name.to_owned())),
                "{name:?}"
            );
        }
        assert_eq!(
            resources.read("none"),
            Err(ResourceError::Missing("none".to_owned()))
        );
        assert!(matches!(
            resources.read("patterns"),
            Err(ResourceError::Unreadable(..))
        ));
        assert_eq!(
            resources.read_all("patterns", "*").unwrap().unwrap(),
            [b"1", b"2"]
        );
        assert_eq!(resources.read("alias.csv").unwrap().unwrap(), b"a,b");
        assert!(matches!(
            resources.read_all("up", "*"),
            Err(ResourceError::Outside(_))
        ));
        assert_eq!(
            Resources::Anywhere.read(&absolute).unwrap().unwrap(),
            b"secret"
        );
        assert_eq!(Resources::Unchecked.read("/etc/hostname"), Ok(None));
    }
}
