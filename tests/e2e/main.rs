//! The end-to-end tests, one module a subject.

mod harness;
mod presence;
