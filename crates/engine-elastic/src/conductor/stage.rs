//! The containers of a run while they are up.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::error::{Culprit, Failure};
use domain::ledger::Ledger;
use domain::units::Span;
use domain::worker::WorkOrder;
use engine_native::control::{Control, Ending};
use engine_native::lookup::{Address, Lookup};
use engine_native::worker::Shell;
use tokio::time::{Instant, sleep, timeout};

use super::counters::{Counters, Monitor};
use super::figures::Figures;
use super::forward::Forwarder;
use super::ground::{self, Owner};
use super::parts::Parts;
use crate::docker::{Docker, LogCursor, Seen, State};
use crate::plan::{Egress, FILEBEAT_IMAGE, LOGSTASH_IMAGE, Plan, Role, Settings};

/// Between two looks at the counters: a tenth of the time since the beginning, within these bounds.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);
/// Between two looks at the containers themselves, and their logs.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long counters may be out of reach: a Java program takes its time to start.
const SILENT_AT_MOST: Duration = Duration::from_secs(180);
/// How long the core DMS may take to answer before the containers are started anyway.
const GREETING: Duration = Duration::from_secs(5);
/// How long Logstash may take with what it has when the run is called off.
const CANCEL_GRACE: Duration = Duration::from_secs(15);
/// How long programs may take to end.
const STOP_GRACE: Span = Span::secs(20);

/// How the containers' work ended.
#[derive(Debug)]
pub enum Ended {
    /// Every frame went its way to the end; the last counters.
    Played(Counters),
    /// The run was called off; what had come to Logstash has gone its way, if it could.
    CutShort,
    /// It is to be started again later.
    Suspended,
}

impl Ended {
    /// Of containers that never worked.
    pub fn early(control: &Control) -> Self {
        match control.ending() {
            Some(Ending::Cancelled | Ending::BudgetExceeded(_)) => Self::CutShort,
            None | Some(Ending::Suspended | Ending::Failed(_)) => Self::Suspended,
        }
    }
}

/// A run's containers.
pub struct Stage {
    shell: Shell,
    docker: Docker,
    monitor: Monitor,
    figures: Arc<Figures>,
    parts: Parts,
    logs: [(Role, LogCursor); 2],
    /// Length of the log before anything was put up.
    log_begin: usize,
    paused: bool,
    newest: Counters,
    _forwarder: Option<Forwarder>,
}

impl Stage {
    /// Puts the containers up.
    pub async fn set(
        shell: &Shell,
        docker: Docker,
        parts: &Parts,
        figures: Arc<Figures>,
    ) -> Result<Self, Failure> {
        let order = &shell.order;
        greet(order).await?;
        let owner = Owner::of(order, &shell.folder)?;
        let mut settings = settings(order, owner);
        for image in [&settings.filebeat_image, &settings.logstash_image] {
            let pulled = docker.ensure_image(image, |progress| {
                shell.live.moved();
                tracing::info!(
                    image,
                    status = progress.status,
                    bytes = progress.bytes,
                    total = progress.total,
                    "pulling"
                );
            });
            pulled.await?;
        }
        // first: whatever is left from here on is found by it
        ground::set_mark(&shell.folder)?;
        let mut order = WorkOrder {
            dms: ground::secrets(owner, &shell.folder, &order.dms)?,
            ..WorkOrder::clone(order)
        };
        // the operator need not provide any
        let resources = &mut order.provisions.resources;
        *resources = resources.take().filter(|folder| folder.is_dir());
        let by_hand = Plan::of(&order, &shell.folder, &settings);
        ground::lay(owner, &order, &shell.folder, &by_hand)?;
        let forwarder = match &settings.egress {
            Egress::Network(_) => None,
            Egress::Host | Egress::Forwarder { .. } => {
                let gateway = docker.make_inner_network(&by_hand).await?;
                Some(Forwarder::start(gateway, &order.dms.url).await?)
            }
        };
        if let Some(forwarder) = &forwarder {
            settings.egress = Egress::Forwarder {
                url: forwarder.url.clone(),
                host: forwarder.host.clone(),
            };
        }
        let plan = Plan::of(&order, &shell.folder, &settings);
        docker.put_up(&plan).await?;
        tracing::info!(frames = parts.total(), "the containers are up");
        Ok(Self {
            shell: shell.clone(),
            logs: [Role::Logstash, Role::Filebeat].map(|role| (role, LogCursor::default())),
            docker,
            monitor: Monitor::new(),
            figures,
            parts: parts.clone(),
            log_begin: log_length(&shell.folder.log()),
            paused: false,
            newest: Counters::default(),
            _forwarder: forwarder,
        })
    }

