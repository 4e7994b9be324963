//! Sends events to the app, even if it is slow.
//!
//! This module bounds the waiting events. An app may not read for a while, such as a stopped
//! terminal or a window that hangs. That must neither hold up presence nor fill the memory. Events
//! that do not fit into the channel are merged into what the app will need later: one update in
//! place of many.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use porchlight_core::view::{PersonView, Update};
use tokio::sync::mpsc::{self, error::TrySendError};

use super::Event;

/// The number of events that may wait in the channel.
pub(super) const WAITING: usize = 1024;
/// The number of other events that may wait outside it. The oldest are dropped first.
const MAX_OTHERS: usize = 64;

/// The sending side of the app's events.
pub(super) struct Events {
    sender: mpsc::Sender<Event>,
    waiting: Waiting,
}

/// Events that did not fit into the channel.
#[derive(Debug, Default)]
struct Waiting {
    update: Option<MergedUpdate>,
    tray: Option<Event>,
    dropped: Option<Event>,
    others: VecDeque<Event>,
}

/// Several updates merged into one.
#[derive(Debug, Default)]
struct MergedUpdate {
    last: Update,
    joins: BTreeMap<String, PersonView>,
    changes: BTreeMap<String, PersonView>,
    leaves: BTreeSet<String>,
}

impl Events {
    pub(super) fn new(sender: mpsc::Sender<Event>) -> Self {
        Self { sender, waiting: Waiting::default() }
    }

