//! How a worker divides the memory that its order gives it.

use domain::units::Bytes;

/// What the process needs besides the data: code, threads, connections, buffers of the system's allocator.
const FIXED: u64 = 24 << 20;
/// More would not make it faster.
const MAX_UNDER_WAY: u64 = 40 << 20;
const MIN_UNDER_WAY: u64 = 2 << 20;

/// Bounds of the data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes that may be between the first read and the last answer.
    pub under_way: usize,
    /// Longest record, in bytes.
    pub max_record: usize,
}

impl Sizes {
    /// Divides `memory`. A record must fit in it several times: raw, decoded, encoded; so a little memory means a lower limit.
    pub fn of(memory: Bytes, max_record: Bytes) -> Self {
        let data = memory.0.saturating_sub(FIXED).max(FIXED / 2);
        let max_record = max_record.0.min(data / 10);
        let under_way = (data * 2 / 5).clamp(MIN_UNDER_WAY, MAX_UNDER_WAY.max(max_record * 3));
        let size = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        Self { under_way: size(under_way), max_record: size(max_record) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_fits_in_the_memory_whatever_the_spec_says() {
        for memory in [64, 128, 512, 4096] {
            for record in [1, 16, 1000] {
                let sizes = Sizes::of(Bytes::mib(memory), Bytes::mib(record));
                assert!(sizes.under_way as u64 + FIXED < memory << 20, "{memory} {record} {sizes:?}");
                assert!(sizes.max_record * 2 <= sizes.under_way, "{memory} {record} {sizes:?}");
            }
        }
        assert_eq!(Sizes::of(Bytes::mib(128), Bytes::mib(1)).max_record, 1 << 20);
    }
}
