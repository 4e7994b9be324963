//! Escaping of other people's texts for status bars that run commands in their input.
//!
//! Owns the language of each bar. A name must never be part of it: polybar and lemonbar run the command in
//! `%{A1:command:}` on a click, xmobar the one in `<action=command>`, dzen2 the one in `^ca(1,command)`, and tmux runs
//! the one in `#(command)` at once. The template belongs to the user and stays as it is.

use porchlight_core::text::markup;

use crate::output;

/// The status bar that reads the line. The variants have comments, not docs, so that the help lists only their names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Escape {
    // Any bar: characters that begin a command are replaced by ones that look alike.
    #[default]
    Neutral,
    // Pango markup, as i3blocks and yambar read it.
    Pango,
    // Lemonbar's `%{...}`, where `%%` is a percent sign.
    Lemonbar,
    // tmux's `#[...]` and `#(...)`, where `##` is a hash.
    Tmux,
    // No bar: the text as it is, without control characters.
    None,
}

impl Escape {
    /// Escapes a text so that the bar shows it, on one line.
    pub(crate) fn apply(self, text: &str) -> String {
        let text = output::plain(text);
        match self {
            Self::Neutral => text.chars().map(look_alike).collect(),
            Self::Pango => markup(&text),
            Self::Lemonbar => text.replace('%', "%%"),
            Self::Tmux => text.replace('#', "##"),
            Self::None => text.into_owned(),
        }
    }
}

/// Replaces a character that begins a command in some bar by one that looks like it.
const fn look_alike(c: char) -> char {
    match c {
        '%' => '\u{FF05}',
        '#' => '\u{FF03}',
        '<' => '\u{2039}',
        '^' => '\u{02C6}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that are commands in some bar.
    const COMMANDS: [&str; 7] = [
        "%{A1:touch /tmp/x:}Eve%{A}",
        "#(touch /tmp/x)",
        "#[fg=red]Eve",
        "<action=touch /tmp/x>Eve</action>",
        "^ca(1,touch /tmp/x)Eve^ca()",
        "<span size='1'>Eve</span>",
        "a\n%{A1:b:}",
    ];

    #[test]
    fn by_default_no_name_is_a_command_in_any_bar() {
        for name in COMMANDS {
            let shown = Escape::Neutral.apply(name);
            for begins in ["%{", "#(", "#[", "#{", "<", "^", "\n"] {
                assert!(!shown.contains(begins), "{name}: {shown}");
            }
            assert_eq!(shown.contains("Eve"), name.contains("Eve"), "{shown}");
        }
        assert_eq!(Escape::Neutral.apply("Anna & Bob"), "Anna & Bob");
    }

    #[test]
    fn each_bar_has_its_own_way_to_escape() {
        assert_eq!(Escape::Lemonbar.apply("100 %{A}"), "100 %%{A}");
        assert_eq!(Escape::Tmux.apply("#(x) C#"), "##(x) C##");
        assert_eq!(Escape::Pango.apply("<b>R&D</b>"), "&lt;b&gt;R&amp;D&lt;/b&gt;");
        assert_eq!(Escape::None.apply("%{A}\u{1b}[1m"), "%{A}[1m");
    }
}
