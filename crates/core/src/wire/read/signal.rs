//! Converts bytes to signals between two people.

use super::{Content, Fields};
use crate::id::UserId;
use crate::text::{MAX_EMOJI, MAX_TEXT};
use crate::wire::json::Value;
use crate::wire::{Answer, SignalId, SignalMessage, WireError};

pub(in crate::wire) fn signal(content: &Content<'_>) -> Result<SignalMessage, WireError> {
    let fields = content.object()?;
    fields.version()?;
    let text = || fields.shown("text", MAX_TEXT);
    let of = || fields.text("of").and_then(|of| UserId::parse(of).ok());
    Ok(match fields.text("kind").ok_or(WireError::WrongShape)? {
        "knock" => {
            let both_free = fields.text("when") == Some("both_free");
            SignalMessage::Knock { id: id(fields, "id")?, text: text(), both_free }
        }
        "waiting" => SignalMessage::Waiting { id: id(fields, "id")?, text: text() },
        "free" => SignalMessage::Free { re: id(fields, "re")? },
        "withdrawn" => SignalMessage::Withdrawn { re: id(fields, "re")?, of: of() },
        "delivered" => SignalMessage::Delivered { re: id(fields, "re")? },
        "seen" => SignalMessage::Seen { re: id(fields, "re")?, of: of() },
        "answer" => {
            let known = fields.text("answer").and_then(Answer::of_word);
            let answer = match known {
                Some(answer) => answer,
                None => Answer::Text(text().ok_or(WireError::WrongShape)?),
            };
            SignalMessage::Answer { re: id(fields, "re")?, of: of(), answer }
        }
        "again" => SignalMessage::Again { re: id(fields, "re")? },
        "wave" => {
            SignalMessage::Wave { id: id(fields, "id")?, emoji: fields.shown("text", MAX_EMOJI) }
        }
        // Absent means that they are typing: a client that stops publishes `false`.
        "typing" => {
            SignalMessage::Typing(!matches!(fields.field("isTyping"), Some(Value::Flag(false))))
        }
        _ => return Err(WireError::UnknownKind),
    })
}

fn id(fields: &Fields<'_>, name: &str) -> Result<SignalId, WireError> {
    let text = fields.text(name).ok_or(WireError::WrongShape)?;
    SignalId::parse(text).map_err(|_| WireError::WrongShape)
}
