//! Colours, where there is somebody to see them.
//!
//! Owns when there are any and what they mean. A shape and words always say the same, so nothing is lost without.

use std::io::IsTerminal as _;

use porchlight_core::view::{Group, PersonView};

/// Whether what is printed has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputStyle(bool);

impl OutputStyle {
    /// No colours.
    pub(crate) const NONE: Self = Self(false);

    /// Colours if the standard output is a terminal that shows them, and nobody said that they want none
    /// (<https://no-color.org>).
    pub(crate) fn of_output() -> Self {
        let said = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self::of(
            std::io::stdout().is_terminal(),
            said("NO_COLOR").is_some(),
            said("TERM").is_some_and(|term| term == "dumb"),
        )
    }

    fn of(terminal: bool, unwanted: bool, dumb: bool) -> Self {
        Self(terminal && !unwanted && !dumb)
    }

    /// Whether there are any.
    pub(crate) fn is_on(self) -> bool {
        self.0
    }

    /// What is said of a state, in its colour.
    pub(crate) fn state(self, person: &PersonView, text: &str) -> String {
        let colour = match (person.stale, person.status.as_str(), person.group()) {
            (true, ..) | (_, _, Group::Offline) => "2",
            (_, "dnd", _) => "31",
            (_, _, Group::Away) => "33",
            (_, _, Group::Here) => "32",
        };
        self.paint(colour, text)
    }

    /// A name: those who are here stand out.
    pub(crate) fn name(self, person: &PersonView, text: &str) -> String {
        match (person.stale, person.group()) {
            (false, Group::Here) => self.paint("1", text),
            (false, Group::Away) => text.to_owned(),
            _ => self.dim(text),
        }
    }

    /// What matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// The same, where it does.
    pub(crate) fn dim_where(self, less: bool, text: &str) -> String {
        if less { self.dim(text) } else { text.to_owned() }
    }

    /// SGR, ECMA-48, 8.3.117.
    fn paint(self, codes: &str, text: &str) -> String {
        if self.0 { format!("\u{1B}[{codes}m{text}\u{1B}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_a_terminal_whose_person_wants_them() {
        assert!(OutputStyle::of(true, false, false).is_on());
        for (terminal, unwanted, dumb) in
            [(false, false, false), (true, true, false), (true, false, true)]
        {
            assert!(!OutputStyle::of(terminal, unwanted, dumb).is_on());
        }
        assert_eq!(OutputStyle::NONE.dim("a"), "a");
        assert_eq!(OutputStyle(true).dim("a"), "\u{1B}[2ma\u{1B}[0m");
    }
}
