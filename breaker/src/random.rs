//! Numbers left to chance, for the jitter of waits. Nothing secret hangs on them.
//!
//! SplitMix64 (Steele, Lea and Flood, 2014): a state of one word, and the same seed gives the same numbers.

/// What the state grows by with each number.
pub(crate) const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The number of a state, from 0 to below 1.
pub(crate) fn of(state: u64) -> f64 {
    let mut mixed = state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
