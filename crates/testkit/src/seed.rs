//! Seeds of the tests that leave something to chance: printed, and repeatable.

/// The seed of this test run: `TEST_SEED`, or a random one. It is printed, so that a failed run can be repeated.
///
/// # Panics
/// When `TEST_SEED` is not a number.
pub fn seed() -> u64 {
    let seed = match std::env::var("TEST_SEED") {
        Ok(text) => match text.parse() {
            Ok(seed) => seed,
            Err(error) => panic!("TEST_SEED is {text:?}: {error}"),
        },
        Err(_) => rand::random(),
    };
    eprintln!("to repeat this: TEST_SEED={seed}");
    seed
}
