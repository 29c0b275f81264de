//! What all commands share: where the manager is, where to write to, how to ask for lists.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use api::{Client, ClientError, Code, MAX_LIMIT, Page, PageQuery};
use domain::EpochMs;
use domain::ids::{JobRef, RunId};
use serde::Serialize;

use crate::args::PageArgs;
use crate::connect::{Role, Sources};
use crate::error::CliError;
use crate::exit::Exit;
use crate::names::{RunName, RunPick};
use crate::output::{Output, View};

/// What all commands share.
pub struct Context {
    /// Where the manager is and what to show it.
    pub sources: Sources,
    /// Where to write to.
    pub out: Output,
    /// Where the newest client's token came from: a refusal names it.
    token_from: RefCell<Option<String>>,
}

impl Context {
    /// A context that has not called anybody yet.
    pub fn new(sources: Sources, out: Output) -> Self {
        Self {
            sources,
            out,
            token_from: RefCell::default(),
        }
    }

    /// A client of the manager.
    pub fn client(&self, role: Role<'_>) -> Result<Client, CliError> {
        let (client, token_from) = self.sources.client(role)?;
        *self.token_from.borrow_mut() = token_from;
        Ok(client)
    }

    /// The error with what this side knows about the token that was sent.
    pub fn explain(&self, error: CliError) -> CliError {
        match error {
            CliError::Api { source, .. } => CliError::Api {
                source,
                token_from: self.token_from.borrow_mut().take(),
            },
            other => other,
        }
    }

    /// What time it is.
    pub fn now_ms(&self) -> EpochMs {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Asks for a list page by page, and shows it; what lies behind it is named.
    pub async fn list<T: Serialize>(
        &self,
        wanted: &PageArgs,
        fetch: impl AsyncFn(PageQuery) -> Result<Page<T>, ClientError>,
        text: impl FnOnce(&[T], &View) -> String,
    ) -> Result<Exit, CliError> {
        let page = pages(wanted, fetch).await?;
        self.out.show(&page, |view| {
            if page.items.is_empty() {
                "none".into()
            } else {
                text(&page.items, view)
            }
        })?;
        if let Some(next) = page.next.as_ref().filter(|_| !self.out.is_json()) {
            self.out
                .note(format!("there are more: --after {next}, or --all"));
        }
        Ok(Exit::Ok)
    }

    /// The id of the run that is meant.
    pub async fn run_id(&self, api: &Client, name: &RunName) -> Result<RunId, CliError> {
        match &name.run {
            RunPick::Id(id) => Ok(id.clone()),
            RunPick::Latest => latest(api, &name.job).await,
        }
    }

    /// Asks before something is removed for good, unless `yes` says it already.
    pub fn confirm(&self, what: &str, yes: bool) -> Result<(), CliError> {
        if yes {
            return Ok(());
        }
        let next_step = "say --yes if that is what you want".to_owned();
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(CliError::Usage {
                message: format!("this would remove {what}"),
                next_step,
            });
        }
        eprint!("Remove {what}? [y/N] ");
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            Ok(())
        } else {
            Err(CliError::Usage {
                message: "nothing was removed".into(),
                next_step,
            })
        }
    }
}

async fn latest(api: &Client, job: &JobRef) -> Result<RunId, CliError> {
    let newest = api
        .runs(job, &PageQuery::first(1))
        .await?
        .items
        .into_iter()
        .next();
    newest.map(|run| run.id).ok_or_else(|| {
        CliError::not_found(
            Code::RunNotFound,
            format!("{job} has no run yet"),
            format!("start one with `ingest run start {job}`"),
        )
    })
}

/// As many entries as are wanted, in as many calls as that takes.
async fn pages<T>(
    wanted: &PageArgs,
    fetch: impl AsyncFn(PageQuery) -> Result<Page<T>, ClientError>,
) -> Result<Page<T>, ClientError> {
    let mut page = Page {
        items: Vec::new(),
        next: wanted.after.clone(),
    };
    let most = if wanted.all {
        usize::MAX
    } else {
        wanted.limit as usize
    };
    loop {
        let left = u32::try_from(most - page.items.len()).unwrap_or(MAX_LIMIT);
        let query = PageQuery {
            limit: Some(left.min(MAX_LIMIT)),
            after: page.next.take(),
        };
        let more = fetch(query).await?;
        page.items.extend(more.items);
        page.next = more.next;
        if page.next.is_none() || page.items.len() >= most {
            return Ok(page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of the numbers below 2,500, in pages.
    async fn numbers(query: PageQuery) -> Result<Page<u32>, ClientError> {
        let limit = query.limit.unwrap_or(100);
        assert!((1..=MAX_LIMIT).contains(&limit));
        let from = query
            .after
            .map_or(0, |after| after.parse::<u32>().unwrap() + 1);
        let to = (from + limit).min(2500);
        Ok(Page {
            items: (from..to).collect(),
            next: (to < 2500).then(|| (to - 1).to_string()),
        })
    }

    async fn asked(limit: u32, after: Option<&str>, all: bool) -> (usize, Option<String>) {
        let wanted = PageArgs {
            limit,
            after: after.map(Into::into),
            all,
        };
        let page = pages(&wanted, numbers).await.unwrap();
        assert!(page.items.is_sorted());
        (page.items.len(), page.next)
    }

    #[tokio::test]
    async fn lists_are_as_long_as_is_wanted() {
        assert_eq!(asked(100, None, false).await, (100, Some("99".into())));
        assert_eq!(asked(1500, None, false).await, (1500, Some("1499".into())));
        assert_eq!(asked(100, Some("2449"), false).await, (50, None));
        assert_eq!(asked(100, None, true).await, (2500, None));
    }
}
