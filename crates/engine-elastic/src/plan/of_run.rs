//! The plan of a run, from its work order.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use domain::ids::RunId;
use domain::units::Span;
use domain::worker::{RunFolder, WorkOrder};
use serde::{Deserialize, Serialize};

use super::{
    Container, HealthCheck, LogLimits, Mount, Network, NetworkKind, Plan, Role, SECRETS_TARGET,
    label,
};

/// Elastic's open source Filebeat. The newest line whose image also runs on processors without AVX2.
pub const FILEBEAT_IMAGE: &str = "docker.elastic.co/beats/filebeat-oss:9.3.8";
/// Elastic's open source Logstash: the version whose behaviour the golden tests record.
pub const LOGSTASH_IMAGE: &str = "docker.elastic.co/logstash/logstash-oss:9.3.8";

/// Where Logstash finds the files that filters name.
pub const RESOURCES_TARGET: &str = "/ingest/resources";
/// Where Logstash finds the certificate authority of the core DMS.
pub const CA_TARGET: &str = "/ingest/secrets/ca.pem";
/// Port on which Logstash listens for Filebeat.
pub const LOGSTASH_BEATS_PORT: u16 = 5044;
/// Port of Logstash's monitoring API.
pub const LOGSTASH_API_PORT: u16 = 9600;
/// Port of Filebeat's monitoring API.
pub const FILEBEAT_API_PORT: u16 = 5066;

const FILEBEAT_HOME: &str = "/usr/share/filebeat";
const LOGSTASH_HOME: &str = "/usr/share/logstash";

/// What Filebeat gets of a run's memory: it streams, and holds no more than its queue.
const FILEBEAT_MEMORY: u64 = 256 << 20;
/// Logstash's heap, in parts of hundred of its container's memory; the rest is for the JVM itself, threads and buffers.
const HEAP_PERCENT: u64 = 60;
const TMP_BYTES: u64 = 64 << 20;
const PIDS: u32 = 512;
const LOGS: LogLimits = LogLimits {
    file_bytes: 10 << 20,
    files: 3,
};
/// Filebeat and Logstash may not end at all after SIGTERM, and no acknowledged record is lost if they are killed.
const STOP_GRACE: Span = Span::secs(30);

/// Files and folders of the run's folder that the containers use. All of them must be there before the containers are
/// put up; [`Files::outcomes`] and [`Files::dead_letters`] must belong to the user of the containers.
#[derive(Debug, Clone)]
pub struct Files {
    /// Filebeat's configuration.
    pub filebeat: PathBuf,
    /// Logstash's settings.
    pub logstash: PathBuf,
    /// Logstash's pipeline.
    pub pipeline: PathBuf,
    /// Folder of the frames that Filebeat sends.
    pub frames: PathBuf,
    /// Folder into which Logstash writes what becomes of the records.
    pub outcomes: PathBuf,
    /// Folder in which Logstash keeps documents that the core DMS has refused.
    pub dead_letters: PathBuf,
}

impl Files {
    /// Those of a run.
    pub fn of(folder: &RunFolder) -> Self {
        let file = |name: &str| folder.path().join(name);
        Self {
            filebeat: file("filebeat.yml"),
            logstash: file("logstash.yml"),
            pipeline: file("pipeline.conf"),
            frames: file("frames"),
            outcomes: file("outcomes"),
            dead_letters: file("dead_letters"),
        }
    }
}

/// How Logstash reaches the core DMS. Filebeat reaches Logstash and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Egress {
    /// Over a network of the operator's, on which there is the core DMS and nothing that clients must not reach.
    Network(String),
    /// Over a network that reaches whatever the host reaches, the host itself as `host.docker.internal`.
    Host,
    /// Over the run's own network, on which somebody passes connections on to the core DMS, and to nothing else.
    Forwarder {
        /// Where the core DMS is found then.
        url: String,
        /// A name that it is found by, and its address.
        host: Option<(String, IpAddr)>,
    },
}

/// What the operator decides about the containers of all runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Which installation of the platform this is; see [`label::PLATFORM`].
    pub platform: String,
    /// Filebeat's image.
    pub filebeat_image: String,
    /// Logstash's image.
    pub logstash_image: String,
    /// User id of the programs. It must be able to read the run's folder and the secrets; so it is best the manager's,
    /// if that is not root. The group is 0, to which Elastic's images give what they must write.
    pub uid: NonZeroU32,
    /// How the core DMS is reached.
    pub egress: Egress,
}

