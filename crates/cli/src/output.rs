//! People as lines for a terminal, and what every reading command needs.
//!
//! Everything that is printed goes through here, so that nothing of a stranger reaches the terminal as an escape
//! sequence or turns the direction of writing, whatever a broker, a hub or a name has in it.

use std::borrow::Cow;
use std::io::{self, Write};

use porchlight_agent::broker::Broker;
use porchlight_agent::clock;
use porchlight_agent::flags::Resolved;
use porchlight_core::text::is_deceptive;
use porchlight_core::view::PersonView;
use porchlight_core::words;

use crate::failure::Failure;
use crate::style::OutputStyle;

/// Of an empty roster that was read.
pub(crate) const NOBODY: &str = "nobody is here yet";
/// Of an empty roster at a broker that has not shown that it hands out what it stores.
pub(crate) const NOBODY_SEEN: &str = "nobody is here yet, as far as this broker tells; some brokers, such as RabbitMQ, hand out nothing that they stored: `porchlight doctor` finds out";

/// One person as a line: shape, name, state, remark.
pub(crate) fn line(person: &PersonView, ink: OutputStyle) -> String {
    let mut line = format!(
        "{} {}  {}",
        ink.state(person, words::glyph(&person.status, person.cause)),
        ink.name(person, &plain(&person.distinct_name())),
        ink.dim_where(person.stale, &words::status_line(person, words::english, clock::local))
    );
    if let Some(remark) = words::remark(person) {
        line.push_str("  ");
        line.push_str(&plain(&remark));
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
pub(crate) fn why(person: &PersonView, ink: OutputStyle) -> Option<String> {
    let why = words::evidence(&person.evidence, words::english, clock::local)?;
    Some(ink.dim(&format!("    {}", plain(&why))))
}

/// Prints a line and hands it on at once, so that a pipe has it without delay. A reader that has gone away
/// ends the program quietly.
pub(crate) fn print(line: &str) {
    put(&plain(line));
}

/// Prints a line in which the colours are ours and all else went through [`plain`].
pub(crate) fn print_inked(line: &str) {
    put(line);
}

/// Prints JSON on one line.
pub(crate) fn print_json(value: &impl serde::Serialize) {
    put(&json(value));
}

fn put(line: &str) {
    // In one piece: a line buffer would hand on its end, the line's end, by itself.
    write_out(format!("{line}\n").as_bytes());
}

/// Writes to standard output, and ends the program where nothing more can be written: quietly where the reader has gone
/// away, else with a word and a code that say that something is missing.
pub(crate) fn write_out(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => std::process::exit(Failure::not_written(&error).tell()),
    }
}

/// Says something beside the output: on standard error.
pub(crate) fn note(words: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", plain(words));
}

/// Says what is wrong: on standard error, behind the program's name.
pub(crate) fn warn(words: &str) {
    note(&format!("porchlight: {words}"));
}

/// A text without what could deceive a terminal or its reader.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(is_deceptive) {
        Cow::Owned(text.chars().filter(|c| !is_deceptive(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// JSON on one line. What could deceive a terminal is escaped, which means the same to a program.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_string(value).expect("a view has only text keys");
    if !json.contains(is_deceptive) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_deceptive(c) {
            // All of them lie in the basic plane, so one escape says each (RFC 8259, section 7).
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// What goes to the log on standard error, a stranger's words among it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let safe: String = text.chars().filter(|c| *c == '\n' || !is_deceptive(*c)).collect();
        io::stderr().lock().write_all(safe.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_taken_out_of_lines_and_escaped_in_json() {
        assert_eq!(plain("a\u{1B}[31mb\u{202E}c\u{9B}1m"), "a[31mbc1m");
        assert!(matches!(plain("zoë 👩‍👩‍👧"), Cow::Borrowed(_)));
        let said = json(&serde_json::json!({ "a": "x\u{9B}y\u{202E}\u{1B}" }));
        assert_eq!(said, r#"{"a":"x\u009by\u202e\u001b"}"#);
        let read: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(read["a"], "x\u{9B}y\u{202E}\u{1B}");
    }
}
