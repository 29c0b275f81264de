//! The ledger: the sums that prove that no record was lost or doubled (rules 8–12).

use serde::{Deserialize, Serialize};

/// Counts of records, of one file or summed over many.
///
/// The invariant is `read + added = filtered + rejected + created + duplicate`: whatever came in (what was read, plus
/// what the pipeline added by splitting one record into several) went exactly one of four ways.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Records that the decoder cut from the source.
    pub read: u64,
    /// Documents beyond the first that records became: a record with k ≥ 1 documents adds k − 1.
    pub added: u64,
    /// Records that the pipeline dropped.
    pub filtered: u64,
    /// Records (or documents) that could not be stored; each stands in the reject log with its reason.
    pub rejected: u64,
    /// Documents that this run wrote into the core DMS.
    pub created: u64,
    /// Documents that the core DMS already held.
    pub duplicate: u64,
    /// Raw bytes of the source that these records cover, uncompressed.
    pub bytes: u64,
}

impl Ledger {
    /// What came in.
    pub fn incoming(&self) -> u64 {
        self.read + self.added
    }

    /// What went out, one way or another.
    pub fn accounted(&self) -> u64 {
        self.filtered + self.rejected + self.created + self.duplicate
    }

    /// Whether every record is accounted for.
    pub fn balanced(&self) -> bool {
        self.incoming() == self.accounted()
    }
}

impl std::ops::AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        let Self {
            read,
            added,
            filtered,
            rejected,
            created,
            duplicate,
            bytes,
        } = other;
        self.read += read;
        self.added += added;
        self.filtered += filtered;
        self.rejected += rejected;
        self.created += created;
        self.duplicate += duplicate;
        self.bytes += bytes;
    }
}

impl std::iter::Sum for Ledger {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum += part;
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Balanced files make a balanced run: the property that lets proof go file by file.
        #[test]
        fn sums_of_balanced_ledgers_balance(parts in prop::collection::vec((0u64..1000, 0u64..1000, 0u64..1000, 0u64..1000, 0u64..1000), 0..50)) {
            let ledgers = parts.iter().map(|&(filtered, rejected, created, duplicate, added)| {
                let added = added.min(filtered + rejected + created + duplicate);
                Ledger { read: filtered + rejected + created + duplicate - added, added, filtered, rejected, created, duplicate, bytes: 1 }
            });
            let sum: Ledger = ledgers.clone().sum();
            prop_assert!(ledgers.clone().all(|l| l.balanced()));
            prop_assert!(sum.balanced());
            prop_assert_eq!(sum.bytes, parts.len() as u64);
        }
    }

    #[test]
    fn one_lost_record_unbalances() {
        let ledger = Ledger {
            read: 10,
            created: 9,
            ..Ledger::default()
        };
        assert!(!ledger.balanced());
    }
}
