//! Certificates for tests, made with the `openssl` command: an authority and what it signed, for 127.0.0.1.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A folder of PEM files: `ca.pem`, and for each name `<name>.pem` and `<name>.key`.
pub struct Certificates(tempfile::TempDir);

impl Certificates {
    /// An authority, and certificates of these names signed by it.
    pub fn new(names: &[&str]) -> Self {
        let certificates = Self(tempfile::tempdir().unwrap());
        certificates.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
             -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem",
        );
        std::fs::write(
            certificates.file("leaf.ext"),
            "subjectAltName=IP:127.0.0.1\n",
        )
        .unwrap();
        for name in names {
            certificates.openssl(&format!(
                "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} \
                 -keyout {name}.key -out {name}.csr"
            ));
            certificates.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
                 -extfile leaf.ext -out {name}.pem"
            ));
        }
        certificates
    }

    /// Path of a file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        run(self.0.path(), arguments);
    }
}

fn run(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("the command openssl (package openssl) is installed");
    assert!(
        output.status.success(),
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
