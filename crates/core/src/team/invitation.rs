//! The invitation link of a team.

use std::fmt;
use std::str::FromStr;

use super::{Address, ID_LENGTH, MAX_ADDRESSES, MAX_TEAM_NAME, Pin, SECRET_LENGTH, Secret};
use crate::text::display_text;

mod pasted;

/// The scheme that the desktop app is registered for.
pub const SCHEME: &str = "porchlight";

/// The longest link that is read, in characters.
const MAX_LINK: usize = 2_048;
/// Characters of a pin.
const PIN_LENGTH: usize = 43;
/// Characters of a token, with the dot between its parts.
const TOKEN_LENGTH: usize = ID_LENGTH + 1 + SECRET_LENGTH;

/// An invitation to a team: `porchlight://join?v=1&team=..&at=..&pin=..&token=..`.
///
/// A person with the link can join as often as its token allows. The link contains no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The team's name, made safe to show.
    pub team: String,
    /// The addresses of its hub, the likeliest first. At least one.
    pub at: Vec<Address>,
    /// The fingerprint of the hub's certificate.
    pub pin: Pin,
    /// The token that is redeemed for a credential.
    pub token: Secret,
}

/// The text is not an invitation. Each message explains what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// It is something else.
    #[error("this is not an invitation; paste the whole link, which begins with porchlight://join")]
    Other,
    /// It was made by a version that we don't know.
    #[error("a newer version of Porchlight made this invitation; update yours, then open it again")]
    Newer,
    /// A part is missing at its end or within.
    #[error(
        "part of this invitation is missing; copy the whole link again, from porchlight:// to its last character"
    )]
    Broken,
}

impl FromStr for Invitation {
    type Err = InvitationError;

    /// Finds the invitation in the text that it was pasted with, such as a whole mail.
    fn from_str(text: &str) -> Result<Self, InvitationError> {
        let mut why = InvitationError::Other;
        for query in pasted::queries(text) {
            match read(&query) {
                Ok(invitation) => return Ok(invitation),
                // A newer invitation stays unreadable, however the text is repaired.
                Err(InvitationError::Newer) => why = InvitationError::Newer,
                Err(error) if why == InvitationError::Other => why = error,
                Err(_) => {}
            }
        }
        Err(why)
    }
}

/// Reads the query, up to the text that follows the link.
fn read(query: &str) -> Result<Invitation, InvitationError> {
    let query = query.split('#').next().unwrap_or_default();
    // We encode an equals sign in a value, so an unencoded one is left over from a line break.
    let is_damaged = |pair: &str| {
        let value = pair.strip_prefix("team=").or_else(|| pair.strip_prefix("at="));
        value.is_some_and(|value| value.contains('='))
    };
    if query.split('&').any(is_damaged) {
        return Err(InvitationError::Broken);
    }
    let (mut version, mut team, mut pin, mut token) = (None, None, None, None);
    let mut at: Vec<Address> = Vec::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "v" => version = Some(value),
            "team" => team = display_text(&value, MAX_TEAM_NAME),
            // The length is known, so text behind the link is cut off.
            "pin" => pin = value.get(..PIN_LENGTH).and_then(|pin| pin.parse().ok()),
            "token" => token = value.get(..TOKEN_LENGTH).and_then(|token| token.parse().ok()),
            // An address that we can't read may be of a newer kind; the others suffice.
            "at" if at.len() < MAX_ADDRESSES => at.extend(value.parse::<Address>()),
            _ => {}
        }
    }
    match version.as_deref() {
        Some("1") => {}
        Some(version) if version.bytes().all(|digit| digit.is_ascii_digit()) => {
            return Err(InvitationError::Newer);
        }
        _ => return Err(InvitationError::Broken),
    }
    match (team, pin, token) {
        (Some(team), Some(pin), Some(token)) if !at.is_empty() => {
            Ok(Invitation { team, at, pin, token })
        }
        _ => Err(InvitationError::Broken),
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
        // Last, so that a link that was cut off is detected.
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

    /// The link in lines of `width` characters.
    fn wrapped(link: &str, width: usize, end: &str) -> String {
        let lines: Vec<&str> =
            link.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join(end)
    }

    #[test]
    fn a_link_is_found_in_the_text_that_it_was_pasted_with() {
        let link = invitation().to_string();
        let escaped = link.replace('&', "&amp;");
        let quoted = link.replace('=', "=3D");
        let encoded: String = form_urlencoded::byte_serialize(link.as_bytes()).collect();
        for text in [
            format!("<{link}>"),
            format!("\"{link}\""),
            format!("“{link}”"),
            format!("'{link}'"),
            format!("({link})."),
            format!("`{link}`"),
            format!("**{link}**"),
            format!("[Join us]({link})"),
            format!("[{link}]"),
            format!("<a href=\"{escaped}\">{escaped}</a>"),
            format!("&lt;{escaped}&gt;"),
            escaped.replace("&amp;", "&amp;amp;"),
            link.replace('&', "&#38;").replace('=', "&#x3D;").replace('/', "&#x2F;"),
            format!("{{\"text\":\"{}\"}}", link.replace('&', "\\u0026").replace('/', "\\/")),
            link.replace('&', "\\&").replace('_', "\\_"),
            format!("Hi Bob,\n\nhere is the link: {link}\nSee you!\n-- \nAnna"),
            format!("{link}, please"),
            format!("{link}!\u{200B}"),
            format!("{link}…"),
            format!("porchlight://join is how it begins: {link}"),
            format!("{}\n\n{link}", &link[..link.len() - 5]),
            format!("<{link}|{link}>"),
            link.replace("porchlight:", "Porchlight:").replace("join?", "JOIN?"),
            link.replace("porchlight://", "porchlight:/"),
            wrapped(&link, 30, "\u{200B}"),
            format!("\u{FEFF}\u{202A}{link}\u{202C}"),
            quoted.clone(),
            format!("Hi,\r\n{}.\r\n", wrapped(&quoted, 75, "=\r\n")),
            format!("Hi, {}. See you!", wrapped(&quoted, 75, "=")),
            format!("https://mail.example/?url={encoded}&data=x"),
        ] {
            assert_eq!(text.parse(), Ok(invitation()), "{text}");
        }
    }

    #[test]
    fn a_link_is_read_whole_wherever_it_was_broken_into_lines() {
        let link = invitation().to_string();
        let quoted = link.replace('=', "=3D");
        for width in 1..=link.len() {
            for end in ["\n", "\r\n", " \n  ", "\n> ", "\n>> ", "\n\t"] {
                let text = format!("Come in: {}\nSee you!", wrapped(&link, width, end));
                assert_eq!(text.parse(), Ok(invitation()), "{text}");
            }
            // No mail program breaks a line within an escape.
            let broken = wrapped(&quoted, width, "=\n");
            if width < 3 || broken.contains("==\n3D") || broken.contains("=3=\nD") {
                continue;
            }
            for text in [broken.clone(), broken.replace('\n', "")] {
                let text = format!("Come in:\n{text}\nSee you!");
                assert_eq!(text.parse(), Ok(invitation()), "{text}");
            }
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
            ("Open porchlight://join?v=2&amp;x=y, Bob.", InvitationError::Newer),
            ("porchlight://joiner?v=1", InvitationError::Other),
            ("Porchlight is a program", InvitationError::Other),
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
