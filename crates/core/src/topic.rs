//! The topics of the protocol: from text to meaning and back.
//!
//! Owns the topic table of `docs/protocol.md`. Deliberately knows nothing of payloads.

use crate::id::{DeviceId, IdError, Root, UserId};

/// A topic of the protocol, without its root.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// `{root}/{user}/device/{device}`: one device's record.
    Device(UserId, DeviceId),
    /// `{root}/{user}`: the sum, for simple readers.
    User(UserId),
    /// `{root}/{user}/activity`: when the user last gave input, for simple readers.
    Activity(UserId),
    /// `{root}/{user}/typing`: typing to the room.
    Typing(UserId),
    /// `{root}/{user}/chosen`: what the person chose, for their own devices.
    Chosen(UserId),
    /// `{root}/{user}/inbox/{from}`: signals to one person.
    Inbox(UserId, UserId),
    /// `{root}/_hub`: somebody sums here.
    Hub,
}

/// Why a topic is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// It has another root or more levels than any topic of ours.
    #[error("not a topic of this protocol")]
    Foreign,
    /// A level that should be an id is none.
    #[error("a topic level is no id: {0}")]
    Id(#[from] IdError),
}

impl Topic {
    /// Takes a topic apart.
    ///
    /// # Errors
    /// [`TopicError::Foreign`] for what the protocol does not speak of, [`TopicError::Id`] for a
    /// topic of ours with a bad id in it.
    pub fn parse(root: &Root, topic: &str) -> Result<Self, TopicError> {
        let rest = topic
            .strip_prefix(root.as_str())
            .and_then(|rest| rest.strip_prefix('/'))
            .ok_or(TopicError::Foreign)?;
        if rest == "_hub" {
            return Ok(Self::Hub);
        }
        let Some((user, rest)) = rest.split_once('/') else {
            return Ok(Self::User(UserId::parse(rest)?));
        };
        let (kind, id) = rest.split_once('/').map_or((rest, None), |(kind, id)| (kind, Some(id)));
        let topic = match (kind, id) {
            ("activity", None) => Self::Activity(UserId::parse(user)?),
            ("typing", None) => Self::Typing(UserId::parse(user)?),
            ("chosen", None) => Self::Chosen(UserId::parse(user)?),
            (_, Some(more)) if more.contains('/') => return Err(TopicError::Foreign),
            ("device", Some(device)) => {
                Self::Device(UserId::parse(user)?, DeviceId::parse(device)?)
            }
            ("inbox", Some(from)) => Self::Inbox(UserId::parse(user)?, UserId::parse(from)?),
            _ => return Err(TopicError::Foreign),
        };
        Ok(topic)
    }

    /// The topic as it is on the wire.
    #[must_use]
    pub fn to_wire(&self, root: &Root) -> String {
        match self {
            Self::Device(user, device) => format!("{root}/{user}/device/{device}"),
            Self::User(user) => format!("{root}/{user}"),
            Self::Activity(user) => format!("{root}/{user}/activity"),
            Self::Typing(user) => format!("{root}/{user}/typing"),
            Self::Chosen(user) => format!("{root}/{user}/chosen"),
            Self::Inbox(user, from) => format!("{root}/{user}/inbox/{from}"),
            Self::Hub => format!("{root}/_hub"),
        }
    }
}

/// The filters of a reader: everybody's devices, sums, activity and typing.
#[must_use]
pub fn room_filters(root: &Root) -> Vec<String> {
    let activity = format!("{root}/+/activity");
    vec![user_filter(root), device_filter(root), activity, typing_filter(root)]
}

/// Of these, the filters without which somebody may be missing: people on simple clients have only a user topic, and
/// people whose devices do not publish it have only device topics.
#[must_use]
pub fn needed_filters(root: &Root) -> [String; 2] {
    [user_filter(root), device_filter(root)]
}

/// The filter of all user topics, and of the hub's record.
#[must_use]
pub fn user_filter(root: &Root) -> String {
    format!("{root}/+")
}

/// The filter of all device topics.
#[must_use]
pub fn device_filter(root: &Root) -> String {
    format!("{root}/+/device/+")
}

/// The filter of typing to everybody.
#[must_use]
pub fn typing_filter(root: &Root) -> String {
    format!("{root}/+/typing")
}

/// The filter of one's own inbox.
#[must_use]
pub fn inbox_filter(root: &Root, user: &UserId) -> String {
    format!("{root}/{user}/inbox/+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bad_level_is_told_from_a_foreign_topic() {
        let root = Root::default();
        assert_eq!(Topic::parse(&root, "other/alice"), Err(TopicError::Foreign));
        assert_eq!(Topic::parse(&root, "presence"), Err(TopicError::Foreign));
        assert_eq!(Topic::parse(&root, "presencealice"), Err(TopicError::Foreign));
        assert_eq!(Topic::parse(&root, "presence/a/b"), Err(TopicError::Foreign));
        assert_eq!(Topic::parse(&root, "presence/a/device/b/c"), Err(TopicError::Foreign));
        assert_eq!(Topic::parse(&root, "presence/__proto__"), Err(IdError::Leading.into()));
        assert_eq!(Topic::parse(&root, "presence//typing"), Err(IdError::Empty.into()));
        assert_eq!(Topic::parse(&root, "presence/_hub"), Ok(Topic::Hub));
    }

    #[test]
    fn an_organisation_is_part_of_the_root() {
        let root = Root::parse("presence/acme").unwrap();
        let bob = UserId::parse("bob").unwrap();
        assert_eq!(Topic::parse(&root, "presence/acme/bob"), Ok(Topic::User(bob)));
        assert_eq!(Topic::parse(&root, "presence/bob"), Err(TopicError::Foreign));
    }

    fn id() -> impl Strategy<Value = String> {
        "[a-zA-Z0-9 .@äß日-]{1,16}".prop_filter("an id", |s| UserId::parse(s).is_ok())
    }

    proptest! {
        #[test]
        fn format_then_parse_is_identity(user in id(), other in id(), org in proptest::option::of(id()), kind in 0..7usize) {
            let root = org.map_or_else(Root::default, |org| Root::parse(&format!("presence/{org}")).unwrap());
            let user = UserId::parse(&user).unwrap();
            let topic = match kind {
                0 => Topic::Device(user, DeviceId::parse(&other).unwrap()),
                1 => Topic::User(user),
                2 => Topic::Activity(user),
                3 => Topic::Typing(user),
                4 => Topic::Chosen(user),
                5 => Topic::Inbox(user, UserId::parse(&other).unwrap()),
                _ => Topic::Hub,
            };
            prop_assert_eq!(Topic::parse(&root, &topic.to_wire(&root)), Ok(topic));
        }

        #[test]
        fn any_text_is_parsed_without_a_panic(text in ".*") {
            let _ = Topic::parse(&Root::default(), &format!("presence/{text}"));
        }
    }
}
