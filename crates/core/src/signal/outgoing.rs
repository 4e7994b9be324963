//! Sends signals, and handles their results.

use super::header::Header;
use super::history::Signal;
use super::knock::Outgoing;
use super::outbox::OutgoingMessage;
use super::{LASTS, SignalContext, SignalError, SignalId, SignalMessage, Signals, message_text};
use crate::id::UserId;
use crate::text::{MAX_EMOJI, display_text};
use crate::time::Now;
use crate::view::signals::{ExchangeKind, When};

impl Signals {
    pub(super) fn knock(
        &mut self,
        context: SignalContext<'_>,
        to: &UserId,
        text: Option<&str>,
        when: When,
        id: &SignalId,
    ) {
        self.typing_marks.extend(self.typing.stop(Some(to)));
        let text = text.map_or(Ok(None), message_text);
        let header = Header::new(context, to, id, text.clone().unwrap_or_default());
        let text = text.map(|_| ()).map_err(SignalError::from);
        self.begin(context, header, ExchangeKind::Knock, when, text);
    }

    pub(super) fn wave(
        &mut self,
        context: SignalContext<'_>,
        to: &UserId,
        emoji: Option<&str>,
        id: &SignalId,
    ) {
        let emoji = emoji.and_then(|emoji| display_text(emoji, MAX_EMOJI));
        let header = Header::new(context, to, id, emoji);
        self.begin(context, header, ExchangeKind::Wave, When::Now, Ok(()));
    }

    fn begin(
        &mut self,
        context: SignalContext<'_>,
        header: Header,
        kind: ExchangeKind,
        when: When,
        text: Result<(), SignalError>,
    ) {
        let (now, to) = (context.now.mono, &header.with);
        let limit = match kind {
            ExchangeKind::Knock => &mut self.knocks_sent,
            ExchangeKind::Wave => &mut self.waves_sent,
        };
        let allowed = text
            .and_then(|()| if *to == self.me { Err(SignalError::Myself) } else { Ok(()) })
            .and_then(|()| context.check(to, &header.name, when))
            .and_then(|()| limit.take(now, to).map_err(|_| SignalError::TooMany));
        self.keep(Signal::Outgoing(Outgoing::new(now, header, kind, when, allowed)));
    }

    /// Takes my knock back, or ends the waiting of somebody else's.
    pub(super) fn withdraw(&mut self, context: SignalContext<'_>, with: &UserId, id: &SignalId) {
        let now = context.now.mono;
        if !self.with_outgoing(context, with, id, |knock| knock.withdraw(now)) {
            self.with_incoming(context, with, id, |knock| knock.decline(now));
        }
    }

    /// Takes back the knocks that wait, because the app quits.
    pub(crate) fn withdraw_waiting(&mut self, context: SignalContext<'_>) {
        let waiting = self.history.all_outgoing().filter(|it| it.is_announced());
        let ids = |it: &mut Outgoing| (it.header.with.clone(), it.header.id.clone());
        for (with, id) in waiting.map(ids).collect::<Vec<_>>() {
            self.withdraw(context, &with, &id);
        }
    }

    /// The broker has a message, or will never have it.
    pub(super) fn settle(
        &mut self,
        now: Now,
        message: &OutgoingMessage,
        outcome: Result<(), SignalError>,
    ) {
        let to = &message.to;
        let changed = match (&message.message, outcome) {
            (SignalMessage::Knock { id, .. } | SignalMessage::Wave { id, .. }, outcome) => {
                let signal = self.history.outgoing(to, id);
                signal.is_some_and(|it| it.handle_published(now.mono, outcome))
            }
            (SignalMessage::Answer { re, of: None, .. }, Err(error)) => {
                let knock = self.history.incoming(to, re);
                knock.is_some_and(|it| !it.fail_answer(error).is_empty())
            }
            _ => false,
        };
        self.revision += u64::from(changed);
    }

    /// A connection is up.
    pub(crate) fn connection_up(&mut self, now: Now) {
        for knock in self.history.all_outgoing() {
            if let Some(message) = knock.handle_connection_up(now.mono) {
                self.outbox.push(knock.header.with.clone(), message, now.mono + LASTS);
            }
        }
        self.update_deadline();
    }
}
