//! The operator's plans: the constraints that a client's profile carries, and the refusals that follow from them.

use std::num::{NonZeroU32, NonZeroU64};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::names;
use crate::spec::{EngineKind, FormatType, JobSpec, Mode};
use crate::units::{Bytes, Span};

/// What a client may do and use. Only admins change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// How many jobs it may have.
    pub max_jobs: u32,
    /// How many of its runs may be under way at once; further ones wait in the queue.
    pub max_concurrent_runs: u32,
    /// How much its staging directories may hold together.
    pub max_staging_bytes: Bytes,
    /// How large one staged file may be, as it lies in the staging directory.
    pub max_file_bytes: Bytes,
    /// How large one staged file may become when it is unpacked: compressed, or an archive with all its members.
    pub max_expanded_bytes: Bytes,
    /// How many times its own size a staged file may become when it is unpacked. Up to 64 MiB it is not looked at.
    pub max_expansion: u32,
    /// Which modes its jobs may have.
    pub modes: Vec<Mode>,
    /// Which formats its jobs may read.
    pub formats: Vec<FormatType>,
    /// Which engines its jobs may use.
    pub engines: Vec<EngineKind>,
    /// How much memory one of its runs may be given.
    pub memory_per_run: Bytes,
    /// How many CPU cores one of its runs may use, in thousandths.
    pub cpu_millis_per_run: u32,
    /// How many records a second its runs may read together; none for no limit. Not for the elastic engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_per_second: Option<NonZeroU64>,
    /// How many bytes a second of its files, as they are staged, its runs may read together; none for no limit. Not for
    /// the elastic engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<Bytes>,
    /// Its share when the clients take turns: with 2, its queued runs start twice as often as those of a client with 1.
    pub weight: NonZeroU32,
    /// How long runs are kept once they have ended, with their reports, logs, rejects, and the staged files that they put
    /// away as done or quarantined. The documents in the core DMS stay. A run that is suspect, or whose documents the core
    /// DMS never confirmed, is kept until its job is removed.
    pub retention: Span,
}

/// Bytes that hurt nobody, however little they were packed into.
const SMALL_EXPANSION: u64 = 64 << 20;

impl Default for Plan {
    fn default() -> Self {
        Self {
            max_jobs: 100,
            max_concurrent_runs: 2,
            max_staging_bytes: Bytes::gib(100),
            max_file_bytes: Bytes::gib(50),
            max_expanded_bytes: Bytes::gib(500),
            max_expansion: 200,
            modes: vec![Mode::Batch],
            formats: FormatType::ALL.to_vec(),
            engines: vec![EngineKind::Native, EngineKind::Elastic],
            memory_per_run: Bytes::mib(512),
            cpu_millis_per_run: 2000,
            records_per_second: None,
            bytes_per_second: None,
            weight: NonZeroU32::MIN,
            retention: Span::secs(30 * 24 * 3600),
        }
    }
}

/// A request that a constraint of the client's plan forbids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("the plan's {constraint} is {limit}, and this would make it {actual}")]
pub struct Refusal {
    /// The constraint's name in the plan, for example `max_jobs`.
    pub constraint: String,
    /// What it allows.
    pub limit: String,
    /// What was asked for.
    pub actual: String,
}

impl Refusal {
    fn new(constraint: &str, limit: impl ToString, actual: impl ToString) -> Self {
        Self {
            constraint: constraint.into(),
            limit: limit.to_string(),
            actual: actual.to_string(),
        }
    }
}

fn at_most<T: PartialOrd + ToString>(constraint: &str, limit: T, actual: T) -> Option<Refusal> {
    (actual > limit).then(|| Refusal::new(constraint, limit, actual))
}

fn one_of<T: PartialEq + Serialize>(constraint: &str, allowed: &[T], actual: T) -> Option<Refusal> {
    (!allowed.contains(&actual)).then(|| Refusal::new(constraint, names(allowed), names(&[actual])))
}

impl Plan {
    /// What of a job spec this plan forbids; empty if nothing.
    pub fn check_spec(&self, spec: &JobSpec) -> Vec<Refusal> {
        [
            one_of("modes", &self.modes, spec.mode),
            one_of("formats", &self.formats, spec.format.kind),
            one_of("engines", &self.engines, spec.engine),
            self.unpaced(spec.engine),
            spec.limits
                .memory
                .and_then(|asked| at_most("memory_per_run", self.memory_per_run, asked)),
            spec.limits
                .cpu_millis
                .and_then(|asked| at_most("cpu_millis_per_run", self.cpu_millis_per_run, asked)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The limit that an engine cannot hold to, if there is one.
    fn unpaced(&self, engine: EngineKind) -> Option<Refusal> {
        if engine == EngineKind::Native {
            return None;
        }
        let records = self
            .records_per_second
            .map(|limit| ("records_per_second", limit.to_string()));
        let (constraint, limit) = records.or_else(|| {
            let limit = self.bytes_per_second?;
            Some(("bytes_per_second", limit.to_string()))
        })?;
        let actual = format!("{}, which cannot be held to it", names(&[engine]));
        Some(Refusal::new(constraint, limit, actual))
    }

    /// Whether a client that has `jobs` may have one more.
    pub fn check_new_job(&self, jobs: u32) -> Result<(), Refusal> {
        at_most("max_jobs", self.max_jobs, jobs + 1).map_or(Ok(()), Err)
    }

    /// How many bytes a file of `packed` bytes may unpack to.
    pub fn max_unpacked(&self, packed: u64) -> u64 {
        packed
            .saturating_mul(self.max_expansion.into())
            .max(SMALL_EXPANSION)
            .min(self.max_expanded_bytes.0)
    }

    /// Whether a file of `file` bytes may lie beside the `staged` bytes that are there already.
    pub fn check_file(&self, file: u64, staged: u64) -> Result<(), Refusal> {
        at_most("max_file_bytes", self.max_file_bytes, Bytes(file))
            .or_else(|| {
                at_most(
                    "max_staging_bytes",
                    self.max_staging_bytes,
                    Bytes(staged + file),
                )
            })
            .map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expansion_is_bounded_by_its_ratio_and_by_its_size() {
        let plan = Plan {
            max_expanded_bytes: Bytes::gib(1),
            max_expansion: 10,
            ..Plan::default()
        };
        assert_eq!(plan.max_unpacked(0), 64 << 20);
        assert_eq!(plan.max_unpacked(10 << 20), 100 << 20);
        assert_eq!(plan.max_unpacked(u64::MAX), 1 << 30);
    }

    #[test]
    fn a_refusal_names_the_constraint_its_limit_and_the_actual_value() {
        let plan = Plan {
            max_jobs: 3,
            max_file_bytes: Bytes::mib(1),
            max_staging_bytes: Bytes::mib(2),
            ..Plan::default()
        };
        assert_eq!(plan.check_new_job(2), Ok(()));
        let refusal = plan.check_new_job(3).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "the plan's max_jobs is 3, and this would make it 4"
        );
        assert_eq!(plan.check_file(1 << 20, 1 << 20), Ok(()));
        assert_eq!(
            plan.check_file((1 << 20) + 1, 0).unwrap_err().constraint,
            "max_file_bytes"
        );
        assert_eq!(
            plan.check_file(1 << 20, (1 << 20) + 1)
                .unwrap_err()
                .constraint,
            "max_staging_bytes"
        );
    }
}
