//! The MurmurHash3 functions, as Austin Appleby's public-domain reference defines them.

/// The 32-bit hash for x86, seed 0.
pub(super) fn hash32(data: &[u8]) -> u32 {
    let (blocks, tail) = data.as_chunks::<4>();
    let mut hash = 0_u32;
    for block in blocks {
        hash ^= mix32(u32::from_le_bytes(*block));
        hash = hash
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    hash ^= mix32(little_endian(tail) as u32);
    hash ^= data.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

fn mix32(block: u32) -> u32 {
    let mixed = block.wrapping_mul(0xcc9e_2d51).rotate_left(15);
    mixed.wrapping_mul(0x1b87_3593)
}

/// The 128-bit hash for x64: two little-endian words.
pub(super) fn hash128(data: &[u8], seed: u64) -> [u8; 16] {
    let (blocks, tail) = data.as_chunks::<16>();
    let (mut first, mut second) = (seed, seed);
    for block in blocks {
        let block = u128::from_le_bytes(*block);
        first ^= mix_first(block as u64);
        first = first.rotate_left(27).wrapping_add(second);
        first = first.wrapping_mul(5).wrapping_add(0x52dc_e729);
        second ^= mix_second((block >> 64) as u64);
        second = second.rotate_left(31).wrapping_add(first);
        second = second.wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let tail = little_endian(tail);
    first ^= mix_first(tail as u64);
    second ^= mix_second((tail >> 64) as u64);
    let length = data.len() as u64;
    (first, second) = spread(first ^ length, second ^ length);
    (first, second) = spread(finish(first), finish(second));
    (u128::from(first) | u128::from(second) << 64).to_le_bytes()
}

fn spread(first: u64, second: u64) -> (u64, u64) {
    let first = first.wrapping_add(second);
    (first, second.wrapping_add(first))
}

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

fn mix_first(block: u64) -> u64 {
    block.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

fn mix_second(block: u64) -> u64 {
    block.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// Up to 16 bytes as a number.
fn little_endian(bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(hash32(b""), 0);
        assert_eq!(hash32(b"test"), 0xba6b_d213);
        assert_eq!(hash32(b"Hello, world!"), 0xc036_3e43);
        let hash = u128::from_le_bytes(hash128(b"The quick brown fox jumps over the lazy dog", 0));
        assert_eq!(hash as u64, 0xe34b_bc7b_bc07_1b6c);
        assert_eq!((hash >> 64) as u64, 0x7a43_3ca9_c49a_9347);
    }
}
