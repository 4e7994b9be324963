//! Where the reading API gets its data from.
//!
//! Owns which retained messages are shown, and how. It does not own the messages: they are in the hub's broker, or in a
//! gateway's copy of a broker's messages.

use super::change_log::ChangeLog;
use porchlight_core::id::Root;
use porchlight_core::topic::Topic;
use serde::Serialize;
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A retained message, and its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredMessage {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    /// How long ago the broker stored it, as far as that is known.
    pub(crate) age: Duration,
}

/// The source of the reading API: a hub's broker, or a gateway's copy of one.
pub(crate) trait Source: Send + Sync {
    /// The root of all topics shown.
    fn root(&self) -> &Root;

    /// The retained messages under it; none if nothing was read yet.
    fn retained(&self) -> Pin<Box<dyn Future<Output = Option<Vec<StoredMessage>>> + Send + '_>>;

    /// The people and their changes.
    fn change_log(&self) -> &ChangeLog;

    /// Whether the data is what the broker has now.
    fn is_healthy(&self) -> bool;
}

/// A retained message as the API shows it.
#[derive(Debug, Serialize)]
pub(crate) struct MessageView<'a> {
    topic: &'a str,
    payload: Value,
    age_ms: u64,
}

impl StoredMessage {
    /// The message as it is shown, if it is about presence. Messages between people or between one person's devices are
    /// private, and the hub is no person.
    pub(crate) fn shown(&self, root: &Root) -> Option<MessageView<'_>> {
        match Topic::parse(root, &self.topic) {
            Ok(Topic::User(_) | Topic::Activity(_) | Topic::Device(..)) => Some(MessageView {
                topic: &self.topic,
                payload: value(&self.payload),
                age_ms: u64::try_from(self.age.as_millis()).unwrap_or(u64::MAX),
            }),
            Ok(Topic::Typing(_) | Topic::Chosen(_) | Topic::Inbox(..) | Topic::Hub) | Err(_) => {
                None
            }
        }
    }
}

/// The payload as JSON if it is JSON, otherwise as text. U+FFFD replaces what is not UTF-8.
fn value(payload: &[u8]) -> Value {
    serde_json::from_slice(payload)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(payload).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(topic: &str, payload: &[u8]) -> Option<Value> {
        let age = Duration::from_millis(1_500);
        let kept = StoredMessage { topic: topic.to_owned(), payload: payload.to_vec(), age };
        kept.shown(&Root::default()).map(|shown| serde_json::to_value(shown).unwrap())
    }

    #[test]
    fn what_is_about_presence_is_shown_and_nothing_else() {
        for topic in ["presence/a", "presence/a/activity", "presence/a/device/d"] {
            assert!(shown(topic, b"x").is_some(), "{topic}");
        }
        for topic in [
            "presence/_hub",
            "presence/a/chosen",
            "presence/a/inbox/b",
            "presence/a/typing",
            "presence/a/secret",
            "presence",
            "other/a",
        ] {
            assert!(shown(topic, b"x").is_none(), "{topic}");
        }
    }

    #[test]
    fn json_is_shown_as_json_and_words_as_text() {
        let of = |payload: &[u8]| shown("presence/a", payload).unwrap();
        assert_eq!(
            of(br#"{"status":"online"}"#),
            json!({"topic": "presence/a", "payload": {"status": "online"}, "age_ms": 1500})
        );
        assert_eq!(of(b"online")["payload"], "online");
        assert_eq!(of(b"\xff")["payload"], "\u{fffd}");
        assert_eq!(of(br#""\ud800""#)["payload"], r#""\ud800""#, "half a character is no JSON");
    }
}
