//! Converts signals between two people to bytes.

use serde::Serialize;

use super::{VERSION, json};
use crate::id::UserId;
use crate::time::Timestamp;
use crate::wire::{SignalId, SignalMessage};

#[derive(Serialize)]
struct Written<'a> {
    v: u64,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a SignalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    re: Option<&'a SignalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<&'a UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(rename = "isTyping", skip_serializing_if = "Option::is_none")]
    is_typing: Option<bool>,
    at: Timestamp,
}

pub(in crate::wire) fn signal(signal: &SignalMessage, at: Timestamp) -> Vec<u8> {
    let bare = |kind| Written {
        v: VERSION,
        kind,
        id: None,
        re: None,
        of: None,
        answer: None,
        when: None,
        text: None,
        is_typing: None,
        at,
    };
    json(&match signal {
        SignalMessage::Knock { id, text, both_free } => Written {
            id: Some(id),
            text: text.as_deref(),
            when: both_free.then_some("both_free"),
            ..bare("knock")
        },
        SignalMessage::Waiting { id, text } => {
            Written { id: Some(id), text: text.as_deref(), ..bare("waiting") }
        }
        SignalMessage::Free { re } => Written { re: Some(re), ..bare("free") },
        SignalMessage::Withdrawn { re, of } => {
            Written { re: Some(re), of: of.as_ref(), ..bare("withdrawn") }
        }
        SignalMessage::Delivered { re } => Written { re: Some(re), ..bare("delivered") },
        SignalMessage::Seen { re, of } => Written { re: Some(re), of: of.as_ref(), ..bare("seen") },
        SignalMessage::Answer { re, of, answer } => Written {
            re: Some(re),
            of: of.as_ref(),
            answer: answer.word(),
            // Also as text, for clients that do not know `answer`.
            text: Some(answer.text()),
            ..bare("answer")
        },
        SignalMessage::Again { re } => Written { re: Some(re), ..bare("again") },
        SignalMessage::Wave { id, emoji } => {
            Written { id: Some(id), text: emoji.as_deref(), ..bare("wave") }
        }
        SignalMessage::Typing(typing) => Written { is_typing: Some(*typing), ..bare("typing") },
    })
}

/// The payload that the first public description defines.
pub(in crate::wire) fn typing(typing: bool) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Typing {
        is_typing: bool,
    }
    json(&Typing { is_typing: typing })
}
