//! Colours on a terminal.
//!
//! Owns when output has colours and what each colour means. Shapes and words show the same, so no colour is needed.

use std::io::IsTerminal as _;

use porchlight_core::view::{Group, PersonView};

/// Whether what is printed has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputStyle(bool);

impl OutputStyle {
    /// No colours, for pipes and tests.
    pub(crate) const NONE: Self = Self(false);

    /// Colours if standard output is a terminal with colours and `NO_COLOR` is not set (<https://no-color.org>).
    pub(crate) fn of_output() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self::of(
            std::io::stdout().is_terminal(),
            variable("NO_COLOR").is_some(),
            variable("TERM").is_some_and(|term| term == "dumb"),
        )
    }

    fn of(terminal: bool, unwanted: bool, dumb: bool) -> Self {
        Self(terminal && !unwanted && !dumb)
    }

    /// Whether output has colours.
    pub(crate) fn is_on(self) -> bool {
        self.0
    }

    /// A text in the colour of the person's status.
    pub(crate) fn state(self, person: &PersonView, text: &str) -> String {
        let colour = match (person.stale, person.status.as_str(), person.group()) {
            (true, ..) | (_, _, Group::Offline) => "2",
            (_, "dnd", _) => "31",
            (_, _, Group::Away) => "33",
            (_, _, Group::Here) => "32",
        };
        self.paint(colour, text)
    }

    /// A name: bold for people who are here, dim for people who are offline.
    pub(crate) fn name(self, person: &PersonView, text: &str) -> String {
        match (person.stale, person.group()) {
            (false, Group::Here) => self.paint("1", text),
            (false, Group::Away) => text.to_owned(),
            _ => self.dim(text),
        }
    }

    /// A text that matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// The same if `less` is true.
    pub(crate) fn dim_if(self, less: bool, text: &str) -> String {
        if less { self.dim(text) } else { text.to_owned() }
    }

    /// Select Graphic Rendition (ECMA-48, section 8.3.117).
    fn paint(self, codes: &str, text: &str) -> String {
        if self.0 { format!("\u{1B}[{codes}m{text}\u{1B}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_gets_colours_and_only_if_they_are_wanted() {
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
