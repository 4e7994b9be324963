//! Text from strangers, made fit to be shown.
//!
//! Owns what is taken out of names and status texts, and the one way to put text where markup is read. Everywhere else
//! text is set as text.

/// The longest name shown or sent, in characters.
pub const MAX_NAME: usize = 64;
/// The longest status text shown or sent, in characters.
pub const MAX_TEXT: usize = 280;
/// The longest emoji sequence shown or sent, in characters: a family with skin tones has eleven.
pub const MAX_EMOJI: usize = 16;
/// The longest status word of a simple client, in characters.
pub const MAX_STATUS: usize = 32;

/// Makes a text fit to be shown on one line: controls and the marks that turn the direction of writing
/// (Unicode Standard Annex 9, *Directional Formatting Characters*) are taken out, white space becomes single
/// spaces, and what is longer than `max` characters ends in `…`. `None` when nothing visible is left.
#[must_use]
pub fn display_text(text: &str, max: usize) -> Option<String> {
    if !text.is_empty() && text.len() <= max && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        // As most names are.
        return Some(text.to_owned());
    }
    let mut shown = String::new();
    let mut count = 0;
    let visible =
        text.chars().filter(|c| c.is_whitespace() || !(c.is_control() || is_invisible(*c)));
    for c in visible {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c == ' ' && (shown.is_empty() || shown.ends_with(' ')) {
            continue;
        }
        if count == max {
            shown.truncate(shown.trim_end().len());
            shown.pop();
            shown.push('…');
            break;
        }
        shown.push(c);
        count += 1;
    }
    shown.truncate(shown.trim_end().len());
    // Joiners and selectors hold an emoji together, but alone they are nothing to see.
    shown.chars().any(|c| !is_blank(c)).then_some(shown)
}

/// Text for a reader of markup (Pango, the body of a notification, the tooltip of a tray icon): nothing in it is markup.
#[must_use]
pub fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The same of an id: one without anything to see is shown by the numbers of its characters, as `U+200B`.
#[must_use]
pub fn display_id(id: &str, max: usize) -> String {
    display_text(id, max).unwrap_or_else(|| {
        let numbers: Vec<_> = id.chars().map(|c| format!("U+{:04X}", u32::from(c))).collect();
        display_text(&numbers.join(" "), max).unwrap_or_default()
    })
}

/// Whether this character alone is nothing to see: white space, what Unicode calls *default ignorable*, and the blank
/// of Braille.
#[must_use]
pub fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || is_invisible(c)
        || matches!(c,
            '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200C}' | '\u{200D}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether this character could deceive a terminal or a reader of its text: a control, which may begin an
/// escape sequence (the C1 controls of ISO 6429, too), or a mark that turns the direction of writing.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control() || (is_invisible(c) && c != '\u{00AD}' && c != '\u{200B}' && c != '\u{2060}')
}

/// Whether the character is invisible.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_deceives_is_taken_out_and_what_is_meant_stays() {
        for (text, shown) in [
            ("Alice", Some("Alice")),
            ("  Alice \n Liddell\t", Some("Alice Liddell")),
            ("evil\u{202E}txt.exe", Some("eviltxt.exe")),
            ("a\u{0007}b\u{001B}[31mc", Some("ab[31mc")),
            ("👩‍👩‍👧‍👦", Some("👩‍👩‍👧‍👦")),
            ("<img src=x onerror=alert(1)>", Some("<img src=x onerror=alert(1)>")),
            ("\u{200B}\u{2066}\u{FEFF}", None),
            ("\u{200D}\u{FE0F}", None),
            ("\u{3164}\u{2800}", None),
            ("\u{E0061}\u{115F} ", None),
            ("", None),
        ] {
            assert_eq!(display_text(text, MAX_TEXT).as_deref(), shown, "{text:?}");
        }
    }

    #[test]
    fn controls_and_turned_writing_deceive_and_letters_do_not() {
        for c in [
            '\u{1B}', '\n', '\u{7F}', '\u{9B}', '\u{202E}', '\u{2066}', '\u{200F}', '\u{061C}',
            '\u{2028}',
        ] {
            assert!(is_deceptive(c), "{c:?}");
        }
        for c in ['a', ' ', 'ö', 'א', '\u{200D}', '\u{FE0F}', '😀'] {
            assert!(!is_deceptive(c), "{c:?}");
        }
    }

    #[test]
    fn an_id_without_anything_to_see_is_shown_by_numbers() {
        assert_eq!(display_id("alice", MAX_NAME), "alice");
        assert_eq!(display_id("\u{200B}", MAX_NAME), "U+200B");
        assert_eq!(display_id("\u{3164} \u{E0061}", MAX_NAME), "U+3164 U+0020 U+E0061");
        assert!(display_id(&"\u{200B}".repeat(21), MAX_NAME).ends_with('…'));
    }

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis() {
        assert_eq!(display_text("abcdef", 6).as_deref(), Some("abcdef"));
        assert_eq!(display_text("abcdefg", 6).as_deref(), Some("abcde…"));
    }

    proptest! {
        #[test]
        fn the_result_is_short_and_showing_it_again_changes_nothing(text in "\\PC*|.*", max in 1..40usize) {
            if let Some(shown) = display_text(&text, max) {
                prop_assert!(shown.chars().count() <= max);
                let again = display_text(&shown, max);
                prop_assert_eq!(again.as_deref(), Some(shown.as_str()));
            }
        }
    }
}