    /// Watches until everything has gone its way, or the worker is to end.
    pub async fn play(&mut self) -> Result<Ended, Failure> {
        let control = Arc::clone(&self.shell.control);
        let begun = Instant::now();
        let (mut heard, mut looked) = (begun, None::<Instant>);
        let mut addresses = None;
        loop {
            match control.ending() {
                None => {}
                Some(Ending::Suspended | Ending::Failed(_)) => return Ok(Ended::Suspended),
                Some(Ending::Cancelled | Ending::BudgetExceeded(_)) => {
                    self.drain(addresses, &control).await?;
                    return Ok(Ended::CutShort);
                }
            }
            if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                addresses = self.look().await?;
                looked = Some(Instant::now());
            }
            self.hold(control.is_paused()).await?;
            match self.ask(addresses).await {
                Ok(()) => heard = Instant::now(),
                Err(reason) if heard.elapsed() >= SILENT_AT_MOST => return Err(silent(&reason)),
                Err(reason) => tracing::debug!(reason, "no counters yet"),
            }
            if self.newest.is_complete(self.parts.total()) {
                return Ok(Ended::Played(self.newest.clone()));
            }
            let pause = (begun.elapsed() / 10).clamp(SHORTEST, LONGEST);
            tokio::select! {
                () = sleep(pause) => {}
                () = control.stopping().cancelled() => {}
            }
        }
    }

    /// Ends the programs and keeps their logs; unless they are ended `at_once`, what they have written is whole.
    pub async fn strike(&mut self, at_once: bool) -> Result<(), Failure> {
        self.hold(false).await?;
        let run = &self.shell.order.run;
        let stopped = match at_once {
            true => self.docker.kill(run).await,
            false => self.docker.stop(run, STOP_GRACE).await,
        };
        let kept = self.keep_logs().await;
        stopped.and(kept)
    }

    /// Looks at the containers: where they are, or why they do not work.
    async fn look(&mut self) -> Result<Option<(IpAddr, IpAddr)>, Failure> {
        let seen = self.docker.observe(&self.shell.order.run).await?;
        self.figures.weigh(seen.iter().filter_map(|it| it.usage));
        self.keep_logs().await?;
        for role in [Role::Logstash, Role::Filebeat] {
            let one = seen.iter().find(|it| it.role == role);
            if let Some(failure) = one.map_or_else(|| Some(gone(role)), broken) {
                return Err(self.with_last_words(role, failure));
            }
        }
        let inner = Plan::inner_network(&self.shell.order.run);
        let address = |role| {
            let one = seen.iter().find(|it| it.role == role)?;
            one.addresses.get(&inner).copied()
        };
        Ok(address(Role::Filebeat).zip(address(Role::Logstash)))
    }

    /// Asks for the counters, and shows what they say.
    async fn ask(&mut self, addresses: Option<(IpAddr, IpAddr)>) -> Result<(), String> {
        let Some((filebeat, logstash)) = addresses else {
            return Err("the containers have no addresses yet".into());
        };
        let counters = match self.paused {
            false => self.monitor.ask(filebeat, logstash).await?,
            // a frozen Filebeat does not answer, and what it holds is not under way
            true => Counters {
                acked: self.newest.acked,
                ..self.monitor.ask_logstash(logstash).await?
            },
        };
        let before = std::mem::replace(&mut self.newest, counters);
        let now = &self.newest;
        let live = &self.shell.live;
        let documents_moved = (
            now.documents.successes,
            now.documents.non_retryable_failures,
        ) != (
            before.documents.successes,
            before.documents.non_retryable_failures,
        );
        if documents_moved || now.acked != before.acked || now.events_out != before.events_out {
            live.moved();
        }
        let trouble = (!documents_moved).then(|| trouble(&before, now)).flatten();
        if let Some(Trouble::Denied(status)) = trouble {
            self.shell.control.fail(denied(status));
        }
        self.figures.count(now, trouble.map(|it| it.to_string()));
        let ledger = self.sums();
        live.counted(ledger);
        let total = self.parts.total().max(1) as f64;
        live.has_come(0.1 + 0.9 * (self.newest.acked as f64 / total));
        let budget = self.shell.order.spec.error_budget;
        if let Some(message) = budget.exceeded(ledger.rejected, ledger.read, false) {
            self.shell.control.end(Ending::BudgetExceeded(message));
        }
        Ok(())
    }

    /// The sums as the counters show them.
    fn sums(&self) -> Ledger {
        let (now, decoded) = (&self.newest, &self.parts.ledger);
        Ledger {
            read: now.events_in.min(self.parts.total()) + decoded.rejected,
            added: 0,
            filtered: now.dropped(),
            rejected: decoded.rejected + now.rejected + now.documents.dlq_routed,
            created: now.documents.successes,
            duplicate: now.documents.non_retryable_failures,
            bytes: decoded.bytes,
        }
    }

    /// Freezes Filebeat, or lets it go on; Logstash finishes what it has.
    async fn hold(&mut self, hold: bool) -> Result<(), Failure> {
        if hold == self.paused {
            return Ok(());
        }
        let name = Plan::container_name(&self.shell.order.run, Role::Filebeat);
        match hold {
            true => self.docker.pause(&name).await?,
            false => self.docker.unpause(&name).await?,
        }
        self.paused = hold;
        Ok(())
    }

    /// Has nothing more read, and waits for what is under way, as long as that makes sense.
    async fn drain(
        &mut self,
        addresses: Option<(IpAddr, IpAddr)>,
        control: &Control,
    ) -> Result<(), Failure> {
        self.hold(true).await?;
        let drained = async {
            while self
                .ask_logstash(addresses)
                .await
                .is_ok_and(|drained| !drained)
            {
                sleep(SHORTEST).await;
            }
        };
        tokio::select! {
            _ = timeout(CANCEL_GRACE, drained) => {}
            () = control.abandoned().cancelled() => {}
        }
        Ok(())
    }

    async fn ask_logstash(&self, addresses: Option<(IpAddr, IpAddr)>) -> Result<bool, String> {
        let (_, logstash) = addresses.ok_or("nothing is up")?;
        let counters = self.monitor.ask_logstash(logstash).await?;
        Ok(counters.is_drained())
    }

    async fn keep_logs(&mut self) -> Result<(), Failure> {
        let file = self.shell.folder.log();
        for (role, cursor) in &mut self.logs {
            let name = Plan::container_name(&self.shell.order.run, *role);
            let prefix = format!("{} | ", role.as_str());
            *cursor = self.docker.logs(&name, cursor, &prefix, &file).await?;
        }
        Ok(())
    }

    /// A container's failure with the last that it said.
    fn with_last_words(&self, role: Role, failure: Failure) -> Failure {
        let prefix = format!("{} | ", role.as_str());
        let log = std::fs::read(self.shell.folder.log()).unwrap_or_default();
        let log = log.get(self.log_begin..).unwrap_or_default();
        let log = String::from_utf8_lossy(log);
        let lines: Vec<&str> = log
            .lines()
            .rev()
            .filter_map(|it| it.strip_prefix(&prefix))
            .take(3)
            .collect();
        let words: Vec<&str> = lines.into_iter().rev().collect();
        if words.is_empty() {
            return failure;
        }
        Failure {
            message: format!(
                "{}. The end of its log:\n{}",
                failure.message,
                words.join("\n")
            ),
            ..failure
        }
    }
}