impl Plan {
    /// The plan of a run.
    pub fn of(order: &WorkOrder, folder: &RunFolder, settings: &Settings) -> Self {
        let project = project(&order.run);
        let inner = Network {
            name: Self::inner_network(&order.run),
            kind: NetworkKind::Internal,
        };
        let outer = match &settings.egress {
            Egress::Network(name) => Some(Network {
                name: name.clone(),
                kind: NetworkKind::Existing,
            }),
            Egress::Host => Some(Network {
                name: format!("{project}-outer"),
                kind: NetworkKind::Bridge,
            }),
            Egress::Forwarder { .. } => None,
        };
        let parts = Parts {
            order,
            settings,
            project: &project,
            files: Files::of(folder),
        };
        Self {
            labels: labels(order, settings),
            folder: folder.path().into(),
            volumes: vec![parts.registry(), parts.data()],
            containers: vec![
                parts.logstash(&inner, outer.as_ref()),
                parts.filebeat(&inner),
            ],
            networks: [Some(inner), outer].into_iter().flatten().collect(),
            project,
        }
    }
}

impl Plan {
    /// The network that a run's containers share.
    pub fn inner_network(run: &RunId) -> String {
        format!("{}-inner", project(run))
    }

    /// The name of a run's container.
    pub fn container_name(run: &RunId, role: Role) -> String {
        format!("{}-{}", project(run), role.as_str())
    }
}

fn project(run: &RunId) -> String {
    format!("ingest-{run}")
}

fn labels(order: &WorkOrder, settings: &Settings) -> BTreeMap<String, String> {
    [
        (label::PLATFORM, settings.platform.as_str()),
        (label::CLIENT, order.client.as_str()),
        (label::JOB, order.job.as_str()),
        (label::RUN, order.run.as_str()),
        (label::SPEC_DIGEST, &order.spec_digest),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// What the containers of a plan are made of.
struct Parts<'a> {
    order: &'a WorkOrder,
    settings: &'a Settings,
    project: &'a str,
    files: Files,
}

impl Parts<'_> {
    fn registry(&self) -> String {
        format!("{}-registry", self.project)
    }

    fn data(&self) -> String {
        format!("{}-data", self.project)
    }

    /// At most a quarter of the run's memory.
    fn filebeat_memory(&self) -> u64 {
        FILEBEAT_MEMORY.min(self.order.memory.0 / 4)
    }

    /// A quarter of the run's CPU.
    fn filebeat_cpu(&self) -> u32 {
        (self.order.cpu_millis / 4).max(1)
    }

    fn container(&self, role: Role, image: &str, health_port: u16) -> Container {
        Container {
            role,
            name: Plan::container_name(&self.order.run, role),
            image: image.into(),
            entrypoint: Vec::new(),
            command: Vec::new(),
            environment: BTreeMap::new(),
            user: format!("{}:0", self.settings.uid),
            working_dir: None,
            mounts: vec![Mount::Tmpfs {
                target: "/tmp".into(),
                size_bytes: TMP_BYTES,
            }],
            networks: Vec::new(),
            hosts: BTreeMap::new(),
            memory_bytes: self.order.memory.0,
            cpu_millis: self.order.cpu_millis,
            pids: PIDS,
            logs: LOGS,
            health: Some(health(health_port)),
            publish: Vec::new(),
            depends_on: Vec::new(),
            stop_grace: STOP_GRACE,
        }
    }

    fn filebeat(&self, inner: &Network) -> Container {
        let (config, data) = ("/ingest/filebeat.yml", format!("{FILEBEAT_HOME}/data"));
        let mut it = self.container(
            Role::Filebeat,
            &self.settings.filebeat_image,
            FILEBEAT_API_PORT,
        );
        it.entrypoint = vec![format!("{FILEBEAT_HOME}/filebeat")];
        // the file belongs to the manager's user, which strict permissions would not have
        it.command = [
            "-e",
            "-c",
            config,
            "--path.data",
            &data,
            "--strict.perms=false",
        ]
        .map(Into::into)
        .into();
        it.mounts.extend([
            bind(&self.files.filebeat, config),
            bind(&self.files.frames, "/ingest/frames"),
            volume(self.registry(), &data),
        ]);
        it.networks = vec![inner.name.clone()];
        it.memory_bytes = self.filebeat_memory();
        it.cpu_millis = self.filebeat_cpu();
        it.depends_on = vec![Role::Logstash];
        it
    }

    fn logstash(&self, inner: &Network, outer: Option<&Network>) -> Container {
        let pipeline = "/ingest/pipeline.conf";
        let (program, data) = (
            format!("{LOGSTASH_HOME}/bin/logstash"),
            format!("{LOGSTASH_HOME}/data"),
        );
        let mut it = self.container(
            Role::Logstash,
            &self.settings.logstash_image,
            LOGSTASH_API_PORT,
        );
        it.memory_bytes = (self.order.memory.0 - self.filebeat_memory()).max(1);
        it.cpu_millis =
            (self.order.cpu_millis - self.filebeat_cpu().min(self.order.cpu_millis)).max(1);
        it.entrypoint = ["/bin/sh", "-c", &secrets_to_environment()]
            .map(Into::into)
            .into();
        it.command = [&program, "-f", pipeline, "--path.data", &data]
            .map(Into::into)
            .into();
        it.environment = self.order.provisions.variables.clone();
        let heap = (it.memory_bytes * HEAP_PERCENT / 100) >> 20;
        it.environment
            .insert("LS_JAVA_OPTS".into(), format!("-Xms{heap}m -Xmx{heap}m"));
        let url = match &self.settings.egress {
            Egress::Forwarder { url, host } => {
                let host = host
                    .iter()
                    .map(|(name, address)| (name.clone(), address.to_string()));
                it.hosts.extend(host);
                url
            }
            Egress::Host => {
                let host = ("host.docker.internal".into(), "host-gateway".into());
                it.hosts.extend([host]);
                &self.order.dms.url
            }
            Egress::Network(_) => &self.order.dms.url,
        };
        it.environment
            .insert("ELASTICSEARCH_URL".into(), url.clone());
        it.mounts.extend([
            bind(&self.files.pipeline, pipeline),
            bind(
                &self.files.logstash,
                &format!("{LOGSTASH_HOME}/config/logstash.yml"),
            ),
            folder(&self.files.outcomes, "/ingest/outcomes"),
            folder(&self.files.dead_letters, "/ingest/dead_letters"),
            volume(self.data(), &data),
        ]);
        it.mounts.extend(self.dms_mounts());
        if let Some(resources) = &self.order.provisions.resources {
            it.mounts.push(bind(resources, RESOURCES_TARGET));
            // filters name files relative to it, as for the native engine
            it.working_dir = Some(RESOURCES_TARGET.into());
        }
        let networks = [Some(inner), outer].into_iter().flatten();
        it.networks = networks.map(|it| it.name.clone()).collect();
        it
    }

    /// What Logstash needs to be let in by the core DMS: secrets named as the variables that its pipeline refers to.
    fn dms_mounts(&self) -> impl Iterator<Item = Mount> {
        let dms = &self.order.dms;
        let secret = |name: &str, source: &Option<PathBuf>| {
            source.clone().map(|source| Mount::Secret {
                name: name.into(),
                source,
            })
        };
        [
            secret("ELASTICSEARCH_API_KEY", &dms.api_key_file),
            secret("ELASTICSEARCH_PASSWORD", &dms.password_file),
            dms.ca_file.as_ref().map(|file| bind(file, CA_TARGET)),
        ]
        .into_iter()
        .flatten()
    }
}

