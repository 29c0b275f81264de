//! Where Elasticsearch is, and who asks.

use base64::Engine;
use coredms::client::Credentials;
use wrangling::Violation;

use crate::options::Options;

/// Who asks, if the servers are to know.
pub fn credentials(options: Options<'_>) -> Result<Option<Credentials>, Violation> {
    if let Some(key) = options.text("api_key")? {
        // `id:key` as Elasticsearch shows it; already encoded if there is no colon
        let encoded = match key.contains(':') {
            true => base64::engine::general_purpose::STANDARD.encode(key),
            false => key.to_owned(),
        };
        return Ok(Some(Credentials::ApiKey(encoded)));
    }
    let mut key = None;
    for (name, value) in options.pairs("custom_headers")? {
        if !name.eq_ignore_ascii_case("authorization") || !value.starts_with("ApiKey ") {
            let message = format!(
                "the header `{name}` is not offered: only `Authorization` with `ApiKey …` is"
            );
            return Err(options.wrong("custom_headers", "not_offered", message));
        }
        key = value.strip_prefix("ApiKey ");
    }
    if let Some(key) = key {
        return Ok(Some(Credentials::ApiKey(key.to_owned())));
    }
    let user = options.text("user")?;
    let password = options.text("password")?.unwrap_or_default().to_owned();
    Ok(user.map(|user| Credentials::Basic {
        user: user.to_owned(),
        password,
    }))
}

/// The servers' addresses; port 9200 unless they say another.
pub fn urls(options: Options<'_>) -> Result<Vec<String>, Violation> {
    let mut hosts = options.list("hosts")?;
    if hosts.is_empty() {
        hosts.push("127.0.0.1");
    }
    let scheme = match options.flag("ssl_enabled", false)? {
        true => "https",
        false => "http",
    };
    let url = |host: &str| {
        let full = match host.contains("://") {
            true => host.to_owned(),
            false => format!("{scheme}://{host}"),
        };
        let (scheme, rest) = full.split_once("://").unwrap_or(("http", &full));
        let (address, path) = rest
            .split_once('/')
            .map_or((rest, ""), |(address, path)| (address, path));
        let has_port = address
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        match has_port {
            true => format!("{scheme}://{address}/{path}"),
            false => format!("{scheme}://{address}:9200/{path}"),
        }
    };
    Ok(hosts.into_iter().map(url).collect())
}
