//! The end-to-end tests, one module a subject.

mod attacks;
mod bars;
mod behaviour;
mod broken;
mod commands;
mod desktop;
mod gateway;
mod golden;
mod harness;
mod hostile;
mod machine;
mod namesakes;
mod odd_brokers;
mod own_broker;
mod pages;
mod patience;
mod presence;
mod secrets;
mod seeds;
mod service;
mod signals;
mod team;
mod terminal;
mod truth;
mod unreadable;
mod wait;
