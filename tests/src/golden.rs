//! Transcripts of commands, compared with texts that were read and agreed to.
//!
//! What differs from run to run (times, ports, folders, ids) is shown as a placeholder. The texts stand in
//! `tests/golden`; with the variable [`REWRITE`] set they are written anew, and the difference is read in the commit.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::process::{Exit, Proc, Stream};
use crate::until::SOON;

/// Set, it has the texts written instead of compared.
pub const REWRITE: &str = "PORCHLIGHT_REWRITE_GOLDEN";

/// What a terminal would show of several commands, one after the other.
#[derive(Debug)]
pub struct Golden {
    name: &'static str,
    text: String,
    /// Text that differs in each run, and its placeholder. The first match counts.
    hidden: Vec<(String, String)>,
}

impl Golden {
    /// The transcript of that name.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, text: String::new(), hidden: Vec::new() }
    }

    /// Shows `<shown>` wherever `text` stands, from now on.
    pub fn hide(&mut self, text: &str, shown: &str) {
        self.hidden.push((text.to_owned(), format!("<{shown}>")));
    }

    /// Waits for the end of a process and writes down what it said and how it ended. Gives its standard output.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub async fn ends(&mut self, command: &str, proc: Proc) -> String {
        let (exit, output) = proc.finish(3 * SOON).await;
        self.note(command, &proc.lines(Stream::Out), &proc.lines(Stream::Err), Some(exit));
        output
    }

    /// Writes down what a process said: `!` marks the lines of standard error. One that still runs has no exit code.
    pub fn note(&mut self, command: &str, out: &[String], err: &[String], exit: Option<Exit>) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(&format!("$ porchlight {command}"));
        for line in out {
            self.line(line);
        }
        for line in err {
            self.line(&format!("! {line}"));
        }
        if let Some(exit) = exit {
            self.line(&format!("[{exit}]"));
        }
    }

    fn line(&mut self, line: &str) {
        let mut line = line.to_owned();
        for (text, shown) in &self.hidden {
            line = line.replace(text, shown);
        }
        writeln!(self.text, "{}", placeholders(&line).trim_end()).expect("a string takes it");
    }

    /// Compares with the text that was agreed to.
    ///
    /// # Panics
    ///
    /// When it is another one; with the first line that differs.
    pub fn check(self) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("golden")
            .join(self.name)
            .with_extension("txt");
        if std::env::var_os(REWRITE).is_some() {
            std::fs::write(&path, &self.text).expect("tests/golden can be written");
            return;
        }
        let agreed = std::fs::read_to_string(&path).unwrap_or_default();
        if agreed == self.text {
            return;
        }
        let same = agreed.lines().zip(self.text.lines()).take_while(|(a, b)| a == b).count();
        let line = |text: &str| text.lines().nth(same).unwrap_or("(the end)").to_owned();
        panic!(
            "tests/golden/{}.txt, line {}: it says\n  {}\nnow it is\n  {}\nIf that is meant: {REWRITE}=1 cargo test -p \
             porchlight-tests golden, and read the difference.\nAll of it:\n{}",
            self.name,
            same + 1,
            line(&agreed),
            line(&self.text),
            self.text
        );
    }
}

/// Puts placeholders for what looks like a moment or a port.
fn placeholders(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let begins = !before.is_some_and(char::is_alphanumeric);
        if begins && let Some((length, placeholder)) = moment(rest) {
            shown.push_str(placeholder);
            before = rest[..length].chars().next_back();
            rest = &rest[length..];
            continue;
        }
        shown.push(first);
        before = Some(first);
        rest = &rest[first.len_utf8()..];
    }
    shown
}

/// The length of the changing part at the start of a text, and its placeholder.
fn moment(text: &str) -> Option<(usize, &'static str)> {
    let like = |pattern: &str| {
        let fits = text.len() >= pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                b'A' => byte.is_ascii_alphabetic(),
                other => byte == other,
            });
        let ends =
            !text[if fits { pattern.len() } else { 0 }..].starts_with(|c: char| c.is_ascii_digit());
        (fits && ends).then_some(pattern.len())
    };
    for pattern in ["0000-00-00 00:00", "AAA 00:00", "00:00"] {
        if let Some(length) = like(pattern) {
            return Some((length, "<time>"));
        }
    }
    if let Some(length) = like("0000000000000") {
        return Some((length, "<ms>"));
    }
    let port = text.strip_prefix("127.0.0.1:")?;
    let digits = port.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 3).then_some((10 + digits, "127.0.0.1:<port>"))
}

#[cfg(test)]
mod tests {
    use super::placeholders;

    #[test]
    fn moments_and_ports_are_hidden_and_nothing_else() {
        for (line, shown) in [
            ("away since 14:02, inactive", "away since <time>, inactive"),
            ("until Mon 14:02", "until <time>"),
            ("until 2026-01-02 14:02, once", "until <time>, once"),
            (r#""since":1763741700000,"#, r#""since":<ms>,"#),
            ("mqtt://127.0.0.1:34567/presence", "mqtt://127.0.0.1:<port>/presence"),
            ("127.0.0.1:1 and 1:2 and 123:45", "127.0.0.1:1 and 1:2 and 123:45"),
            ("ends 12:345", "ends 12:345"),
            ("● Zoë", "● Zoë"),
        ] {
            assert_eq!(placeholders(line), shown);
        }
    }
}
