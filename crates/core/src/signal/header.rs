//! What every knock and wave has: its id, the other person, its text, and when it began.

use super::SignalContext;
use crate::id::UserId;
use crate::notification::Who;
use crate::time::Timestamp;
use crate::view::signals::{ExchangeKind, ExchangeStage, ExchangeView, When};
use crate::wire::SignalId;

/// The id, the other person, the text and the time of a knock or wave.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) id: SignalId,
    /// The id of the other person.
    pub(super) with: UserId,
    /// Their name when it began.
    pub(super) name: String,
    /// The text of a knock, the emoji of a wave.
    pub(super) text: Option<String>,
    /// When it began here.
    pub(super) at: Timestamp,
}

impl Header {
    pub(super) fn new(
        context: SignalContext<'_>,
        with: &UserId,
        id: &SignalId,
        text: Option<String>,
    ) -> Self {
        let (name, at) = (context.who(with).name, context.now.wall);
        Self { id: id.clone(), with: with.clone(), name, text, at }
    }

    pub(super) fn who(&self) -> Who {
        Who { user: self.with.to_string(), name: self.name.clone() }
    }

    pub(super) fn view(&self, kind: ExchangeKind, stage: ExchangeStage) -> ExchangeView {
        ExchangeView {
            id: self.id.to_string(),
            with: self.with.to_string(),
            name: self.name.clone(),
            mine: false,
            kind,
            text: self.text.clone(),
            count: 1,
            when: When::Now,
            stage,
            answer: None,
            failure: None,
            unheard: false,
            at: self.at,
        }
    }
}
