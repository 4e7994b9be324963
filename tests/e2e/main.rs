//! The end-to-end tests, one module a subject.

mod broken;
mod commands;
mod desktop;
mod harness;
mod hostile;
mod machine;
mod presence;
mod seeds;
mod truth;
