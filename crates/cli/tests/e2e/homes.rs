//! Homes and addresses that cannot be had: a clear message, an exit code, and whoever has them is not disturbed.

use std::{fs, path::Path, time::Duration};

use domain::run::RunState;
use testkit::TempHome;

use crate::{
    harness::{Configuration, Options, Platform, Process},
    steering::{input, lines},
};

/// Starts a platform that cannot start; its exit code and everything that it wrote.
async fn refused(configuration: Configuration, home: &Path, arguments: &[&str]) -> (i32, String) {
    let scratch = TempHome::new();
    let mut process = Process::start(
        configuration.command(home).args(arguments),
        &scratch.join("log"),
    );
    let code = process.exit_code(Duration::from_secs(30)).await;
    (code, process.output())
}

/// A home belongs to one process.
pub async fn locked(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("locked").await;
    let job = tenant.job("lines", &lines()).await;
    job.stage(&input("a.log", 100)).await;
    let (code, output) = refused(configuration, platform.home(), &[]).await;
    assert_ne!(code, 0);
    assert!(
        output.contains("home_locked") && output.contains(&platform.home().display().to_string()),
        "{output}"
    );
    assert!(!output.contains("panicked"), "{output}");
    assert_eq!(job.run_to(RunState::Completed).await.ledger.created, 100);
    platform.end().await;
}

/// A home that cannot be made is named.
pub async fn not_writable(configuration: Configuration) {
    let scratch = TempHome::new();
    let file = scratch.join("file");
    fs::write(&file, "not a folder").unwrap();
    for home in [file.clone(), file.join("below")] {
        let (code, output) = refused(configuration, &home, &[]).await;
        assert_ne!(code, 0);
        assert!(
            output.contains(&home.display().to_string()) && !output.contains("panicked"),
            "{output}"
        );
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "not a folder");
}

/// An address belongs to one process.
pub async fn port_taken(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let scratch = TempHome::new();
    let address = platform.url().replace("http://", "");
    fs::copy(
        platform.home().join("config.toml"),
        scratch.join("config.toml"),
    )
    .unwrap();
    let (code, output) = refused(
        configuration,
        &scratch,
        &["--set", &format!("listen={address}")],
    )
    .await;
    assert_ne!(code, 0);
    assert!(
        output.contains(&address) && output.contains("address_in_use"),
        "{output}"
    );
    assert!(!output.contains("panicked"), "{output}");
    assert!(
        crate::harness::processes_naming(&scratch).is_empty(),
        "it has left something running"
    );
    platform.admin().healthy().await.unwrap();
    platform.end().await;
}

/// Everything that is wrong with a configuration is said at once.
pub async fn misconfigured(configuration: Configuration) {
    let scratch = TempHome::new();
    fs::write(
        scratch.join("config.toml"),
        "listen = \"nowhere\"\ncolour = \"red\"\n",
    )
    .unwrap();
    let (code, output) = refused(configuration, &scratch, &[]).await;
    assert_ne!(code, 0);
    for text in ["listen", "colour", "invalid_config"] {
        assert!(output.contains(text), "{text} in {output}");
    }
}