/// A shell command that exports every secret as a variable of its name, and becomes the program that it is given. So no
/// secret is in the container's description, where Docker shows the environment. Over TLS Logstash wants the API key as
/// the pair that it is the encoding of.
fn secrets_to_environment() -> String {
    format!(
        r#"for f in {SECRETS_TARGET}/*; do [ -f "$f" ] && export "${{f##*/}}=$(cat "$f")"; done; [ -z "$ELASTICSEARCH_API_KEY" ] || export ELASTICSEARCH_API_KEY_PAIR="$(printf %s "$ELASTICSEARCH_API_KEY" | base64 -d)"; exec "$0" "$@""#
    )
}

fn health(port: u16) -> HealthCheck {
    let url = format!("http://127.0.0.1:{port}/");
    HealthCheck {
        command: ["curl", "-fsS", "-m", "5", "-o", "/dev/null", &url]
            .map(Into::into)
            .into(),
        interval: Span::secs(10),
        timeout: Span::secs(6),
        retries: 6,
        start_period: Span::secs(120),
    }
}

fn bind(source: impl Into<PathBuf>, target: &str) -> Mount {
    Mount::Bind {
        source: source.into(),
        target: target.into(),
    }
}

fn folder(source: impl Into<PathBuf>, target: &str) -> Mount {
    Mount::Folder {
        source: source.into(),
        target: target.into(),
    }
}

fn volume(volume: String, target: &str) -> Mount {
    Mount::Volume {
        volume,
        target: target.into(),
    }
}
