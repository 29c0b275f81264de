//! `ingest up`.

use clap::Args;

/// How to start the platform. Flags go before `INGEST_*` variables, those before the home's `config.toml`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Where the API listens [default: 127.0.0.1:8640]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Where metadata is kept: `sqlite`, or mongodb://HOST/DATABASE [default: sqlite]
    #[arg(long, value_name = "URL")]
    pub metadata: Option<String>,
    /// The core DMS: `embedded`, or the address of Elasticsearch [default: embedded]
    #[arg(long, value_name = "URL")]
    pub core_dms: Option<String>,
    /// File that holds an API key for the core DMS
    #[arg(long, value_name = "FILE")]
    pub core_dms_api_key_file: Option<String>,
    /// Who may register clients: `open`, `invite` or `admin` [default: open]
    #[arg(long, value_name = "WHO")]
    pub registration: Option<String>,
    /// Log level or filter [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log: Option<String>,
    /// Any setting by its key; `ingest config` lists them
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, for example max_runs=4".into()),
    }
}

impl UpArgs {
    /// The flags as settings of the configuration, by key; those given by name go before those of `--set`.
    pub fn settings(&self) -> Vec<(String, String)> {
        let named = [
            ("listen", &self.listen),
            ("metadata.url", &self.metadata),
            ("core_dms.url", &self.core_dms),
            ("core_dms.api_key_file", &self.core_dms_api_key_file),
            ("registration", &self.registration),
            ("log", &self.log),
        ];
        let named = named
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
        self.settings.iter().cloned().chain(named).collect()
    }
}
