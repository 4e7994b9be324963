//! Test inputs: a corpus and seeded mutations of it.
//!
//! This crate decides how many cases a test tries, from which seed, how an input is mutated, and
//! how much memory a function may use for it. It knows nothing of Porchlight, so that the tests of
//! every crate can use it.
//!
//! | variable | meaning |
//! |---|---|
//! | `PORCHLIGHT_FUZZ_CASES` | number of cases of all tests together; 100,000 by default |
//! | `PORCHLIGHT_FUZZ_SEED` | the seed of a run to repeat; random by default |

mod corpus;
mod mutator;
mod runner;

pub use corpus::Corpus;
pub use mutator::Mutator;
pub use runner::{cases, run, seed};
