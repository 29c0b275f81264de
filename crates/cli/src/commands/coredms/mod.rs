//! `ingest coredms`: Elasticsearch and Kibana in Docker on this machine.

mod docker;
mod files;

use std::time::Duration;

use coredms::client::{Client, ClientError, ClientOptions, Credentials};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::Context;
use crate::args::{CoreDmsCommand, CoreDmsDownArgs, CoreDmsPlace, CoreDmsUpArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::table::{Column, Table};
use crate::output::{Tone, View};
use crate::serve;
use docker::{Compose, Container};
use files::Place;

/// So often it is looked whether they are up.
const LOOK: Duration = Duration::from_millis(500);
/// So often it is said that they are not.
const SAY: Duration = Duration::from_secs(10);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Where the servers are, and what the manager has to know.
#[derive(Debug, Serialize)]
struct Up {
    elasticsearch: String,
    kibana: String,
    username: &'static str,
    password_file: String,
}

/// Carries the command out.
pub async fn run(context: &Context, command: CoreDmsCommand) -> Result<Exit, CliError> {
    match command {
        CoreDmsCommand::Up(arguments) => up(context, &arguments).await,
        CoreDmsCommand::Status(place) => status(context, &place).await,
        CoreDmsCommand::Down(arguments) => down(context, &arguments).await,
        CoreDmsCommand::Serve(arguments) => serve::core_dms(arguments).await,
    }
}

async fn up(context: &Context, arguments: &CoreDmsUpArgs) -> Result<Exit, CliError> {
    let compose = Compose::find().await?;
    let place = Place::find(context, &arguments.place)?;
    let settings = place.write(arguments.port, arguments.kibana_port)?;
    let limit = Duration::from_secs(arguments.wait);
    // Kibana cannot log in before its password is set
    compose
        .run(&place, &["up", "--detach", "elasticsearch"])
        .await?;
    let url = format!("http://127.0.0.1:{}", settings.port);
    let client = elasticsearch(&url, &settings.elastic_password)?;
    until_elasticsearch(context, &place, &client, limit).await?;
    client
        .set_password("kibana_system", &settings.kibana_password)
        .await
        .map_err(|error| failed("core_dms_password", error.to_string()))?;
    compose.run(&place, &["up", "--detach"]).await?;
    until_kibana(context, &place, limit).await?;
    let up = Up {
        elasticsearch: url,
        kibana: format!("http://127.0.0.1:{}", settings.kibana_port),
        username: "elastic",
        password_file: place.password_file().display().to_string(),
    };
    context.out.show(&up, |view| told(&up, view))?;
    Ok(Exit::Ok)
}

fn told(up: &Up, view: &View) -> String {
    let Up {
        elasticsearch,
        kibana,
        username,
        password_file,
    } = up;
    format!(
        "Elasticsearch: {}\nKibana: {}  (user {username}, password in {password_file})\n\n\
         To let the manager use them, put this into the config.toml of its home, and start it again:\n\n\
         [core_dms]\nurl = \"{elasticsearch}\"\nusername = \"{username}\"\npassword_file = \"{password_file}\"\n\n\
         [kibana]\nurl = \"{kibana}\"",
        view.paint(Tone::Strong, elasticsearch),
        view.paint(Tone::Strong, kibana),
    )
}

fn elasticsearch(url: &str, password: &str) -> Result<Client, CliError> {
    let mut options = ClientOptions::new(url);
    options.timeout = ANSWER;
    options.credentials = Some(Credentials::Basic {
        user: "elastic".into(),
        password: password.into(),
    });
    Client::new(options).map_err(|error| failed("core_dms_client", error.to_string()))
}

async fn until_elasticsearch(
    context: &Context,
    place: &Place,
    client: &Client,
    limit: Duration,
) -> Result<(), CliError> {
    let mut waiting = Waiting::new(context, "Elasticsearch", limit);
    loop {
        let why = match client.health().await {
            Ok(health) if health.status != "red" => return Ok(()),
            Ok(health) => format!("its health is {}", health.status),
            Err(error @ ClientError::Denied { status: 401, .. }) => {
                let message = format!(
                    "Elasticsearch does not take the password in {}: {error}. Its data was made with another one; put that \
                     back, or remove the data with `ingest coredms down --volumes`",
                    place.password_file().display()
                );
                return Err(failed("core_dms_password", message));
            }
            Err(error) => error.to_string(),
        };
        waiting.rest(&why).await?;
    }
}

async fn until_kibana(context: &Context, place: &Place, limit: Duration) -> Result<(), CliError> {
    let mut waiting = Waiting::new(context, "Kibana", limit);
    loop {
        let containers = docker::containers(place).await?;
        let kibana = containers
            .iter()
            .find(|container| container.service == "kibana");
        match kibana {
            Some(kibana) if kibana.is_healthy() => return Ok(()),
            Some(kibana) => waiting.rest(&kibana.status).await?,
            None => waiting.rest("it has no container").await?,
        }
    }
}

/// A wait for a server that is said from time to time.
struct Waiting<'a> {
    context: &'a Context,
    server: &'static str,
    began: Instant,
    said: Option<Instant>,
    limit: Duration,
}

