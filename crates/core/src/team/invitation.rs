//! The link that invites to a team.

use std::fmt;
use std::str::FromStr;

use super::{Address, MAX_ADDRESSES, MAX_TEAM_NAME, Pin, Secret};
use crate::text::display_text;

/// The scheme that the desktop app is registered for.
pub const SCHEME: &str = "porchlight";

/// The longest link that is read, in bytes.
const MAX_LINK: usize = 2_048;

/// Everything that somebody needs to join: `porchlight://join?v=1&team=..&at=..&pin=..&token=..`.
///
/// Whoever holds the link can join as often as its token allows, and learns nothing else: no password of
/// anybody's is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The team's name, fit to be shown.
    pub team: String,
    /// Where its hub can be reached, the likeliest first. At least one.
    pub at: Vec<Address>,
    /// Which certificate the hub has.
    pub pin: Pin,
    /// What is redeemed for a credential.
    pub token: Secret,
}

/// Why a text is no invitation. Each says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// Something else altogether.
    #[error("this is no invitation: a link that invites begins with porchlight://join")]
    Other,
    /// Made by a version that we don't know.
    #[error("this invitation was made by a newer Porchlight; update this one and open it again")]
    Newer,
    /// Something is missing at its end or within.
    #[error(
        "this invitation is not whole: copy it again, from porchlight:// to its last character"
    )]
    Broken,
}

impl FromStr for Invitation {
    type Err = InvitationError;

    fn from_str(text: &str) -> Result<Self, InvitationError> {
        let text = text.trim();
        if text.len() > MAX_LINK {
            return Err(InvitationError::Broken);
        }
        // A scheme may be written in any case (RFC 3986, section 3.1), and some programs add a slash.
        let (scheme, rest) = text.split_once("://").ok_or(InvitationError::Other)?;
        let (host, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !scheme.eq_ignore_ascii_case(SCHEME) || host.trim_end_matches('/') != "join" {
            return Err(InvitationError::Other);
        }
        let query = query.split('#').next().unwrap_or_default();
        let (mut version, mut team, mut pin, mut token) = (None, None, None, None);
        let mut at: Vec<Address> = Vec::new();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "v" => version = Some(value),
                "team" => team = display_text(&value, MAX_TEAM_NAME),
                "pin" => pin = value.parse().ok(),
                "token" => token = value.parse().ok(),
                // One that we can't read may be of a kind to come; the others will do.
                "at" if at.len() < MAX_ADDRESSES => at.extend(value.parse::<Address>()),
                _ => {}
            }
        }
        match version.as_deref() {
            Some("1") => {}
            Some(_) => return Err(InvitationError::Newer),
            None => return Err(InvitationError::Broken),
        }
        match (team, pin, token) {
            (Some(team), Some(pin), Some(token)) if !at.is_empty() => {
                Ok(Self { team, at, pin, token })
            }
            _ => Err(InvitationError::Broken),
        }
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("v", "1").append_pair("team", &self.team);
        for address in self.at.iter().take(MAX_ADDRESSES) {
            query.append_pair("at", &address.to_string());
        }
        query.append_pair("pin", &self.pin.to_string());
        // Last, so that a link that was cut off is known by it.
        query.append_pair("token", &self.token.to_string());
        write!(f, "{SCHEME}://join?{}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> Invitation {
        Invitation {
            team: "Anna's team & friends 🎉".to_owned(),
            at: vec!["192.168.1.5:18831".parse().unwrap(), "[fe80::1]:7".parse().unwrap()],
            pin: Pin::of_digest([0xA7; 32]),
            token: Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap(),
        }
    }

    #[test]
    fn written_and_read_again_it_is_the_same() {
        let link = invitation().to_string();
        assert_eq!(link.parse(), Ok(invitation()), "{link}");
        assert!(link.bytes().all(|b| b.is_ascii_graphic()), "{link}");
    }

    #[test]
    fn a_link_survives_what_mail_and_browsers_do_to_it() {
        let link = invitation().to_string();
        for changed in [
            format!("  {link}\n"),
            link.replace("porchlight://join?", "PORCHLIGHT://join/?"),
            format!("{link}&utm_source=mail"),
            format!("{link}#top"),
            link.replace("&at=%5B", "&at=future%3A%2F%2Fx&at=%5B"),
        ] {
            assert_eq!(changed.parse(), Ok(invitation()), "{changed}");
        }
    }

    #[test]
    fn a_link_that_was_cut_off_is_known_as_such() {
        let link = invitation().to_string();
        for end in "porchlight://join?v=1".len()..link.len() {
            assert_eq!(link[..end].parse::<Invitation>(), Err(InvitationError::Broken), "{end}");
        }
    }

    #[test]
    fn what_is_no_invitation_is_told_from_one_that_is_newer() {
        for (text, error) in [
            ("https://example.org/join?v=1", InvitationError::Other),
            ("porchlight://open?v=1", InvitationError::Other),
            ("", InvitationError::Other),
            ("porchlight://join?v=2&x=y", InvitationError::Newer),
            ("porchlight://join", InvitationError::Broken),
        ] {
            assert_eq!(text.parse::<Invitation>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_name_from_a_stranger_is_made_fit_to_be_shown() {
        let mut evil = invitation();
        evil.team = "Anna\u{202E}\n\u{7}".to_owned();
        assert_eq!(evil.to_string().parse::<Invitation>().unwrap().team, "Anna");
    }
}
