//! `ingest coredms up` to its end: a real Elasticsearch answers where the container's would, a program stands for Docker.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use coredms::client::{Client, ClientOptions, Credentials};
use serde_json::Value;
use testkit::services;

/// Docker whose containers are well.
const DOCKER: &str = "#!/bin/sh\n\
    case \"$1\" in\n\
      version) echo 27.0.0 ;;\n\
      ps) printf 'elasticsearch\\tUp 1 minute (healthy)\\timage\\t\\nkibana\\tUp 1 second (healthy)\\timage\\t\\n' ;;\n\
    esac\n";

fn client(url: &str, user: &str, password: &str) -> Client {
    let mut options = ClientOptions::new(url);
    let (user, password) = (user.into(), password.into());
    options.credentials = Some(Credentials::Basic { user, password });
    Client::new(options).unwrap()
}

#[tokio::test]
async fn up_sets_kibana_s_password_and_says_what_the_manager_has_to_know() {
    let Some(url) = services::secured_elasticsearch_url() else {
        return;
    };
    let (login, host) = url.trim_start_matches("http://").rsplit_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap();
    let (url, port) = (format!("http://{host}"), host.rsplit_once(':').unwrap().1);
    let dir = tempfile::tempdir().unwrap();
    let (bin, real) = (dir.path().join("bin"), dir.path().join("real"));
    for folder in [&bin, &real] {
        fs::create_dir(folder).unwrap();
    }
    let docker = bin.join("docker");
    fs::write(&docker, DOCKER).unwrap();
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
    // the server is there already, with the passwords of an earlier start
    fs::write(
        real.join(".env"),
        "ELASTIC_PASSWORD=of-elastic\nKIBANA_PASSWORD=of-kibana\n",
    )
    .unwrap();
    let superuser = client(&url, user, password);
    let set = superuser.set_password("elastic", "of-elastic").await;
    set.unwrap();

    let up = |more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_ingest"))
            .args(["coredms", "up", "--port", port, "--dir"])
            .arg(&real)
            .args(more)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("HOME", dir.path())
            .output()
            .unwrap()
    };
    let done = up(&["-o", "json"]);
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{told}");
    let said: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(said["elasticsearch"], format!("http://127.0.0.1:{port}"));
    let kibana = client(&url, "kibana_system", "of-kibana");
    kibana.health().await.unwrap();
    let file = said["password_file"].as_str().unwrap();
    assert_eq!(fs::read_to_string(file).unwrap(), "of-elastic");

    // what it prints for people is a configuration that the manager takes
    let done = up(&[]);
    let text = String::from_utf8(done.stdout).unwrap();
    let config = &text[text.find("[core_dms]").unwrap()..];
    let config = manager::config::Config::parse(config, &Default::default()).unwrap();
    assert_eq!(config.core_dms_username.as_deref(), Some("elastic"));
    assert_eq!(config.kibana_url.as_deref(), said["kibana"].as_str());

    // data that was made with another password is not waited for
    fs::write(real.join(".env"), "ELASTIC_PASSWORD=another\n").unwrap();
    let refused = up(&[]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("does not take the password"), "{told}");
}
