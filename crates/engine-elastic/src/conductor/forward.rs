//! The way from the containers to the core DMS, and to nothing else: a run's network reaches nothing outside of itself but
//! the host's address in it, where the conductor listens and passes every connection on. So a core DMS that listens on the
//! host's loopback interface only is reached too.

use std::net::{IpAddr, SocketAddr};

use domain::error::{Culprit, Failure};
use reqwest::Url;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// Passes connections on for as long as it is there.
#[derive(Debug)]
pub struct Forwarder {
    /// Where the containers find the core DMS.
    pub url: String,
    /// A name that they have to know for that, and its address.
    pub host: Option<(String, IpAddr)>,
    _task: AbortOnDropHandle<()>,
}

impl Forwarder {
    /// Listens on the host's address in a run's network, for the core DMS at `url`.
    pub async fn start(gateway: IpAddr, url: &str) -> Result<Self, Failure> {
        let mut url: Url = url.parse().map_err(|e| no_address(url, &e))?;
        let target = (
            url.host_str()
                .unwrap_or_default()
                .trim_matches(['[', ']'])
                .to_owned(),
            url.port_or_known_default().unwrap_or(9200),
        );
        let listener = TcpListener::bind(SocketAddr::new(gateway, 0)).await;
        let listener = listener.map_err(|e| cannot_listen(gateway, &e))?;
        let port = listener
            .local_addr()
            .map_err(|e| cannot_listen(gateway, &e))?
            .port();
        // a certificate is for a name: it has to stay the same
        let named = url.scheme() == "https" && url.domain().is_some_and(|name| name != "localhost");
        let host = named.then(|| (target.0.clone(), gateway));
        if host.is_none() {
            url.set_ip_host(gateway)
                .map_err(|()| no_address(url.as_str(), &"its host cannot be replaced"))?;
        }
        url.set_port(Some(port))
            .map_err(|()| no_address(url.as_str(), &"its port cannot be replaced"))?;
        Ok(Self {
            url: url.as_str().trim_end_matches('/').to_owned(),
            host,
            _task: AbortOnDropHandle::new(tokio::spawn(forward(listener, target))),
        })
    }
}

async fn forward(listener: TcpListener, target: (String, u16)) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((inner, _)) => connections.spawn(pass(inner, target.clone())),
            Err(error) => {
                tracing::warn!(%error, "a connection of a container was not taken");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(mut inner: TcpStream, target: (String, u16)) {
    let mut outer = match TcpStream::connect(&target).await {
        Ok(outer) => outer,
        // the container sees its connection closed, and tries again
        Err(error) => return tracing::debug!(%error, "the core DMS cannot be reached"),
    };
    for stream in [&inner, &outer] {
        // only a matter of speed
        let _ = stream.set_nodelay(true);
    }
    let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
}

fn no_address(url: &str, error: &dyn std::fmt::Display) -> Failure {
    let message =
        format!("the core DMS's address {url} cannot be passed on to containers: {error}");
    let next_step = "correct `core_dms.url` in the manager's configuration";
    Failure::permanent("dms_configuration", Culprit::Platform, message, next_step)
}

fn cannot_listen(gateway: IpAddr, error: &std::io::Error) -> Failure {
    let message = format!(
        "the containers' way to the core DMS cannot be opened: {gateway} is not an address of this host that can be listened on: {error}"
    );
    let next_step = "run the manager on the host of Docker; or connect the core DMS to a network of Docker's, and name that in `docker.network`";
    Failure::transient(
        "forwarder_cannot_listen",
        Culprit::Platform,
        message,
        next_step,
    )
}
