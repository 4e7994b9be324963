//! The messages of others, and those of my other devices.

use super::header::Header;
use super::history::Signal;
use super::knock::IncomingKnock;
use super::waves::IncomingWaves;
use super::{SignalContext, SignalId, SignalMessage, Signals, rings};
use crate::id::UserId;
use crate::notification::Suppressed;
use crate::view::signals::When;

/// Maximum number of knocks of one person that are held while I do not act on them.
const PENDING: usize = 5;

impl Signals {
    pub(super) fn handle_message(
        &mut self,
        context: SignalContext<'_>,
        from: &UserId,
        message: &SignalMessage,
    ) -> Result<(), Suppressed> {
        use SignalMessage::{Again, Answer, Delivered, Free, Knock, Seen, Typing, Waiting};
        use SignalMessage::{Wave, Withdrawn};
        let (now, from_me) = (context.now.mono, *from == self.me);
        match message {
            Seen { re, of: Some(of) }
            | Answer { re, of: Some(of), .. }
            | Withdrawn { re, of: Some(of) }
                if from_me && self.takes_knocks =>
            {
                self.end(context, of, re, message);
            }
            _ if from_me => {}
            Delivered { re } | Free { re } | Seen { re, .. } | Answer { re, .. } => {
                self.with_outgoing(context, from, re, |it| it.handle_message(now, message));
            }
            Withdrawn { re, .. } => {
                let mine =
                    self.with_outgoing(context, from, re, |it| it.handle_message(now, message));
                if !mine && self.takes_knocks {
                    self.end(context, from, re, message);
                }
            }
            _ if !self.takes_knocks => {}
            Knock { id, text, both_free } => {
                let when = if *both_free { When::BothFree } else { When::Now };
                let header = Header::new(context, from, id, text.clone());
                return self.handle_knock(context, IncomingKnock::new(header, when));
            }
            Waiting { id, text } => {
                let header = Header::new(context, from, id, text.clone());
                self.handle_waiting(IncomingKnock::new(header, When::BothFree));
            }
            Again { re } => {
                self.with_incoming(context, from, re, |it| it.handle_again(now));
            }
            Wave { id, emoji } => {
                return self.handle_wave(context, Header::new(context, from, id, emoji.clone()));
            }
            Typing(typing) => {
                let shown = !self.muted.contains(from);
                let changed = shown && self.typing.receive(context.now, from, *typing);
                self.revision += u64::from(changed);
            }
        }
        Ok(())
    }

    /// Nobody needs to act on somebody's knock any more. If the knock comes only later, it does not ring.
    fn end(
        &mut self,
        context: SignalContext<'_>,
        from: &UserId,
        id: &SignalId,
        message: &SignalMessage,
    ) {
        self.history.note(from, id);
        self.with_incoming(context, from, id, |it| it.handle_end(message));
    }

    fn handle_knock(
        &mut self,
        context: SignalContext<'_>,
        mut knock: IncomingKnock,
    ) -> Result<(), Suppressed> {
        let now = context.now.mono;
        let (from, id) = (knock.header.with.clone(), knock.header.id.clone());
        let rings = rings(context, &self.muted, &from);
        if self.with_incoming(context, &from, &id, |it| it.handle_knock(now, rings)) {
            return Ok(());
        }
        if self.history.knows(&from, &id) {
            return Err(Suppressed::Repeated);
        }
        if self.history.incoming_from(&from).filter(|it| it.is_pending()).count() >= PENDING {
            return Err(Suppressed::TooMany);
        }
        self.knocks_received.take(now, &from).map_err(|_| Suppressed::TooMany)?;
        let actions = knock.handle_knock(now, rings);
        self.keep(Signal::Incoming(knock));
        self.perform(context, &from, actions);
        Ok(())
    }

    fn handle_waiting(&mut self, knock: IncomingKnock) {
        let Header { with: from, id, .. } = &knock.header;
        let known = self.history.knows(from, id)
            || self.history.incoming(from, id).is_some()
            || self.history.incoming_from(from).filter(|it| it.is_waiting()).count() >= PENDING;
        if !known {
            self.keep(Signal::Incoming(knock));
        }
    }

    fn handle_wave(
        &mut self,
        context: SignalContext<'_>,
        header: Header,
    ) -> Result<(), Suppressed> {
        let Header { with: from, id, .. } = &header;
        if self.history.knows(from, id) {
            return Err(Suppressed::Repeated);
        }
        if self.muted.contains(from) {
            return Err(Suppressed::Muted);
        }
        self.waves_received.take(context.now.mono, from).map_err(|_| Suppressed::TooMany)?;
        self.history.note(from, id);
        let rings = rings(context, &self.muted, from);
        if rings.is_ok() {
            self.bursts.add(context.now, &header);
        }
        match self.history.list.back_mut() {
            Some(Signal::Waves(last)) if last.is_continued(context.now.mono, from) => {
                last.add(header);
                self.revision += 1;
            }
            _ => self.keep(Signal::Waves(IncomingWaves::new(context.now.mono, header))),
        }
        rings
    }
}
