//! The end-to-end tests, one module a subject.

mod broken;
mod commands;
mod desktop;
mod gateway;
mod harness;
mod hostile;
mod presence;
mod seeds;
mod truth;
