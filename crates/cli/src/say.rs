//! People as lines for a terminal, and what every reading command needs.

use std::io::Write as _;

use porchlight_agent::broker::Broker;
use porchlight_agent::clock;
use porchlight_agent::flags::Resolved;
use porchlight_core::view::PersonView;
use porchlight_core::words;

use crate::failure::Failure;

/// One person as a line: shape, name, state, remark.
pub(crate) fn line(person: &PersonView) -> String {
    let mut line = format!(
        "{} {}  {}",
        words::glyph(&person.status, person.cause),
        person.name,
        words::standing(person, clock::local)
    );
    if let Some(remark) = words::remark(person) {
        line.push_str("  ");
        line.push_str(&remark);
    }
    if person.in_call && !person.stale {
        line.push_str("  in a call");
    }
    if person.typing {
        line.push_str("  typing…");
    }
    if person.stale {
        line.push_str("  (last known)");
    }
    line
}

/// Why that is believed, as a line to stand below.
pub(crate) fn why(person: &PersonView) -> Option<String> {
    Some(format!("    {}", words::evidence(&person.evidence, clock::local)?))
}

/// Prints a line and hands it on at once, so that a pipe has it without delay. A reader that has gone away
/// ends the program quietly.
pub(crate) fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// JSON on one line.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a view has only text keys")
}

/// Where to connect: the broker that was named, or the hub on this machine.
pub(crate) fn broker(resolved: &Resolved) -> Result<Broker, Failure> {
    if let Some(broker) = &resolved.broker {
        return Ok(broker.clone());
    }
    if let Some(addr) = porchlight_hub::read_runtime_file(resolved.places.hub_file()) {
        return format!("mqtt://{addr}").parse().map_err(Failure::usage);
    }
    if resolved.configured {
        return Err(Failure::NoConnection(
            "the hub on this machine is not running; start the app, or `porchlight hub --open`"
                .to_owned(),
        ));
    }
    Err(Failure::Usage(format!(
        "no broker is known; name one with --broker mqtt://host:port, or in {}",
        resolved.places.config_file().display()
    )))
}
