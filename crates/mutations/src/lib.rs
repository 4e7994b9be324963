//! Test inputs: a corpus and seeded mutations of it.
//!
//! Owns how many cases a test tries, from which seed, how an input is changed, and how much memory a function may take
//! for it. Deliberately knows nothing of Porchlight, so that every crate can use it in its tests.
//!
//! | variable | meaning |
//! |---|---|
//! | `PORCHLIGHT_FUZZ_CASES` | cases of all tests together, 100,000 unless set |
//! | `PORCHLIGHT_FUZZ_SEED` | the seed to repeat a run with; a random one unless set |

mod corpus;
mod mutator;
mod runner;

pub use corpus::Corpus;
pub use mutator::Mutator;
pub use runner::{cases, run, seed};
