//! Ids of people and devices, and the root of the topics.
//!
//! Owns what an id may look like (`docs/protocol.md`, *Topics*). Deliberately knows no names: the name
//! shown may change, an id never does.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

use crate::text::is_blank;

/// The longest id, in bytes of UTF-8.
pub const MAX_ID_BYTES: usize = 64;

/// Topic levels that no person, device or organisation may be called.
const RESERVED: [&str; 5] = ["device", "activity", "typing", "chosen", "inbox"];

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing at all.
    #[error("an id needs at least one character")]
    Empty,
    /// More than [`MAX_ID_BYTES`].
    #[error("an id has at most 64 bytes")]
    TooLong,
    /// A wildcard, a separator, NUL or another control character.
    #[error("an id has none of + # / and no control characters")]
    Forbidden,
    /// Begins with `$` or `_`.
    #[error("an id does not begin with $ or _")]
    Leading,
    /// A word that the topics use themselves.
    #[error("device, activity, typing, chosen and inbox are reserved")]
    Reserved,
    /// Not in Unicode Normalization Form C, so it could look like another id.
    #[error("an id is in Unicode normalization form C")]
    NotNfc,
    /// Nobody has it yet, and it has nothing to see, or a character that could hide or change.
    #[error(
        "a new id has letters or digits to see, and no invisible, private or unassigned characters"
    )]
    Unreadable,
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_ID_BYTES {
        return Err(IdError::TooLong);
    }
    let forbidden = if text.is_ascii() {
        text.bytes().any(|b| matches!(b, b'+' | b'#' | b'/') || b.is_ascii_control())
    } else {
        text.chars().any(|c| matches!(c, '+' | '#' | '/') || c.is_control())
    };
    if forbidden {
        return Err(IdError::Forbidden);
    }
    if text.starts_with(['$', '_']) {
        return Err(IdError::Leading);
    }
    if RESERVED.contains(&text) {
        return Err(IdError::Reserved);
    }
    // Normal forms differ beyond ASCII only.
    if !text.is_ascii() && !is_nfc(text) {
        return Err(IdError::NotNfc);
    }
    Ok(())
}

/// What an id must be besides, if nobody has it yet: readable, and not to be taken for another one.
fn check_new(text: &str) -> Result<(), IdError> {
    use GeneralCategory as Is;
    use GeneralCategoryGroup as Of;
    check(text)?;
    let mut before = None;
    let mut chars = text.chars().peekable();
    let mut seen = false;
    while let Some(c) = chars.next() {
        let after = chars.peek();
        let fits = match c {
            ' ' => true,
            // Persian and the scripts of India need them within a word.
            '\u{200C}' | '\u{200D}' => {
                let joins = |c: char| matches!(c.general_category_group(), Of::Letter | Of::Mark);
                before.is_some_and(joins) && after.is_some_and(|after| joins(*after))
            }
            // How the emoji before it is drawn.
            '\u{FE0E}' | '\u{FE0F}' => {
                before.is_some_and(|c: char| c.general_category_group() == Of::Symbol)
            }
            c => {
                seen = true;
                !is_blank(c)
                    && !matches!(
                        c.general_category(),
                        Is::Control | Is::Format | Is::PrivateUse | Is::Surrogate | Is::Unassigned
                    )
            }
        };
        if !fits {
            return Err(IdError::Unreadable);
        }
        before = Some(c);
    }
    // A combining mark needs a base character.
    let begins = text.chars().next().is_some_and(|c| c.general_category_group() != Of::Mark);
    if seen && begins { Ok(()) } else { Err(IdError::Unreadable) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        // Shared: an id is made once and held in many tables.
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text for an id.
            ///
            /// # Errors
            /// Says which rule of `docs/protocol.md`, *Topics*, it breaks.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text).map(|()| Self(text.into()))
            }

            /// Takes what a person typed: brought into Unicode Normalization Form C first.
            ///
            /// # Errors
            /// As [`Self::parse`].
            pub fn from_typed(text: &str) -> Result<Self, IdError> {
                Self::parse(&text.trim().nfc().collect::<String>())
            }

            /// Takes a text for an id that nobody has yet, typed by a person or made from a name. What others already
            /// have is taken by [`Self::parse`], whatever it looks like.
            ///
            /// # Errors
            /// As [`Self::parse`], and [`IdError::Unreadable`].
            pub fn new_from_typed(text: &str) -> Result<Self, IdError> {
                let id = Self::from_typed(text)?;
                id.check_new().map(|()| id)
            }

            /// Whether nothing speaks against giving this id to somebody new.
            ///
            /// # Errors
            /// [`IdError::Unreadable`].
            pub fn check_new(&self) -> Result<(), IdError> {
                check_new(&self.0)
            }

            /// The id as a topic level.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        // Both compare as the text does.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }
    };
}

