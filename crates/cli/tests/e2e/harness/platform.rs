//! A platform under test: the real binaries in a home of their own, and the services that its configuration names.

use std::{fs, path::Path, process::Command, sync::Mutex, time::Duration};

use api::{Client, ClientOptions, NewClient};
use nix::sys::signal::Signal;
use serde_json::Value;
use testkit::{FaultProxy, TempHome, binary, proxy::faults, services, wait_until};

use super::{
    CoreDms, Process, Tenant, documents::Access, jobs::PATIENCE, logs, process::processes_naming,
    process::signal,
};

/// Which parts a platform is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Configuration {
    /// `ingest up`: SQLite and the embedded core DMS.
    Embedded,
    /// `batchingestmanager` alone, with a server of MongoDB's protocol and a real Elasticsearch.
    Servers,
}

impl Configuration {
    /// Whether it can be tested; false only when one of its services was switched off by name.
    pub fn is_wanted(self) -> bool {
        match self {
            Self::Embedded => true,
            Self::Servers => {
                services::mongodb_uri().is_some() && services::elasticsearch_url().is_some()
            }
        }
    }

    /// The command that starts a platform on a home.
    pub fn command(self, home: &Path) -> Command {
        let mut command = match self {
            Self::Embedded => {
                let mut command = Command::new(binary("ingest"));
                command.arg("up");
                command
            }
            Self::Servers => Command::new(binary("batchingestmanager")),
        };
        // what the tester has set for an own platform is not for this one
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INGEST_"))
        {
            command.env_remove(name);
        }
        command.arg("--home").arg(home);
        command
    }
}

/// How a scenario wants its platform.
#[derive(Default, Clone, Copy)]
pub struct Options {
    /// There is a proxy between the platform and its core DMS, which is then in any case a server apart.
    pub dms_proxy: bool,
    /// There is a proxy between the platform and its metadata store, if that is a server.
    pub store_proxy: bool,
    /// More settings: lines of the configuration file.
    pub config: &'static str,
}

/// A platform. Dropping it ends everything that it has started.
pub struct Platform {
    configuration: Configuration,
    process: Mutex<Option<Process>>,
    dms: CoreDms,
    dms_proxy: Option<FaultProxy>,
    /// The core DMS behind the proxy, unless that is a real Elasticsearch.
    _dms_process: Option<Process>,
    store_proxy: Option<FaultProxy>,
    /// Address and name of its MongoDB database.
    database: Option<(String, String)>,
    clients: Mutex<Vec<String>>,
    home: TempHome,
}

impl Platform {
    /// Starts one in a new home, and waits until it is ready.
    pub async fn start(configuration: Configuration, options: Options) -> Self {
        let home = TempHome::new();
        let mut config = String::from("listen = \"127.0.0.1:0\"\n");
        let (mut dms_process, mut database, mut store_proxy) = (None, None, None);
        let server = match configuration {
            Configuration::Embedded if options.dms_proxy => {
                let (process, url) = serve_core_dms(&home).await;
                dms_process = Some(process);
                Some(url)
            }
            Configuration::Embedded => None,
            Configuration::Servers => services::elasticsearch_url(),
        };
        let dms_proxy = options
            .dms_proxy
            .then(|| FaultProxy::http(server.as_ref().unwrap(), faults::none()).unwrap());
        if let Some(url) = dms_proxy
            .as_ref()
            .map(FaultProxy::url)
            .or_else(|| server.clone())
        {
            config += &format!("core_dms.url = \"{url}\"\n");
        }
        if configuration == Configuration::Servers {
            let (uri, name) = (
                services::mongodb_uri().unwrap(),
                format!("e2e-{}", unique()),
            );
            let address = uri
                .trim_start_matches("mongodb://")
                .split(['/', '?'])
                .next()
                .unwrap();
            store_proxy = options
                .store_proxy
                .then(|| FaultProxy::tcp(address, faults::none()).unwrap());
            let address = store_proxy
                .as_ref()
                .map_or(address.to_owned(), |proxy| proxy.address().to_string());
            config += &format!("metadata.url = \"mongodb://{address}/{name}\"\n");
            database = Some((uri, name));
        }
        fs::write(home.join("config.toml"), config + options.config).unwrap();
        let access = server.map_or_else(|| Access::EmbeddedIn(home.to_path_buf()), Access::At);
        let platform = Self {
            configuration,
            process: Mutex::new(None),
            dms: CoreDms::new(access),
            dms_proxy,
            _dms_process: dms_process,
            store_proxy,
            database,
            clients: Mutex::new(Vec::new()),
            home,
        };
        platform.start_again().await;
        wait_until("the platform is ready", PATIENCE, async || {
            platform
                .api(None)
                .ready()
                .await
                .is_ok_and(|ready| ready.ready)
        })
        .await;
        platform
    }

    /// Its home folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Its core DMS, asked past the platform and past the proxy.
    pub fn dms(&self) -> &CoreDms {
        &self.dms
    }

    /// The proxy in front of its core DMS.
    pub fn dms_proxy(&self) -> &FaultProxy {
        self.dms_proxy.as_ref().expect("Options::dms_proxy is set")
    }

    /// The proxy in front of its metadata store.
    pub fn store_proxy(&self) -> &FaultProxy {
        self.store_proxy
            .as_ref()
            .expect("Options::store_proxy is set and the store is a server")
    }