impl<'a> Waiting<'a> {
    fn new(context: &'a Context, server: &'static str, limit: Duration) -> Self {
        Self {
            context,
            server,
            began: Instant::now(),
            said: None,
            limit,
        }
    }

    async fn rest(&mut self, why: &str) -> Result<(), CliError> {
        let (server, waited) = (self.server, self.began.elapsed().as_secs());
        if self.began.elapsed() > self.limit {
            let message = format!(
                "{server} is not ready after {waited} s: {why}; look at `ingest coredms status` and at its container's log"
            );
            return Err(failed("core_dms_start", message));
        }
        if self.said.is_none_or(|said| said.elapsed() > SAY) {
            self.said = Some(Instant::now());
            self.context
                .out
                .note(format!("waiting for {server}, {waited} s: {why}"));
        }
        sleep(LOOK).await;
        Ok(())
    }
}

async fn status(context: &Context, place: &CoreDmsPlace) -> Result<Exit, CliError> {
    Compose::find().await?;
    let place = Place::find(context, place)?;
    let containers = docker::containers(&place).await?;
    context
        .out
        .show(&containers, |view| table(&containers, view))?;
    let well = containers.len() == 2 && containers.iter().all(Container::is_healthy);
    Ok(if well { Exit::Ok } else { Exit::Unexpected })
}

fn table(containers: &[Container], view: &View) -> String {
    if containers.is_empty() {
        return "nothing runs; start it with: ingest coredms up".into();
    }
    let titles = ["service", "status", "image", "ports"].map(Column::Left);
    let mut table = Table::new(view, &titles);
    for container in containers {
        table.row([
            container.service.clone(),
            container.status.clone(),
            container.image.clone(),
            container.ports.clone(),
        ]);
    }
    table.render()
}

async fn down(context: &Context, arguments: &CoreDmsDownArgs) -> Result<Exit, CliError> {
    let compose = Compose::find().await?;
    let place = Place::find(context, &arguments.place)?;
    place.must_exist()?;
    if arguments.volumes {
        let what = "every document and dashboard of the core DMS in Docker";
        context.confirm(what, arguments.yes)?;
        compose.run(&place, &["down", "--volumes"]).await?;
        context.out.done("stopped; the data is removed")?;
    } else {
        compose.run(&place, &["down"]).await?;
        context
            .out
            .done("stopped; the data stays for the next `ingest coredms up`")?;
    }
    Ok(Exit::Ok)
}

fn failed(code: &str, message: String) -> CliError {
    CliError::Serve {
        code: code.into(),
        message,
    }
}
