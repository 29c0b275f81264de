//! Runs against a real Elasticsearch with security: each writes with a key of its own, which is void when it has ended.
//! Kibana, which is not there, is a server that writes down what it is asked.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{TempHome, services, wait_until};

const PATIENCE: Duration = Duration::from_secs(120);

/// A superuser's view of the server.
struct Server {
    url: String,
    user: String,
    password: String,
    http: reqwest::Client,
}

impl Server {
    fn find() -> Option<Self> {
        let url = services::secured_elasticsearch_url()?;
        let (scheme, rest) = url.split_once("://").unwrap();
        let (login, host) = rest.rsplit_once('@').unwrap();
        let (user, password) = login.split_once(':').unwrap();
        Some(Self {
            url: format!("{scheme}://{host}"),
            user: user.into(),
            password: password.into(),
            http: reqwest::Client::new(),
        })
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut call = self.http.request(method, format!("{}{path}", self.url));
        call = call.basic_auth(&self.user, Some(&self.password));
        if let Some(body) = body {
            call = call.json(&body);
        }
        let answer = call.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    /// The keys of a run: whether each is void.
    async fn keys(&self, run: &str) -> Vec<bool> {
        let path = format!("/_security/api_key?name=ingest-{run}");
        let (_, answer) = self.get(&path).await;
        let keys = answer["api_keys"].as_array().unwrap();
        keys.iter()
            .map(|key| key["invalidated"].as_bool().unwrap())
            .collect()
    }
}

/// `ingest up` in a home of its own; ended when dropped.
struct Platform {
    process: Child,
    home: TempHome,
}

impl Platform {
    /// One that uses the server with these credentials, with more lines of configuration.
    async fn start(server: &Server, user: &str, password: &str, more: &str) -> Self {
        let home = TempHome::new();
        let secret = home.join("password");
        fs::write(&secret, password).unwrap();
        let config = format!(
            "listen = \"127.0.0.1:0\"\n[core_dms]\nurl = \"{}\"\nusername = \"{user}\"\npassword_file = \"{}\"\n{more}",
            server.url,
            secret.display()
        );
        fs::write(home.join("config.toml"), config).unwrap();
        let log = fs::File::create(home.join("manager.log")).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_ingest"))
            .arg("--home")
            .arg(&*home)
            .arg("up")
            .env("HOME", &*home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let platform = Self { process, home };
        wait_until("the platform is ready", PATIENCE, async || {
            platform.ingest(&["status"]).status.success()
        })
        .await;
        platform
    }

    fn ingest(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ingest"))
            .args(arguments)
            .env_remove("INGEST_SERVER")
            .env("INGEST_HOME", &*self.home)
            .env("HOME", &*self.home)
            .output()
            .unwrap()
    }

    /// The same, which must succeed; gives its answer for programs.
    fn done(&self, arguments: &[&str]) -> Value {
        let done = self.ingest(&[arguments, &["-o", "json"]].concat());
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {told}");
        serde_json::from_slice(&done.stdout).unwrap_or_default()
    }

    /// Registers a client and puts its job.
    fn client(&self, client: &str, index: &str) {
        self.done(&["client", "register", client, "--name", "Test"]);
        let spec = json!({ "mode": "batch", "format": { "type": "csv" }, "destination": { "index": index } });
        let file = self.home.join("job.json");
        fs::write(&file, spec.to_string()).unwrap();
        let job = format!("{client}/flights");
        self.done(&["job", "put", &job, "-f", file.to_str().unwrap()]);
    }

    /// Ingests a file of so many records; gives the run's id.
    fn run(&self, client: &str, name: &str, records: usize) -> String {
        let file = self.home.join(name);
        let lines = (0..records).map(|n| format!("{name},{n}\n"));
        fs::write(&file, format!("name,n\n{}", lines.collect::<String>())).unwrap();
        let job = format!("{client}/flights");
        self.done(&["stage", "put", &job, file.to_str().unwrap()]);
        self.done(&["run", "start", &job, "--wait"]);
        let run = self.done(&["run", "show", &format!("{job}/latest")]);
        assert_eq!(run["state"], "completed", "{run}");
        assert_eq!(run["ledger"]["created"], records);
        run["id"].as_str().unwrap().to_owned()
    }

    fn run_folder(&self, client: &str, run: &str) -> PathBuf {
        self.home
            .join(format!("clientapps/{client}/flights/runs/{run}"))
    }

    fn order(&self, client: &str, run: &str) -> Value {
        let file = self.run_folder(client, run).join("order.json");
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.join("manager.log")).unwrap()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

/// A client's id that no other test of this server has.
fn unique(name: &str) -> String {
    format!("{name}-{:08x}", rand::random::<u32>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_writes_with_a_key_of_its_own_that_ends_with_it() {
    let Some(server) = Server::find() else {
        return;
    };
    let platform = Platform::start(&server, &server.user, &server.password, "").await;
    let client = unique("keyed");
    platform.client(&client, "flights");
    let run = platform.run(&client, "a.csv", 1000);
    let key = platform.run_folder(&client, &run).join("dms.key");
    let dms = &platform.order(&client, &run)["dms"];
    assert_eq!(dms["api_key_file"], key.to_str().unwrap());
    assert_eq!(dms["username"], Value::Null);
    assert!(!key.exists());
    assert_eq!(server.keys(&run).await, [true]);
    let role = format!("/_security/role/ingest-{client}-read");
    let (status, role) = server.get(&role).await;
    assert_eq!(status, 200, "{role}");
    let path = format!("/{client}.flights");
    let removed = server.call(Method::DELETE, &path, None).await;
    assert_eq!(removed.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_privilege_runs_write_with_the_platform_s_own_credentials() {
    let Some(server) = Server::find() else {
        return;
    };
    let (user, password) = (unique("weak"), "of-this-test-only");
    let role = json!({ "cluster": ["monitor", "manage_index_templates"],
        "indices": [{ "names": ["*"], "privileges": ["all"] }] });
    let path = format!("/_security/role/{user}");
    let put = server.call(Method::PUT, &path, Some(role)).await;
    assert_eq!(put.0, 200);
    let path = format!("/_security/user/{user}");
    let body = json!({ "password": password, "roles": [user] });
    let put = server.call(Method::PUT, &path, Some(body)).await;
    assert_eq!(put.0, 200);

    let platform = Platform::start(&server, &user, password, "").await;
    let client = unique("unkeyed");
    platform.client(&client, "flights");
    for name in ["a.csv", "b.csv"] {
        let run = platform.run(&client, name, 10);
        let dms = &platform.order(&client, &run)["dms"];
        assert_eq!(dms["username"], user.as_str());
        assert!(!platform.run_folder(&client, &run).join("dms.key").exists());
        assert!(server.keys(&run).await.is_empty());
    }
    let said = "runs write with the platform's own credentials";
    let log = platform.log();
    assert_eq!(log.matches(said).count(), 1, "{log}");
    assert!(log.contains("manage_own_api_key"), "{log}");
}

/// A Kibana that is not ready when it is first asked; gives its address, and the first lines of what it was asked.
fn kibana() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let head = head.to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let mut asked = seen.lock().unwrap();
            let (status, answer) = match asked.len() {
                0 => ("503 Service Unavailable", json!({ "message": "not ready" })),
                _ => ("200 OK", json!({ "success": true, "successCount": 3 })),
            };
            asked.push(head.lines().next().unwrap().to_owned());
            let (answer, length) = (answer.to_string(), answer.to_string().len());
            write!(stream, "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}").unwrap();
        }
    });
    (url, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kibana_is_asked_at_each_completion_until_it_shows_the_job() {
    let Some(server) = Server::find() else {
        return;
    };
    let (url, asked) = kibana();
    let more = format!("[kibana]\nurl = \"{url}\"\nspace = \"team\"\n");
    let platform = Platform::start(&server, &server.user, &server.password, &more).await;
    let client = unique("shown");
    platform.client(&client, "flights");
    for name in ["a.csv", "b.csv", "c.csv"] {
        platform.run(&client, name, 10);
    }
    let import = "post /s/team/api/saved_objects/_import http/1.1";
    assert_eq!(*asked.lock().unwrap(), [import; 2]);
    let log = platform.log();
    assert_eq!(log.matches("not ready").count(), 1, "{log}");
    let path = format!("/{client}.flights");
    let removed = server.call(Method::DELETE, &path, None).await;
    assert_eq!(removed.0, 200);
}
