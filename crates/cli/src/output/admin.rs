//! Clients, tokens, plans, readiness and the audit log for people.

use api::{ClientInfo, CreatedToken, PlanInfo, Ready, TokenInfo, UsageInfo};
use domain::EpochMs;
use domain::audit::{Actor, AuditEntry};
use domain::plan::Plan;
use domain::token::Scope;
use serde_json::Value;

use super::table::{Column, Table};
use super::{Tone, View, human};

/// Clients, one a line.
pub fn clients(clients: &[ClientInfo], view: &View) -> String {
    let columns = [
        Column::Left("id"),
        Column::Left("name"),
        Column::Left("contact"),
        Column::Left("plan"),
        Column::Right("runs"),
        Column::Left("registered"),
    ];
    let mut table = Table::new(view, &columns);
    for client in clients {
        table.row([
            client.id.to_string(),
            client.name.clone(),
            client.contact.clone(),
            client.plan_name.clone(),
            client.active_runs.to_string(),
            human::time(client.created_ms, view),
        ]);
    }
    table.render()
}

/// One client with its constraints.
pub fn client(client: &ClientInfo, view: &View) -> String {
    let mut pairs = vec![
        ("client", client.id.to_string()),
        ("name", client.name.clone()),
        ("contact", client.contact.clone()),
        ("registered", human::time(client.created_ms, view)),
        ("runs under way", client.active_runs.to_string()),
        ("plan", client.plan_name.clone()),
    ];
    pairs.extend(constraints(&client.plan));
    Table::pairs(view, &pairs)
}

/// What a client's runs have used, one day a line, and the sums.
pub fn usage(usage: &UsageInfo, view: &View) -> String {
    let columns = [
        Column::Left("day"),
        Column::Right("runs"),
        Column::Right("bytes"),
        Column::Right("records"),
        Column::Right("documents"),
        Column::Right("rejects"),
        Column::Right("run time"),
    ];
    let mut table = Table::new(view, &columns);
    let days = usage.days.iter().map(|day| (day.day.as_str(), &day.sums));
    for (day, sums) in days.chain([("all", &usage.total)]) {
        table.row([
            day.to_owned(),
            human::count(sums.runs),
            human::bytes(sums.bytes),
            human::count(sums.records),
            human::count(sums.documents),
            human::count(sums.rejects),
            human::between(0, i64::try_from(sums.run_ms).unwrap_or(i64::MAX)),
        ]);
    }
    table.render()
}

/// A plan's constraints, by their names in the configuration.
fn constraints(plan: &Plan) -> Vec<(&'static str, String)> {
    let Plan {
        max_jobs,
        max_concurrent_runs,
        max_staging_bytes,
        max_file_bytes,
        max_expanded_bytes,
        max_expansion,
        modes,
        formats,
        engines,
        memory_per_run,
        cpu_millis_per_run,
        records_per_second,
        bytes_per_second,
        weight,
        retention,
    } = plan;
    let or_none = |limit: Option<String>| limit.unwrap_or_else(|| "no limit".into());
    vec![
        ("max_jobs", max_jobs.to_string()),
        ("max_concurrent_runs", max_concurrent_runs.to_string()),
        ("max_staging_bytes", max_staging_bytes.to_string()),
        ("max_file_bytes", max_file_bytes.to_string()),
        ("max_expanded_bytes", max_expanded_bytes.to_string()),
        ("max_expansion", max_expansion.to_string()),
        ("modes", names(modes)),
        ("formats", names(formats)),
        ("engines", names(engines)),
        ("memory_per_run", memory_per_run.to_string()),
        ("cpu_millis_per_run", cpu_millis_per_run.to_string()),
        (
            "records_per_second",
            or_none(records_per_second.map(|rate| rate.to_string())),
        ),
        (
            "bytes_per_second",
            or_none(bytes_per_second.map(|rate| rate.to_string())),
        ),
        ("weight", weight.to_string()),
        ("retention", retention.to_string()),
    ]
}

/// What serde calls the values.
fn names<T: serde::Serialize>(values: &[T]) -> String {
    let name = |value: &T| match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(_) => "?".into(),
    };
    values.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Plans with their constraints, one after another.
pub fn plans(plans: &[PlanInfo], view: &View) -> String {
    let section = |plan: &PlanInfo| {
        let mut pairs = vec![("plan", plan.name.clone())];
        pairs.extend(constraints(&plan.plan));
        Table::pairs(view, &pairs)
    };
    plans.iter().map(section).collect::<Vec<_>>().join("\n\n")
}

/// Tokens, one a line.
pub fn tokens(tokens: &[TokenInfo], view: &View) -> String {
    let columns = [
        Column::Left("id"),
        Column::Left("name"),
        Column::Left("for"),
        Column::Left("made"),
        Column::Left("expires"),
        Column::Left("ended"),
    ];
    let mut table = Table::new(view, &columns);
    let moment = |at: Option<EpochMs>| at.map_or("-".into(), |at| human::time(at, view));
    for token in tokens {
        let scope = match &token.scope {
            Scope::Admin => "admin".to_owned(),
            Scope::Client { client } => client.to_string(),
            Scope::Invite => "registering a client".to_owned(),
        };
        table.row([
            token.id.to_string(),
            token.name.clone(),
            scope,
            human::time(token.created_ms, view),
            moment(token.expires_ms),
            moment(token.revoked_ms),
        ]);
    }
    table.render()
}

/// A token just made: the one time that it is shown.
pub fn created_token(token: &CreatedToken, view: &View) -> String {
    format!(
        "{}\n(token {}; it is shown this once)",
        view.paint(Tone::Strong, &token.token),
        token.info.id
    )
}

/// The audit log, one entry a line.
pub fn audit(entries: &[AuditEntry], view: &View) -> String {
    let columns = [
        Column::Left("when"),
        Column::Left("who"),
        Column::Left("action"),
        Column::Left("target"),
        Column::Left("particulars"),
    ];
    let mut table = Table::new(view, &columns);
    for entry in entries {
        let who = match &entry.actor {
            Actor::Admin { token } => format!("admin ({token})"),
            Actor::Client { client, token } => format!("{client} ({token})"),
            other => other.name().into(),
        };
        let detail = if entry.detail.is_null() {
            String::new()
        } else {
            entry.detail.to_string()
        };
        table.row([
            human::time(entry.at_ms, view),
            who,
            entry.action.clone(),
            entry.target.clone(),
            human::excerpt(&detail, 100),
        ]);
    }
    table.render()
}

/// Whether the platform is ready, part by part.
pub fn ready(url: &str, ready: &Ready, view: &View) -> String {
    let mut table = Table::new(
        view,
        &[
            Column::Left("part"),
            Column::Left("state"),
            Column::Left("detail"),
        ],
    );
    let words = |ready: bool| {
        if ready {
            ("ready", Tone::Good)
        } else {
            ("not ready", Tone::Bad)
        }
    };
    for part in &ready.parts {
        let (state, tone) = words(part.ready);
        table.row_with_tone(
            [part.name.clone(), state.to_owned(), part.detail.clone()],
            1,
            tone,
        );
    }
    let (state, tone) = words(ready.ready);
    format!("{url} is {}\n{}", view.paint(tone, state), table.render())
}
