//! The engine's deadlines, in one table.
//!
//! Owns which deadlines there are, when each is due, and what follows. Both matches are exhaustive:
//! a new deadline does not compile before its time and its consequence are written.

use super::Engine;
use super::local_device::LocalDevice;
use crate::connection::ConnectionFailure;
use crate::effect::Effect;
use crate::notification::Notification;
use crate::session::{Phase, SessionDeadline, Target};
use crate::signal::Signals;
use crate::time::{Monotonic, Now};

/// A kind of deadline of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deadline {
    /// A phase of the connection ends; see [`SessionDeadline`].
    Session,
    /// The broker has not acknowledged a publish in time.
    Puback,
    /// The Will connection should open, or has taken too long.
    WillConnection,
    /// The window has shown the problem of the new identity for long enough.
    NewIdentity,
    /// A check of the access to the roster has no answer.
    RosterCheck,
    /// Something about a person ends by itself, or the roster has settled after a new connection.
    Roster,
    /// Notifications waited for others to join them, and appear.
    Notifications,
    /// A pause of notifications or the quiet hours end.
    Silence,
    /// A knock, a wave or a typing mark has its next step.
    Signals,
    /// The person becomes away, because no input came for long enough.
    Availability,
    /// A chosen status ends.
    Choice,
    /// This device's records are due.
    Records,
}

impl Deadline {
    const ALL: [Self; 12] = [
        Self::RosterCheck,
        Self::Roster,
        Self::Silence,
        Self::Session,
        Self::Puback,
        Self::WillConnection,
        Self::NewIdentity,
        Self::Notifications,
        Self::Signals,
        Self::Availability,
        Self::Choice,
        Self::Records,
    ];
}

impl Engine {
    /// When the next deadline is due.
    pub(super) fn deadline(&self, now: Now) -> Option<Monotonic> {
        Deadline::ALL.into_iter().filter_map(|deadline| self.due_at(now, deadline)).min()
    }

    /// Handles every deadline that is due.
    pub(super) fn follow_time(&mut self, now: Now) {
        for deadline in Deadline::ALL {
            if self.due_at(now, deadline).is_some_and(|at| at <= now.mono) {
                self.handle_deadline(now, deadline);
            }
        }
    }

    fn due_at(&self, now: Now, deadline: Deadline) -> Option<Monotonic> {
        // A device that hides or has no connection publishes nothing.
        let speaks = || self.session.is_up() && !self.hidden && self.target(now) == Target::Visible;
        match deadline {
            Deadline::Session => self.session.next_deadline().map(|(_, at)| at),
            Deadline::Puback => self.publishes.next_deadline(),
            Deadline::WillConnection => self
                .will_connection
                .next_deadline()
                .filter(|_| self.local_device.is_some() && speaks()),
            Deadline::NewIdentity => self.renewal.next_deadline(),
            Deadline::RosterCheck => self.check_deadline(),
            Deadline::Roster => self.roster.next_deadline(),
            Deadline::Notifications => self.notifications.next_deadline(),
            Deadline::Silence => self.silence.next_deadline(now, &self.policy),
            Deadline::Signals => self.signals.as_ref().and_then(Signals::next_deadline),
            Deadline::Availability => {
                self.local_device.as_ref().and_then(|own| own.availability.next_deadline(now))
            }
            Deadline::Choice => {
                self.user_status.as_ref().and_then(|choosing| choosing.next_deadline(now))
            }
            Deadline::Records => {
                self.local_device.as_ref().filter(|_| speaks()).and_then(LocalDevice::next_deadline)
            }
        }
    }

    fn handle_deadline(&mut self, now: Now, deadline: Deadline) {
        match deadline {
            Deadline::Session => self.handle_session_deadline(now),
            Deadline::Puback => self.note_unacknowledged(),
            Deadline::WillConnection => self.handle_will_connection_deadline(now),
            Deadline::NewIdentity => {
                self.renewal.told();
                self.problems.remove(super::renewal::CODE);
            }
            Deadline::RosterCheck => {
                self.judge_check(now);
            }
            Deadline::Roster => self.roster.expire(now),
            Deadline::Notifications => self.notify_due(now),
            Deadline::Silence => self.preferred += u64::from(self.silence.expire(now)),
            // The later stages check the time themselves, for each input.
            Deadline::Signals | Deadline::Availability | Deadline::Choice | Deadline::Records => {}
        }
    }

    fn handle_session_deadline(&mut self, now: Now) {
        match self.session.next_deadline().map(|(deadline, _)| deadline) {
            Some(SessionDeadline::Retry) => self.connect_now(now),
            Some(SessionDeadline::Connack) => self.give_up(now, &ConnectionFailure::NoConnack),
            Some(SessionDeadline::Suback) => self.give_up(now, &ConnectionFailure::NoSuback),
            Some(SessionDeadline::RetainedRead) => self.come_up(now),
            Some(SessionDeadline::Stable) => self.session.note_stable(),
            Some(SessionDeadline::Goodbye) => {
                if let Phase::Leaving { target, .. } = self.session.phase {
                    self.finish_goodbye(now, target, false);
                }
            }
            None => {}
        }
    }

    /// Ends a connection whose broker does not answer, as if it had broken.
    fn give_up(&mut self, now: Now, failure: &ConnectionFailure) {
        self.drop_connections();
        self.handle_down(now, failure);
    }

    fn notify_due(&mut self, now: Now) {
        for notification in self.due_notifications(now) {
            if let (Notification::Came(who) | Notification::CameBack(who), Some(signals)) =
                (&notification, &mut self.signals)
                && signals.was_recently_notified(now, &who.user)
            {
                continue;
            }
            self.notify(notification);
        }
    }

    /// Closes both connections without a DISCONNECT, so the broker publishes their Wills. Later
    /// events of them are ignored.
    pub(super) fn drop_connections(&mut self) {
        self.connection = None;
        self.will_connection = super::WillConnection::Off;
        self.effects.push_back(Effect::Drop);
    }
}