id! {
    /// A person: the id bound to their credential.
    UserId
}
id! {
    /// One device of a person: random, made once and saved, never the host name.
    DeviceId
}
id! {
    /// An organisation, one level below `presence`.
    OrgId
}

impl UserId {
    /// What somebody of this name is called in topics: `anna-liddell`. None where no letter or digit is in it.
    #[must_use]
    pub fn for_name(name: &str) -> Option<Self> {
        let mut id = String::new();
        for c in name.trim().to_lowercase().chars() {
            if c.is_alphanumeric() {
                id.push(c);
            } else if !id.is_empty() && !id.ends_with('-') {
                id.push('-');
            }
        }
        let mut id = id.trim_end_matches('-').to_owned();
        while id.len() > MAX_ID_BYTES {
            id.pop();
        }
        Self::new_from_typed(&id).ok()
    }
}

impl DeviceId {
    /// A new random id.
    #[must_use]
    pub fn random(rng: &mut fastrand::Rng) -> Self {
        Self(random_word(rng, 16).into())
    }
}

/// `len` random lower-case letters and digits.
#[must_use]
pub fn random_word(rng: &mut fastrand::Rng, len: usize) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    (0..len).map(|_| char::from(LETTERS[rng.usize(..LETTERS.len())])).collect()
}

/// The Client Identifier of a device's presence: 23 characters, which every broker accepts (MQTT 5, 3.1.3.1).
pub fn presence_client_id(rng: &mut fastrand::Rng) -> String {
    format!("pl{}m", random_word(rng, 20))
}

/// The Client Identifier of the Will connection of a presence.
pub(crate) fn will_client_id(presence: &str) -> String {
    format!("{}u", presence.strip_suffix('m').unwrap_or(presence))
}

/// The Client Identifier of a reader: new each time.
pub fn reader_client_id(rng: &mut fastrand::Rng) -> String {
    format!("plr{}", random_word(rng, 20))
}

/// The Client Identifier of a gateway: made once a run, so that a connection that broke is taken up again.
pub fn gateway_client_id(rng: &mut fastrand::Rng) -> String {
    format!("plg{}", random_word(rng, 20))
}

/// What every topic begins with: `presence`, or `presence/{org}` for an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Root(String);

/// Why a text is no root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// Something else than `presence` or `presence/{org}`.
    #[error("a root is `presence`, or `presence/` and the id of an organisation")]
    Shape,
    /// The organisation is no id.
    #[error("the organisation in the root is no id: {0}")]
    Org(IdError),
}

impl Root {
    /// Takes `presence` or `presence/{org}`.
    ///
    /// # Errors
    /// Says what a root is.
    pub fn parse(text: &str) -> Result<Self, RootError> {
        match text.split_once('/') {
            None if text == "presence" => Ok(Self(text.to_owned())),
            Some(("presence", org)) => {
                OrgId::parse(org).map_err(RootError::Org)?;
                Ok(Self(text.to_owned()))
            }
            _ => Err(RootError::Shape),
        }
    }