fn log_length(log: &Path) -> usize {
    let length = std::fs::metadata(log).map_or(0, |it| it.len());
    usize::try_from(length).unwrap_or(0)
}

pub fn settings(order: &WorkOrder, owner: Owner) -> Settings {
    let containers = &order.containers;
    let or = |chosen: &Option<String>, usual: &str| chosen.clone().unwrap_or_else(|| usual.into());
    Settings {
        platform: containers.platform.clone(),
        filebeat_image: or(&containers.filebeat_image, FILEBEAT_IMAGE),
        logstash_image: or(&containers.logstash_image, LOGSTASH_IMAGE),
        uid: owner.uid,
        egress: match &containers.network {
            Some(network) => Egress::Network(network.clone()),
            None => Egress::Host,
        },
    }
}

/// Says what is wrong with the way to the core DMS before anything is put up. One that is away may come back.
async fn greet(order: &WorkOrder) -> Result<(), Failure> {
    let lookup = Lookup::new(order)?;
    let nothing = [Address {
        index: format!("{}.-", order.client),
        id: "-".into(),
    }];
    match timeout(GREETING, lookup.provenance(&nothing)).await {
        Ok(Err(failure)) => Err(failure),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// What is wrong with the way to the core DMS.
enum Trouble {
    Denied(&'static str),
    Status(String),
    Silence,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Denied(status) => write!(f, "it answers with HTTP {status}"),
            Self::Status(status) => write!(f, "it answers with HTTP {status}"),
            Self::Silence => write!(f, "its answers do not come"),
        }
    }
}

/// What became worse between two looks.
fn trouble(before: &Counters, now: &Counters) -> Option<Trouble> {
    let rose = |status: &str| now.answers(status) > before.answers(status);
    if let Some(status) = ["401", "403"].into_iter().find(|status| rose(status)) {
        return Some(Trouble::Denied(status));
    }
    let statuses = now.bulk.responses.keys();
    let bad = statuses.filter(|status| !status.starts_with('2'));
    if let Some(status) = bad.into_iter().find(|status| rose(status)) {
        return Some(Trouble::Status(status.clone()));
    }
    let waits = now.documents_in
        > now.documents.successes + now.documents.non_retryable_failures + now.documents.dlq_routed;
    (waits && now.bulk.failures >= before.bulk.failures.max(1)).then_some(Trouble::Silence)
}

fn denied(status: &str) -> Failure {
    Failure::permanent(
        "dms_denied",
        Culprit::CoreDms,
        format!("the core DMS refuses Logstash's bulk requests with HTTP {status}"),
        "the operator has to give the platform credentials that may write to the clients' indices",
    )
}

fn silent(reason: &str) -> Failure {
    Failure::transient(
        "containers_silent",
        Culprit::Platform,
        format!("for {SILENT_AT_MOST:?} the containers' counters could not be read: {reason}"),
        "see the run's log for what they say",
    )
}

fn gone(role: Role) -> Failure {
    Failure::transient(
        "container_gone",
        Culprit::Platform,
        format!(
            "the container of {} is gone, and nobody of ours has removed it",
            role.as_str()
        ),
        "all records are sent again, which doubles nothing",
    )
}

/// Why a container does not work; none while it does.
fn broken(seen: &Seen) -> Option<Failure> {
    let ended = || {
        let message = format!("the container {} ended before its work was done", seen.name);
        Failure::transient(
            crate::docker::failure::code::CONTAINER_FAILED,
            Culprit::Platform,
            message,
            "see its log in the run's folder",
        )
    };
    seen.failure()
        .or_else(|| (seen.state == State::Exited).then(ended))
}
