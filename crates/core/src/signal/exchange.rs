//! One knock or wave: how far it has come, and why it came no further.

use crate::id::UserId;
use crate::signal::{Answer, SignalId};
use crate::time::{Monotonic, Timestamp};
use crate::view::Cause;
use crate::view::signals::{ExchangeKind, ExchangeStage, ExchangeView, FailureView, When};

/// Why something was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// They are not here.
    #[error("{name} is offline; knock when they are back instead")]
    Offline {
        /// Their name.
        name: String,
        /// Since when, where it is known.
        since: Option<Timestamp>,
        /// Why, where it is known.
        cause: Option<Cause>,
    },
    /// I am invisible.
    #[error(
        "you are invisible, and this would show that you are here; choose another status first"
    )]
    Invisible,
    /// My own connection was not there for long enough.
    #[error("your own connection was down for too long; try again when it is back")]
    LinkDown,
    /// The broker was there and never acknowledged it.
    #[error("the broker did not confirm it; try again, or ask whoever runs the broker")]
    Unconfirmed,
    /// Nobody was ever seen by that name.
    #[error("nobody is known here by that name; look who is there with `porchlight who`")]
    NotKnown,
    /// One does not knock at one's own door.
    #[error("that is you; choose somebody else")]
    Myself,
    /// More text than fits.
    #[error(transparent)]
    TooLong(#[from] super::TooLongError),
    /// More of it than anybody is shown.
    #[error("that was often enough for now; try again in a minute")]
    TooMany,
    /// The broker does not take it.
    #[error(
        "the broker does not pass this on ({reason}); ask whoever runs it for the access rules in docs/protocol.md"
    )]
    Refused {
        /// In its own words.
        reason: String,
    },
}

impl SignalError {
    /// What programs branch on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Offline { .. } => "offline",
            Self::Invisible => "invisible",
            Self::LinkDown => "link_down",
            Self::Unconfirmed => "unconfirmed",
            Self::NotKnown => "not_known",
            Self::Myself => "myself",
            Self::TooLong(_) => "too_long",
            Self::TooMany => "too_many",
            Self::Refused { .. } => "refused",
        }
    }

    fn view(&self) -> FailureView {
        let (since, cause) = match self {
            Self::Offline { since, cause, .. } => (*since, *cause),
            _ => (None, None),
        };
        FailureView { code: self.code().to_owned(), message: self.to_string(), since, cause }
    }
}

/// What became of the notification of somebody else's knock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RingState {
    /// It was not rung, and will not be.
    Silent,
    /// It rings once I may be disturbed.
    Held,
    /// It rang.
    Rung,
}

/// See the module's page.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) mine: bool,
    pub(super) kind: ExchangeKind,
    pub(super) id: SignalId,
    pub(super) with: UserId,
    pub(super) name: String,
    pub(super) text: Option<String>,
    pub(super) count: u32,
    pub(super) when: When,
    pub(super) stage: ExchangeStage,
    pub(super) answer: Option<Answer>,
    pub(super) why: Option<SignalError>,
    pub(super) at: Timestamp,
    /// When it began to be sent, or came.
    pub(super) since: Monotonic,
    /// Mine: whether anything of it was ever said.
    pub(super) was_sent: bool,
    /// Mine: when it is sent again, should no device of theirs say that it has it.
    pub(super) again_at: Option<Monotonic>,
    pub(super) unheard: bool,
    /// Mine, waiting for both: whether they were told since they were last here.
    pub(super) told: bool,
    /// Theirs: its notification.
    pub(super) bell: RingState,
}

impl Exchange {
    /// Goes forward to a stage; says whether that is one.
    pub(super) fn forward(&mut self, stage: ExchangeStage) -> bool {
        let forward = stage > self.stage;
        if forward {
            self.stage = stage;
            self.again_at = self.again_at.filter(|_| stage <= ExchangeStage::Sent);
            self.unheard &= stage <= ExchangeStage::Sent;
        }
        forward
    }

    /// It is not sent.
    pub(super) fn fail(&mut self, why: SignalError) {
        if self.forward(ExchangeStage::Failed) {
            self.why = Some(why);
        }
    }

    /// Whether something may still come of it.
    pub(super) fn is_open(&self) -> bool {
        self.kind == ExchangeKind::Knock
            && !matches!(
                self.stage,
                ExchangeStage::Failed | ExchangeStage::Answered | ExchangeStage::Withdrawn
            )
    }

    /// Whether it is somebody else's knock that nobody saw yet.
    pub(super) fn stands(&self) -> bool {
        !self.mine && self.kind == ExchangeKind::Knock && self.stage == ExchangeStage::Delivered
    }

    /// Under which its notification is replaced and withdrawn.
    pub(super) fn notification_key(&self) -> String {
        key(self.mine, &self.with, &self.id)
    }

    pub(super) fn view(&self) -> ExchangeView {
        ExchangeView {
            id: self.id.as_str().to_owned(),
            with: self.with.as_str().to_owned(),
            name: self.name.clone(),
            mine: self.mine,
            kind: self.kind,
            text: self.text.clone(),
            count: self.count,
            when: self.when,
            stage: self.stage,
            answer: self.answer.clone(),
            failure: self.why.as_ref().map(SignalError::view),
            unheard: self.unheard,
            at: self.at,
        }
    }
}

/// No person's id has a slash in it.
pub(super) fn key(mine: bool, with: &UserId, id: &SignalId) -> String {
    let side = if mine { "mine" } else { "theirs" };
    format!("/knock/{side}/{with}/{id}")
}