    /// The root as the beginning of a topic, without a closing `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Root {
    fn default() -> Self {
        Self("presence".to_owned())
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Root {
    type Error = RootError;

    fn try_from(text: String) -> Result<Self, RootError> {
        Self::parse(&text)
    }
}

impl From<Root> for String {
    fn from(root: Root) -> Self {
        root.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_the_protocol_says() {
        for good in ["alice", "user-alice", "Zoë", "日本", "a b", "a.b@c", &"x".repeat(64)] {
            assert_eq!(UserId::parse(good).map(String::from), Ok(good.to_owned()));
        }
        let long = "x".repeat(300);
        for (bad, why) in [
            ("", IdError::Empty),
            (long.as_str(), IdError::TooLong),
            ("a+b", IdError::Forbidden),
            ("a/b", IdError::Forbidden),
            ("#", IdError::Forbidden),
            ("a\0", IdError::Forbidden),
            ("a\u{85}", IdError::Forbidden),
            ("$SYS", IdError::Leading),
            ("__proto__", IdError::Leading),
            ("_hub", IdError::Leading),
            ("typing", IdError::Reserved),
            ("Zoe\u{308}", IdError::NotNfc),
        ] {
            assert_eq!(UserId::parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn new_ids_have_something_to_see_and_nothing_that_hides() {
        for good in [
            "alice",
            "user-alice",
            "Zoë",
            "日本",
            "a b",
            "a.b@c",
            "-",
            "7",
            "👩",
            "❤\u{FE0F}",
            "نمی\u{200C}خواهم",
            "क्\u{200D}ष",
        ] {
            assert!(UserId::new_from_typed(good).is_ok(), "{good:?}");
        }
        for bad in [
            "\u{200B}",
            "\u{AD}",
            "\u{2060}",
            "\u{3164}",
            "\u{115F}",
            "\u{FFA0}",
            "\u{2800}",
            "\u{34F}",
            "\u{E000}",
            "a\u{F0000}",
            "a\u{FDD0}",
            "a\u{FFFE}",
            "a\u{10FFFF}",
            "a\u{378}",
            "a\u{202E}b",
            "a\u{200B}",
            "a\u{3164}",
            "\u{200D}a",
            "a\u{200C}",
            "1\u{200D}2",
            "a\u{FEFF}b",
            "a\u{FE0F}",
            "a\u{E0061}",
            "\u{301}",
            "\u{200D}",
            "a\u{2028}b",
            "a\u{FFF9}b",
        ] {
            // An existing id stays valid.
            assert!(UserId::parse(bad).is_ok(), "{bad:?}");
            assert_eq!(UserId::new_from_typed(bad), Err(IdError::Unreadable), "{bad:?}");
        }
        assert_eq!(UserId::new_from_typed("a/b"), Err(IdError::Forbidden));
        for nameless in ["\u{3164}", "\u{115F}\u{1160}", "\u{200B}", "\u{FFA0}"] {
            assert_eq!(UserId::for_name(nameless), None, "{nameless:?}");
        }
        assert_eq!(UserId::for_name("Anna \u{200D} L").unwrap().as_str(), "anna-l");
    }

    #[test]
    fn what_a_person_typed_is_normalized() {
        assert_eq!(UserId::from_typed(" Zoe\u{308} ").unwrap().as_str(), "Zo\u{eb}");
    }

    #[test]
    fn a_name_becomes_an_id_where_it_has_a_letter() {
        let id = |name: &str| UserId::for_name(name).map(String::from);
        assert_eq!(id("  Zoë \"Z\" O'Neill ").as_deref(), Some("zoë-z-o-neill"));
        assert_eq!(id(&"ä".repeat(100)).map(|id| id.len()), Some(64));
        assert_eq!((id("!!!"), id("typing")), (None, None));
    }

    #[test]
    fn roots_are_presence_with_or_without_an_organisation() {
        assert_eq!(Root::parse("presence").unwrap(), Root::default());
        assert_eq!(Root::parse("presence/acme").unwrap().as_str(), "presence/acme");
        for bad in
            ["", "foo", "presence/", "presence/a/b", "presence/_x", "/presence", "presence/#"]
        {
            assert!(Root::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn random_device_ids_are_ids() {
        let mut rng = fastrand::Rng::with_seed(7);
        let id = DeviceId::random(&mut rng);
        assert_eq!(DeviceId::parse(id.as_str()), Ok(id.clone()));
        assert_ne!(DeviceId::random(&mut rng), id);
    }
}