    /// What `manager.json` says.
    fn address(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.home.join("manager.json")).ok()?).ok()
    }

    /// The manager's process id; only the benchmark, which shares this harness, asks for it.
    #[allow(dead_code)]
    pub fn process_id(&self) -> u64 {
        self.address().unwrap()["pid"].as_u64().unwrap()
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        self.address()
            .map_or("http://127.0.0.1:1".into(), |address| {
                address["url"].as_str().unwrap().to_owned()
            })
    }

    /// Its API, with a token or without.
    pub fn api(&self, token: Option<&str>) -> Client {
        Client::new(ClientOptions::new(self.url(), token.map(str::to_owned))).unwrap()
    }

    /// Its API with the first admin token.
    pub fn admin(&self) -> Client {
        let token = fs::read_to_string(self.home.join("admin.token")).unwrap();
        self.api(Some(token.trim()))
    }

    /// A client of this id is about to be registered: what it leaves on shared servers is removed at the end.
    pub fn will_have(&self, client: &str) {
        self.clients.lock().unwrap().push(client.to_owned());
    }

    /// Registers a client.
    pub async fn tenant(&self, name: &str) -> Tenant<'_> {
        self.tenant_on(name, None).await
    }

    /// Registers a client on a plan.
    pub async fn tenant_on(&self, name: &str, plan: Option<&str>) -> Tenant<'_> {
        let id = format!("{name}-{}", unique());
        self.will_have(&id);
        let client = NewClient {
            id: id.parse().unwrap(),
            name: None,
            contact: None,
            plan: plan.map(str::to_owned),
        };
        let registered = self.admin().register(&client).await.unwrap();
        Tenant {
            platform: self,
            id: registered.client.id,
            token: registered.token.token,
        }
    }

    /// Starts it on its home, where it is not running, and waits until its API answers.
    pub async fn start_again(&self) {
        let mut command = self.configuration.command(&self.home);
        let process = Process::start(&mut command, &self.home.join("platform.log"));
        let id = process.id();
        *self.process.lock().unwrap() = Some(process);
        wait_until("the platform's API answers", PATIENCE, async || {
            if let Some(status) = self
                .process
                .lock()
                .unwrap()
                .as_mut()
                .and_then(Process::ended)
            {
                panic!("the platform did not start: {status}");
            }
            self.address().is_some_and(|address| address["pid"] == id)
                && self.api(None).healthy().await.is_ok()
        })
        .await;
    }

    /// Asks it to stop, and waits for its exit code, which must come within its grace period and a little more.
    pub async fn stop(&self) -> i32 {
        let mut process = self.process.lock().unwrap().take().expect("it is running");
        process.terminate();
        process.exit_code(Duration::from_secs(30)).await
    }

    /// Kills the manager, and nothing but it.
    pub fn kill_manager(&self) {
        self.process
            .lock()
            .unwrap()
            .take()
            .expect("it is running")
            .kill();
    }

    /// The workers' process ids.
    pub fn workers(&self) -> Vec<u32> {
        let processes = processes_naming(&self.home.join("clientapps"));
        processes.into_iter().map(|(id, _)| id).collect()
    }

    /// Kills the embedded core DMS; whether there was one.
    pub fn kill_core_dms(&self) -> bool {
        let processes = processes_naming(&self.home.join("data/coredms"));
        processes
            .iter()
            .for_each(|(id, _)| signal(*id, Signal::SIGKILL));
        !processes.is_empty()
    }

    /// Kills the embedded core DMS, or cuts every connection to the one behind the proxy; whether there was one.
    pub fn break_core_dms(&self) -> bool {
        match &self.dms_proxy {
            Some(proxy) => {
                proxy.set_down(true);
                proxy.set_down(false);
                true
            }
            None => self.kill_core_dms(),
        }
    }

    /// Cuts every connection to the metadata store; whether it is a server behind a proxy.
    pub fn break_metadata_store(&self) -> bool {
        let Some(proxy) = &self.store_proxy else {
            return false;
        };
        proxy.set_down(true);
        proxy.set_down(false);
        true
    }

    /// What goes wrong between the platform and its core DMS from now on, if there is a proxy.
    pub fn set_dms_faults(&self, schedule: faults::Schedule) {
        if let Some(proxy) = &self.dms_proxy {
            proxy.set_schedule(schedule);
        }
    }

    /// Stops it, which must go in order, and removes what was made on shared servers.
    pub async fn end(self) {
        let clients = std::mem::take(&mut *self.clients.lock().unwrap());
        for client in clients {
            self.dms.remove_all_of(&client).await;
        }
        if let Some(proxy) = &self.dms_proxy {
            proxy.set_schedule(faults::none());
        }
        assert_eq!(self.stop().await, 0, "the platform did not stop in order");
        if let Some((uri, name)) = &self.database {
            let client = mongodb::Client::with_uri_str(uri).await.unwrap();
            client.database(name).drop().await.unwrap();
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // the manager first: it would bring back the others
        drop(
            self.process
                .lock()
                .ok()
                .and_then(|mut process| process.take()),
        );
        for (id, _) in processes_naming(&self.home) {
            signal(id, Signal::SIGKILL);
        }
        if std::thread::panicking() {
            logs::show(&self.home);
        }
    }
}

/// The core DMS's server as a process of its own, and its address.
async fn serve_core_dms(home: &Path) -> (Process, String) {
    let data = home.join("coredms-apart");
    let mut command = Command::new(binary("coredms"));
    command.arg("--data").arg(&data);
    let process = Process::start(&mut command, &home.join("coredms-apart.log"));
    let address = data.join("http.address");
    wait_until("the core DMS has an address", PATIENCE, async || {
        address.exists()
    })
    .await;
    let address = fs::read_to_string(address).unwrap();
    let address = address.trim();
    let url = if address.starts_with("http") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    (process, url)
}

/// A name that no other test run uses.
pub fn unique() -> String {
    format!("{:08x}", rand::random::<u32>())
}