    /// Sends an event after the earlier ones.
    pub(super) fn tell(&mut self, event: Event) {
        if !self.waiting.is_empty() {
            self.waiting.push(event);
            return;
        }
        match self.sender.try_send(event) {
            Ok(()) => {}
            Err(TrySendError::Full(event)) => self.waiting.push(event),
            // It does not matter to the agent if the app stopped listening.
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Waits until the app can receive a queued event, and sends it. Pends if none is queued.
    /// Cancel-safe.
    pub(super) async fn flush(&mut self) {
        if self.waiting.is_empty() {
            return std::future::pending().await;
        }
        match self.sender.reserve().await {
            Ok(permit) => {
                if let Some(event) = self.waiting.next() {
                    permit.send(event);
                }
            }
            Err(_) => self.waiting = Waiting::default(),
        }
    }

    /// Sends all queued events. Cancel-safe.
    pub(super) async fn flush_all(&mut self) {
        while !self.waiting.is_empty() {
            self.flush().await;
        }
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.update.is_none()
            && self.tray.is_none()
            && self.dropped.is_none()
            && self.others.is_empty()
    }

    fn push(&mut self, event: Event) {
        match event {
            Event::Show(update) => self.update.get_or_insert_default().fold(update),
            Event::Tray(_) => self.tray = Some(event),
            Event::Dropped(_) => self.dropped = Some(event),
            Event::Notify(_)
            | Event::WithdrawNotification(_)
            | Event::SnapshotRead
            | Event::ChoiceSettled(_)
            | Event::Stopped => {
                if self.others.len() >= MAX_OTHERS {
                    self.others.pop_front();
                }
                self.others.push_back(event);
            }
        }
    }

    /// The next event. The update comes first, because the other events refer to it.
    fn next(&mut self) -> Option<Event> {
        let update = self.update.take().map(|merged| Event::Show(merged.into_update()));
        update
            .or_else(|| self.tray.take())
            .or_else(|| self.dropped.take())
            .or_else(|| self.others.pop_front())
    }
}

impl MergedUpdate {
    fn fold(&mut self, update: Update) {
        let Update { seq, me, link, joins, changes, leaves, problems, signals, preferences } =
            update;
        let last = &mut self.last;
        last.seq = seq;
        last.me = me.or(last.me.take());
        last.link = link.or(last.link.take());
        last.problems = problems.or(last.problems.take());
        last.signals = signals.or(last.signals.take());
        last.preferences = preferences.or(last.preferences.take());
        for person in joins {
            // A person who left and came back in the meantime has changed.
            let again = self.leaves.remove(&person.user);
            let people = if again { &mut self.changes } else { &mut self.joins };
            people.insert(person.user.clone(), person);
        }
        for person in changes {
            let new = self.joins.contains_key(&person.user);
            let people = if new { &mut self.joins } else { &mut self.changes };
            people.insert(person.user.clone(), person);
        }
        for user in leaves {
            self.changes.remove(&user);
            // The app never learned of a person who came in the meantime.
            if self.joins.remove(&user).is_none() {
                self.leaves.insert(user);
            }
        }
    }

    fn into_update(self) -> Update {
        Update {
            joins: self.joins.into_values().collect(),
            changes: self.changes.into_values().collect(),
            leaves: self.leaves.into_iter().collect(),
            ..self.last
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(user: &str, status: &str) -> PersonView {
        PersonView { user: user.to_owned(), status: status.to_owned(), ..PersonView::default() }
    }

    fn update(
        seq: u64,
        joins: &[(&str, &str)],
        changes: &[(&str, &str)],
        leaves: &[&str],
    ) -> Event {
        let people = |list: &[(&str, &str)]| {
            list.iter().map(|(user, status)| person(user, status)).collect::<Vec<_>>()
        };
        Event::Show(Update {
            seq,
            joins: people(joins),
            changes: people(changes),
            leaves: leaves.iter().map(ToString::to_string).collect(),
            ..Update::default()
        })
    }

    /// The people that an app which folds updates shows.
    fn fold(people: &mut BTreeMap<String, String>, event: &Event) {
        let Event::Show(update) = event else { return };
        for person in update.joins.iter().chain(&update.changes) {
            people.insert(person.user.clone(), person.status.clone());
        }
        for user in &update.leaves {
            people.remove(user);
        }
    }

    #[tokio::test]
    async fn an_app_that_reads_late_shows_the_same_as_one_that_reads_at_once() {
        let mut rng = fastrand::Rng::with_seed(4);
        for capacity in [1, 2, 8] {
            let (sender, mut receiver) = mpsc::channel(capacity);
            let mut events = Events::new(sender);
            let (mut quick, mut late) = (BTreeMap::new(), BTreeMap::new());
            for seq in 1..500 {
                let user = ["a", "b", "c", "d"][rng.usize(..4)];
                let status = ["online", "away", "dnd"][rng.usize(..3)];
                let event = match (quick.contains_key(user), rng.bool()) {
                    (false, _) => update(seq, &[(user, status)], &[], &[]),
                    (true, true) => update(seq, &[], &[(user, status)], &[]),
                    (true, false) => update(seq, &[], &[], &[user]),
                };
                fold(&mut quick, &event);
                events.tell(event);
                if rng.u8(..) < 20 {
                    while let Ok(event) = receiver.try_recv() {
                        fold(&mut late, &event);
                    }
                }
            }
            loop {
                while let Ok(event) = receiver.try_recv() {
                    fold(&mut late, &event);
                }
                if events.waiting.is_empty() {
                    break;
                }
                events.flush().await;
            }
            assert_eq!(quick, late);
        }
    }

    #[tokio::test]
    async fn an_app_that_does_not_read_neither_fills_memory_nor_blocks_the_agent() {
        let (sender, mut receiver) = mpsc::channel(2);
        let mut events = Events::new(sender);
        for seq in 0..100_000 {
            events.tell(update(seq, &[], &[("a", "away")], &[]));
            events.tell(Event::SnapshotRead);
            events.tell(Event::WithdrawNotification(seq.to_string()));
        }
        assert_eq!(events.waiting.others.len(), MAX_OTHERS);
        assert_eq!(events.waiting.update.as_ref().map(|it| it.changes.len()), Some(1));
        // The last event arrives in the end.
        events.tell(Event::Stopped);
        let read = async {
            let mut last = None;
            while let Some(event) = receiver.recv().await {
                let stopped = event == Event::Stopped;
                last = Some(event);
                if stopped {
                    break;
                }
            }
            last
        };
        let ((), last) = tokio::join!(events.flush_all(), read);
        assert_eq!(last, Some(Event::Stopped));
    }

    #[tokio::test]
    async fn an_app_that_has_gone_gets_no_events() {
        let (sender, receiver) = mpsc::channel(1);
        let mut events = Events::new(sender);
        for seq in 0..5 {
            events.tell(update(seq, &[], &[], &[]));
        }
        drop(receiver);
        events.flush_all().await;
        assert!(events.waiting.is_empty());
    }
}
