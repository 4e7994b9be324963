//! A `porchlight://` link from a browser or another program.
//!
//! This module decides what is accepted as a link at all. It does not interpret the link, which its
//! consumer does.

use std::fmt;

/// The URL scheme that the desktop entry registers (`MimeType`).
const SCHEME: &str = "porchlight";

/// The maximum size of a link in bytes. An invitation has an address or two, a fingerprint and a
/// token, but any web page can send more.
const MAX_BYTES: usize = 4 * 1024;

/// A valid `porchlight://` link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeepLink(String);

/// Why a text is not a valid link. The message never repeats the text, which a stranger wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DeepLinkError {
    #[error("this is not a porchlight:// link; copy the whole invitation")]
    OtherScheme,
    #[error(
        "this link is longer than {MAX_BYTES} bytes, which no invitation is; ask for a new one"
    )]
    TooLong,
    #[error("there is a space or an unprintable character in this link; copy the invitation again")]
    Unprintable,
}

impl DeepLink {
    /// Parses a link. Schemes are case-insensitive (RFC 3986, section 3.1).
    pub(crate) fn parse(text: &str) -> Result<Self, DeepLinkError> {
        if text.len() > MAX_BYTES {
            return Err(DeepLinkError::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(DeepLinkError::OtherScheme)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(DeepLinkError::OtherScheme);
        }
        if rest.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(DeepLinkError::Unprintable);
        }
        Ok(Self(format!("{SCHEME}://{rest}")))
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Display for DeepLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_taken_as_it_is() {
        let text = "porchlight://join?team=Caf%C3%A9&token=a_b-c#here";
        assert_eq!(DeepLink::parse(text).map(DeepLink::into_text).as_deref(), Ok(text));
    }

    #[test]
    fn the_scheme_may_be_in_capitals() {
        let link = DeepLink::parse("PorchLight://join?token=A").map(DeepLink::into_text);
        assert_eq!(link.as_deref(), Ok("porchlight://join?token=A"));
    }

    #[test]
    fn any_other_text_is_refused() {
        for text in [
            "",
            "porchlight",
            "porchlight:join",
            "https://join",
            "xporchlight://join",
            " porchlight://join",
        ] {
            assert_eq!(DeepLink::parse(text), Err(DeepLinkError::OtherScheme), "{text:?}");
        }
    }

    #[test]
    fn the_longest_link_is_taken_and_a_longer_one_refused() {
        let longest = format!("porchlight://{}", "a".repeat(MAX_BYTES - "porchlight://".len()));
        assert!(DeepLink::parse(&longest).is_ok());
        assert_eq!(DeepLink::parse(&(longest + "a")), Err(DeepLinkError::TooLong));
    }

    #[test]
    fn control_characters_and_spaces_are_refused() {
        for text in [
            "porchlight://join?\n",
            "porchlight://join?\u{1b}[2J",
            "porchlight://join?a b",
            "porchlight://join?\u{85}",
        ] {
            assert_eq!(DeepLink::parse(text), Err(DeepLinkError::Unprintable), "{text:?}");
        }
    }
}
