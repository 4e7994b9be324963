//! Where the reading API gets what it tells.
//!
//! Owns which retained messages are shown, and how. It does not own the messages: they stand in the broker, or in a gateway's
//! copy of what a broker holds.

use super::change_log::ChangeLog;
use porchlight_core::id::Root;
use porchlight_core::topic::Topic;
use serde::Serialize;
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A retained message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    /// How long ago the broker took it, as well as that is known.
    pub(crate) age: Duration,
}

/// Where the reading API gets what it tells.
pub(crate) trait Source: Send + Sync {
    /// The root of what is told.
    fn root(&self) -> &Root;

    /// What is retained under it; none where nothing was read yet.
    fn retained(&self) -> Pin<Box<dyn Future<Output = Option<Vec<Kept>>> + Send + '_>>;

    /// Everybody, summed.
    fn board(&self) -> &ChangeLog;

    /// Whether what is told is what stands in the broker.
    fn is_well(&self) -> bool;
}

/// A retained message as the API shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    topic: &'a str,
    payload: Value,
    age_ms: u64,
}

impl Kept {
    /// The message as it is shown, if it is about presence. What is between people, or between one person's devices, is nobody
    /// else's; and the hub is no person.
    pub(crate) fn shown(&self, root: &Root) -> Option<Shown<'_>> {
        match Topic::parse(root, &self.topic) {
            Ok(Topic::User(_) | Topic::Activity(_) | Topic::Device(..)) => Some(Shown {
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

/// JSON as what it is; anything else as text, what is not UTF-8 in it replaced by U+FFFD.
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
        let kept = Kept { topic: topic.to_owned(), payload: payload.to_vec(), age };
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
