//! Finds invitation links in pasted text.
//!
//! Owns what mail, chat and web pages do to a link: they escape it, break it into lines, and put
//! marks around it. Does not read the link's content. The repairs damage no link of ours, whose
//! characters are all ASCII letters, digits and `:/?&=%+.-_*`.

use std::borrow::Cow;

use super::{MAX_LINK, SCHEME};
use crate::text::is_invisible;

/// The queries of all possible invitation links in the text, the least repaired first.
pub(super) fn queries(text: &str) -> Vec<String> {
    let text = unescaped(&visible(text));
    let mut found = Vec::new();
    for text in [&text, &without_line_marks(&text), &quoted_printable(&text)] {
        find(text, &mut found);
        find(&joined(text), &mut found);
    }
    // It may be in the query of another link, as mail servers that check links write it.
    find(&percent_decoded(&text), &mut found);
    found
}

/// Appends the query of every link in the text.
fn find(text: &str, found: &mut Vec<String>) {
    const MARKS: &[char] = &['<', '>', '"', '`', '|', '{', '}', '“', '”', '„', '«', '»', '‹', '›'];
    // Only ASCII changes, so every index is valid in both.
    let lower = text.to_ascii_lowercase();
    let starts: Vec<usize> = lower.match_indices(SCHEME).map(|(at, _)| at).collect();
    for (nth, start) in starts.iter().enumerate() {
        let end = starts.get(nth + 1).copied().unwrap_or(text.len());
        let link = &text[start + SCHEME.len()..end];
        let end = link.find(|c: char| c.is_whitespace() || MARKS.contains(&c));
        let link = &link[..end.unwrap_or(link.len())];
        let Some(path) = link.strip_prefix(':') else {
            continue;
        };
        let (host, query) = path.split_once('?').unwrap_or((path, ""));
        if host.trim_matches('/').eq_ignore_ascii_case("join") {
            found.push(query.chars().take(MAX_LINK).collect());
        }
    }
}

/// The text without invisible characters, which chats put into long words.
fn visible(text: &str) -> String {
    let is_seen = |c: &char| {
        !is_invisible(*c)
            && !matches!(c, '\u{200C}' | '\u{200D}')
            && (c.is_whitespace() || !c.is_control())
    };
    text.chars().filter(is_seen).collect()
}

/// The text without the escapes of HTML, JSON and Markdown.
fn unescaped(text: &str) -> String {
    // Some programs escape twice.
    let mut text = Cow::Borrowed(text);
    for _ in 0..3 {
        if !text.contains('&') {
            break;
        }
        text = Cow::Owned(without_entities(&text));
    }
    if !text.contains('\\') {
        return text.into_owned();
    }
    let text = text.replace(r"\u0026", "&").replace(r"\u003d", "=").replace(r"\u003D", "=");
    text.replace('\\', "")
}

/// The text with `&amp;` and numeric references decoded.
fn without_entities(text: &str) -> String {
    /// The longest reference: `&#x003D;`.
    const LONGEST: usize = 9;
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(LONGEST).position(|byte| byte == b';');
        let named = end.and_then(|end| Some((entity(&rest[1..end])?, end + 1)));
        let (c, length) = named.unwrap_or(('&', 1));
        plain.push(c);
        rest = &rest[length..];
    }
    plain + rest
}

fn entity(name: &str) -> Option<char> {
    if name.eq_ignore_ascii_case("amp") {
        return Some('&');
    }
    let number = name.strip_prefix('#')?;
    let number = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u8::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    number.is_ascii_graphic().then_some(char::from(number))
}

/// Removes what is left of quoted-printable after a one-line field dropped the line breaks: the
/// equals signs before them. In a link only the equals sign itself needs escaping, and the dot at
/// the beginning of a line.
fn without_line_marks(text: &str) -> String {
    if !text.contains("=3D") {
        return String::new();
    }
    let text = text.replace("=3D", "\0").replace("=2E", ".");
    text.replace('=', "").replace('\0', "=")
}

/// The text with quoted-printable decoded (RFC 2045, section 6.7).
fn quoted_printable(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        match line.trim_end().strip_suffix('=') {
            Some(broken) => lines.push_str(broken),
            None => lines.extend([line, "\n"]),
        }
    }
    hex_decoded(&lines, b'=')
}

fn percent_decoded(text: &str) -> String {
    // Only for a link within a link: otherwise the encoded characters belong to its values.
    if text.to_ascii_lowercase().contains("porchlight%3a") {
        hex_decoded(text, b'%')
    } else {
        String::new()
    }
}

/// The text with `mark` and two hexadecimal digits decoded to the byte that they name.
fn hex_decoded(text: &str, mark: u8) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let high = digit(bytes.get(at + 1)).filter(|_| *byte == mark);
        match high.zip(digit(bytes.get(at + 2))).map(|(high, low)| u8::try_from(high * 16 + low)) {
            Some(Ok(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The text in one line, without the marks that replies put before each line.
fn joined(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start_matches([' ', '\t', '\u{A0}', '>', '|']));
    lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect()
}
