//! A database of its own on the test server for every test.

use std::sync::Arc;

use domain::store::MetadataStore;

use crate::proxy::Proxy;
use crate::suite::backend::{Backend, SHORT};

pub struct Mongo {
    pub server: String,
    pub database: String,
}

impl Mongo {
    /// The address of this test's database, by way of another host and port.
    pub fn url_by(&self, address: std::net::SocketAddr) -> String {
        let url = self
            .url()
            .replacen(&self.address(), &address.to_string(), 1);
        let mark = if url.contains('?') { '&' } else { '?' };
        // a replica set would tell the driver where it really is
        format!("{url}{mark}directConnection=true")
    }

    /// The database, past the adapter.
    pub async fn database(&self) -> mongodb::Database {
        mongodb::Client::with_uri_str(&self.server)
            .await
            .expect("a client")
            .database(&self.database)
    }

    /// Host and port of the server.
    pub fn address(&self) -> String {
        let (hosts, _) = self.parts();
        let hosts = hosts.rsplit('@').next().unwrap_or_default();
        hosts.split(',').next().unwrap_or_default().to_owned()
    }

    /// The server's connection string without its database: credentials and hosts, options.
    fn parts(&self) -> (&str, &str) {
        let rest = self.server.trim_start_matches("mongodb://");
        let (before, options) = rest.split_once('?').unwrap_or((rest, ""));
        (before.split('/').next().unwrap_or_default(), options)
    }
}

impl Backend for Mongo {
    async fn new() -> Option<Self> {
        let server = testkit::services::mongodb_uri()?;
        Some(Self {
            server,
            database: format!(
                "suite_{}",
                ulid::Ulid::generate().to_string().to_lowercase()
            ),
        })
    }

    fn url(&self) -> String {
        let (hosts, options) = self.parts();
        let mark = if options.is_empty() { "" } else { "?" };
        format!("mongodb://{hosts}/{}{mark}{options}", self.database)
    }

    async fn unavailable(&self) -> (Arc<dyn MetadataStore>, Box<dyn Send>) {
        let proxy = Proxy::to(&self.address()).await;
        let store = metastore::connect_within(&self.url_by(proxy.address), SHORT)
            .await
            .expect("the store opens");
        proxy.swallow();
        (store, Box::new(proxy))
    }

    async fn clear(self) {
        self.database()
            .await
            .drop()
            .await
            .expect("the test's database is dropped");
    }
}
