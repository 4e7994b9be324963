//! Links by which a person says they can be reached: chat, mail, telephone, a page.
//!
//! Owns which links those may be. What is published by strangers is opened by the system at a click, so only schemes
//! that open a conversation or a page are let through, and only the characters of a URI (RFC 3986, section 2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most links of one person.
pub const MAX_LINKS: usize = 5;
/// The longest link, in bytes.
pub const MAX_LINK: usize = 256;

/// The schemes of the links that people may publish, small.
pub const SCHEMES: [&str; 12] = [
    "https", "http", "mailto", "tel", "xmpp", "matrix", "sip", "sips", "msteams", "slack", "irc",
    "ircs",
];

/// A link by which somebody can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContactLink(String);

/// Why a text is no such link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContactLinkError {
    /// Nothing that people are reached by, or nothing behind it.
    #[error(
        "write a link as mailto:ann@example.org, tel:+4930123456, https://example.org/ann, xmpp:ann@example.org or \
         matrix:u/ann:example.org"
    )]
    Scheme,
    /// It is no URI.
    #[error(
        "a link has no spaces and only letters, digits and marks of ASCII: write others as %C3%BC"
    )]
    Character,
    /// It would not fit beside the others.
    #[error("a link has at most {MAX_LINK} characters")]
    TooLong,
    /// It asks the program that opens it for more than a conversation.
    #[error(
        "a link only opens a conversation: of what can follow a ?, mailto takes subject and body, xmpp message and join, \
         matrix action and via, and tel, sip and irc nothing"
    )]
    Query,
    /// It looks as if it led elsewhere than it does.
    #[error("a link to a page names its host alone, as https://example.org/ann")]
    Host,
}

impl ContactLink {
    /// Takes a link as it was written or published.
    ///
    /// # Errors
    /// Says what a link has to look like.
    pub fn parse(text: &str) -> Result<Self, ContactLinkError> {
        if text.len() > MAX_LINK {
            return Err(ContactLinkError::TooLong);
        }
        let is_of_a_uri = |byte: u8| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte);
        if !text.bytes().all(is_of_a_uri) {
            return Err(ContactLinkError::Character);
        }
        let (scheme, rest) = text.split_once(':').ok_or(ContactLinkError::Scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        if rest.is_empty() || !SCHEMES.contains(&scheme.as_str()) {
            return Err(ContactLinkError::Scheme);
        }
        if matches!(scheme.as_str(), "https" | "http") {
            let host = rest.strip_prefix("//").ok_or(ContactLinkError::Host)?;
            let host = host.split(['/', '?', '#']).next().unwrap_or_default();
            // Readers mistake the part before an @ for the host.
            if host.is_empty() || host.contains('@') {
                return Err(ContactLinkError::Host);
            }
        }
        if let Some((_, query)) = rest.split_once('?')
            && !is_harmless(&scheme, query)
        {
            return Err(ContactLinkError::Query);
        }
        Ok(Self(format!("{scheme}:{rest}")))
    }

    /// The link.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether what follows a `?` does no more than open a conversation. A mail program may attach a file that `attach` names,
/// and a chat program may remove a contact.
fn is_harmless(scheme: &str, query: &str) -> bool {
    let only = |allowed: &[&str]| {
        query.split(['&', ';', '?']).all(|pair| {
            let key = pair.split('=').next().unwrap_or_default();
            allowed.iter().any(|known| key.eq_ignore_ascii_case(known))
        })
    };
    match scheme {
        "mailto" => only(&["subject", "body"]),
        "xmpp" => only(&["message", "join", "subject", "body"]),
        "matrix" => only(&["action", "via"]),
        // Pages, and the addresses of Teams and Slack, which are queries.
        "https" | "http" | "msteams" | "slack" => true,
        _ => false,
    }
}

impl fmt::Display for ContactLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ContactLink {
    type Err = ContactLinkError;

    fn from_str(text: &str) -> Result<Self, ContactLinkError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ContactLink {
    type Error = ContactLinkError;

    fn try_from(text: String) -> Result<Self, ContactLinkError> {
        Self::parse(&text)
    }
}

impl From<ContactLink> for String {
    fn from(link: ContactLink) -> Self {
        link.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_does_no_more_than_open_a_conversation() {
        for link in [
            "mailto:ann@example.org?subject=Hello&body=Hi",
            "mailto:ann@example.org?Subject=Hello",
            "xmpp:ann@example.org?message",
            "matrix:u/ann:example.org?action=chat",
            "slack://user?team=T1&id=U1",
        ] {
            assert!(ContactLink::parse(link).is_ok(), "{link}");
        }
        for link in [
            "mailto:ann@example.org?attach=/home/bob/.ssh/id_ed25519",
            "mailto:ann@example.org?subject=x&attach=/etc/passwd",
            "mailto:ann@example.org?subject=x;attachment=/etc/passwd",
            "mailto:ann@example.org?%61ttach=/etc/passwd",
            "mailto:?bcc=mallory@example.org",
            "xmpp:ann@example.org?remove",
            "tel:+49301234?x=1",
            "sip:ann@example.org?Replaces=1",
            "irc://example.org/team?key=1",
        ] {
            assert_eq!(ContactLink::parse(link), Err(ContactLinkError::Query), "{link}");
        }
    }

    #[test]
    fn ways_to_reach_somebody_are_links_and_what_runs_or_reads_files_is_none() {
        for good in [
            "mailto:ann@example.org",
            "tel:+49-30-123456",
            "https://example.org/~ann?x=1#top",
            "http://[::1]:8080/",
            "xmpp:ann@example.org",
            "matrix:u/ann:example.org",
            "slack://user?team=T1&id=U1",
            "https://chat.example.org/@ann",
        ] {
            assert_eq!(ContactLink::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(ContactLink::parse("MailTo:A@b").unwrap().as_str(), "mailto:A@b");
        for (bad, why) in [
            ("javascript:alert(1)", ContactLinkError::Scheme),
            ("file:///etc/passwd", ContactLinkError::Scheme),
            ("data:text/html,x", ContactLinkError::Scheme),
            ("porchlight://join?x", ContactLinkError::Scheme),
            ("ann@example.org", ContactLinkError::Scheme),
            ("mailto:", ContactLinkError::Scheme),
            ("", ContactLinkError::Scheme),
            ("--help", ContactLinkError::Scheme),
            ("https:example.org", ContactLinkError::Host),
            ("https://", ContactLinkError::Host),
            ("https://bank.example@evil.example/", ContactLinkError::Host),
            ("mailto:a b", ContactLinkError::Character),
            ("https://exämple.org", ContactLinkError::Character),
            ("tel:\u{202E}123", ContactLinkError::Character),
            ("tel:1\n2", ContactLinkError::Character),
        ] {
            assert_eq!(ContactLink::parse(bad), Err(why), "{bad:?}");
        }
        let long = format!("https://example.org/{}", "x".repeat(MAX_LINK));
        assert_eq!(ContactLink::parse(&long), Err(ContactLinkError::TooLong));
    }
}
