//! Printing: people as lines, JSON, and messages on standard error.
//!
//! Owns the rule that no text from somebody else reaches the terminal unsafely. Everything is printed from here, so no
//! name, broker or hub can send an escape sequence or turn the direction of writing.

use std::borrow::Cow;
use std::io::{self, Write};

use porchlight_agent::broker::Broker;
use porchlight_agent::clock;
use porchlight_agent::flags::Resolved;
use porchlight_core::id::UserId;
use porchlight_core::text::is_deceptive;
use porchlight_core::view::PersonView;
use porchlight_core::words;

use crate::failure::Failure;
use crate::style::OutputStyle;

/// Printed if the roster was read and is empty.
pub(crate) const NOBODY: &str = "nobody is here yet";
/// Printed if nobody was read and the broker has not shown yet that it hands out stored messages.
pub(crate) const NOBODY_SEEN: &str = "nobody is here yet, as far as this broker shows. Some brokers, such as RabbitMQ, do not hand out stored messages; run `porchlight doctor` to find out";

/// A person as one line: shape, name, status, and what they wrote.
pub(crate) fn person_line(person: &PersonView, style: OutputStyle) -> String {
    let mut line = format!(
        "{} {}  {}",
        style.state(person, words::glyph(&person.status, person.cause)),
        style.name(person, &plain(&person.distinct_name())),
        style.dim_if(person.stale, &words::status_line(person, words::english, clock::local))
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

/// What a person's status is based on, as a line below theirs.
pub(crate) fn evidence_line(person: &PersonView, style: OutputStyle) -> Option<String> {
    let evidence = words::evidence(&person.evidence, words::english, clock::local)?;
    Some(style.dim(&format!("    {}", plain(&evidence))))
}

/// Prints a line and flushes it, so that a pipe gets it without delay.
///
/// If the reader of a pipe has gone away, the program ends quietly.
pub(crate) fn print(line: &str) {
    write_line(&plain(line));
}

/// Prints a line that contains our colours. The caller has passed everything else in it through [`plain`].
pub(crate) fn print_styled(line: &str) {
    write_line(line);
}

/// Prints JSON on one line.
pub(crate) fn print_json(value: &impl serde::Serialize) {
    write_line(&json(value));
}

fn write_line(line: &str) {
    // One write: a line buffer would pass on the line break by itself.
    write_out(format!("{line}\n").as_bytes());
}

/// Writes to standard output. If that fails, the program ends: quietly if the reader of a pipe has gone away, otherwise
/// with a message and an exit code.
pub(crate) fn write_out(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => std::process::exit(Failure::not_written(&error).report()),
    }
}

/// Prints a hint or a confirmation on standard error.
pub(crate) fn note(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", plain(message));
}

/// Prints a problem on standard error, after the program's name.
pub(crate) fn warn(message: &str) {
    note(&format!("porchlight: {message}"));
}

/// Removes the characters that could deceive a terminal or its reader.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(is_deceptive) {
        Cow::Owned(text.chars().filter(|c| !is_deceptive(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// JSON on one line. Characters that could deceive a terminal are escaped, which a program reads as the same text.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_string(value).expect("a view has only text keys");
    if !json.contains(is_deceptive) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_deceptive(c) {
            // They are all in the basic plane, so one escape is enough (RFC 8259, section 7).
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The writer of the log: standard error, without the characters that could deceive a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogWriter;

impl Write for LogWriter {
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

/// The broker to connect to: the one that flags, config or membership name, or the hub on this computer.
pub(crate) fn broker(resolved: &Resolved) -> Result<Broker, Failure> {
    if let Some(broker) = &resolved.broker {
        return Ok(broker.clone());
    }
    if let Some(addr) = porchlight_hub::read_runtime_file(resolved.places.hub_file()) {
        return format!("mqtt://{addr}").parse().map_err(Failure::usage);
    }
    if resolved.configured {
        return Err(Failure::NoConnection(
            "this account belongs to no team, and no hub runs on this computer; join a team with `porchlight join LINK`, \
             or start one in the app or with `porchlight hub`"
                .to_owned(),
        ));
    }
    Err(Failure::Usage(format!(
        "this account belongs to no team yet; ask a member for a link and run `porchlight join LINK`, or start a team in \
         the app or with `porchlight hub`. To use a broker instead, name it with --broker mqtt://HOST or in {}",
        resolved.places.config_file().display()
    )))
}

/// The user's own id, which a command needs that acts for them.
pub(crate) fn own_user(resolved: &Resolved) -> Result<UserId, Failure> {
    resolved.user.clone().ok_or_else(|| {
        Failure::Usage(format!(
            "your id at this broker is missing; add --user ID, or write `user = \"ID\"` in {}",
            resolved.places.config_file().display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_are_removed_from_lines_and_escaped_in_json() {
        assert_eq!(plain("a\u{1B}[31mb\u{202E}c\u{9B}1m"), "a[31mbc1m");
        assert!(matches!(plain("zoë 👩‍👩‍👧"), Cow::Borrowed(_)));
        let written = json(&serde_json::json!({ "a": "x\u{9B}y\u{202E}\u{1B}" }));
        assert_eq!(written, r#"{"a":"x\u009by\u202e\u001b"}"#);
        let read: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read["a"], "x\u{9B}y\u{202E}\u{1B}");
    }
}
