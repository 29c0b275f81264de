//! Changes to one stored entity: read, decide, write where nobody else has written meanwhile, else again.

use domain::audit::AuditEntry;
use domain::store::{Entity, Metadata, StoreError, Versioned};

use api::Code;

use super::fault::Fault;

/// So often a change is tried before it is given up as lost against others.
const ATTEMPTS: u32 = 20;

/// What is to become of an entity.
pub(crate) enum Decision<T> {
    /// It stays as it is.
    Keep,
    /// It becomes this.
    Become(Box<(T, AuditEntry)>),
}

impl<T> Decision<T> {
    /// It becomes this, and the audit log says so.
    pub(crate) fn to(after: T, audit: AuditEntry) -> Self {
        Self::Become(Box::new((after, audit)))
    }
}

/// Changes the entity with this key as `decide` says, from what is stored at that moment; gives what is then stored.
/// None if there is no such entity.
pub(crate) async fn change<T: Entity + Clone>(
    metadata: &Metadata,
    key: &str,
    decide: impl Fn(&T) -> Result<Decision<T>, Fault>,
) -> Result<Option<T>, Fault> {
    for _ in 0..ATTEMPTS {
        let Some(Versioned { value, version }) = metadata.get::<T>(key).await? else {
            return Ok(None);
        };
        let (after, audit) = match decide(&value)? {
            Decision::Keep => return Ok(Some(value)),
            Decision::Become(change) => *change,
        };
        match metadata
            .update(
                Versioned {
                    value: after,
                    version,
                },
                Some(audit),
            )
            .await
        {
            Ok(stored) => return Ok(Some(stored.value)),
            Err(StoreError::Stale { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::new(
        Code::Conflict,
        "others kept changing it at the same time",
    ))
}
