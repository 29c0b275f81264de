//! The names that people write: `client/job` and `client/job/run`.

use std::fmt;
use std::str::FromStr;

use domain::ids::{JobRef, RunId};

/// Which run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunPick {
    /// The newest one: `latest`.
    Latest,
    /// The one of this id.
    Id(RunId),
}

/// A run's full name, written `client/job/run` or `client/job/latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunName {
    /// Of which job.
    pub job: JobRef,
    /// Which one.
    pub run: RunPick,
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.run {
            RunPick::Latest => write!(f, "{}/latest", self.job),
            RunPick::Id(id) => write!(f, "{}/{id}", self.job),
        }
    }
}

/// Parses `client/job`.
pub fn job(text: &str) -> Result<JobRef, String> {
    let parts: Vec<&str> = text.split('/').collect();
    match parts[..] {
        [client, job] => job_of(client, job),
        _ => Err("write CLIENT/JOB, for example acme/flights".into()),
    }
}

fn job_of(client: &str, job: &str) -> Result<JobRef, String> {
    Ok(JobRef {
        client: client.parse().map_err(|e| format!("{e}"))?,
        job: job.parse().map_err(|e| format!("{e}"))?,
    })
}

impl FromStr for RunName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let [client, job, run] = parts[..] else {
            return Err(
                "write CLIENT/JOB/RUN, or CLIENT/JOB/latest for the newest run of a job".into(),
            );
        };
        let run = match run {
            "latest" => RunPick::Latest,
            id => RunPick::Id(
                id.to_ascii_lowercase()
                    .parse()
                    .map_err(|e| format!("{e}, or \"latest\""))?,
            ),
        };
        Ok(Self {
            job: job_of(client, job)?,
            run,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_jobs_have_two_parts() {
        assert_eq!(job("acme/flights").unwrap().to_string(), "acme/flights");
        for bad in [
            "",
            "acme",
            "acme/",
            "/flights",
            "acme/flights/x",
            "Acme/flights",
            "acme/fl ights",
            "../x",
        ] {
            assert!(job(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_of_runs_have_three_parts_and_print_as_they_are_written() {
        for good in [
            "acme/flights/latest",
            "acme/flights/01jd0000000000000000000000",
        ] {
            assert_eq!(good.parse::<RunName>().unwrap().to_string(), good);
        }
        let upper: RunName = "acme/flights/01JD0000000000000000000000".parse().unwrap();
        assert_eq!(upper.to_string(), "acme/flights/01jd0000000000000000000000");
        for bad in [
            "",
            "acme/flights",
            "acme/flights/",
            "acme/flights/newest",
            "a/b/c/d",
        ] {
            assert!(bad.parse::<RunName>().is_err(), "{bad:?}");
        }
    }
}
