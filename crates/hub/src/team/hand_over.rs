//! The host hands the team to its backup before it goes away, and takes it back.
//!
//! When is [`porchlight_team::HandOver`]'s; this carries it out.

use super::Team;
use crate::clock;
use porchlight_core::team::WhyAway;
use porchlight_team::{HandOver, HandOverEffect, HandOverInput};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// The longest time that a hand-over can take.
const LIMIT: Duration = Duration::from_secs(3);

/// The hand-over of a hub, and the backup to which it would go.
pub(super) struct HandOverState {
    state: Mutex<State>,
    /// The deadline of the machine may have changed.
    changed: Notify,
    /// How often the computer was let go.
    proceeded: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    machine: HandOver,
    follower: Option<Follower>,
    followers: u64,
}

/// The backup that follows at present.
struct Follower {
    id: u64,
    credential: String,
    /// Why the host goes away, once it does.
    hands_over: watch::Sender<Option<WhyAway>>,
}

impl Default for HandOverState {
    fn default() -> Self {
        let (proceeded, _) = watch::channel(0);
        Self { state: Mutex::default(), changed: Notify::new(), proceeded }
    }
}

impl HandOverState {
    /// The credential of the device that follows.
    pub(super) fn follower(&self) -> Option<String> {
        self.state().follower.as_ref().map(|follower| follower.credential.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Team {
    /// Sends everybody to the backup, because this computer goes away. Returns whether it did. Without a backup that follows
    /// nothing changes.
    pub(crate) async fn hand_over(&self, why: WhyAway) -> bool {
        let mut proceeded = self.hand_over.proceeded.subscribe();
        self.take_input(HandOverInput::GoesAway(why));
        if tokio::time::timeout(LIMIT, proceeded.changed()).await.is_err() {
            tracing::warn!("the team could not be handed over in time");
        }
        !self.custody().is_serving()
    }

    /// Serves again after a hand-over. Returns whether there was one.
    pub(crate) fn end_hand_over(&self) -> bool {
        let was_host = self.custody().is_serving();
        self.take_input(HandOverInput::Stays);
        !was_host && self.custody().is_serving()
    }

    /// Whether the backup follows.
    pub(crate) fn is_followed(&self) -> bool {
        self.hand_over.follower().is_some()
    }

    /// Does what becomes due, while it is polled.
    pub(crate) async fn run_hand_over(&self) {
        loop {
            let due = self.hand_over.state().machine.next_deadline();
            let wait = async {
                match due {
                    Some(due) => tokio::time::sleep(due.since(clock::now().mono)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.hand_over.changed.notified() => {}
                () = wait => {
                    let mut state = self.hand_over.state();
                    state.machine.tick(clock::now().mono);
                    self.carry_out(&mut state);
                }
            }
        }
    }

    /// A backup follows from now on, in the place of the one before. Returns its number, and what it waits for.
    pub(super) fn followed(&self, credential: &str) -> (u64, watch::Receiver<Option<WhyAway>>) {
        let (hands_over, told) = watch::channel(None);
        let mut state = self.hand_over.state();
        state.followers += 1;
        let id = state.followers;
        let credential = credential.to_owned();
        state.follower = Some(Follower { id, credential, hands_over });
        state.machine.handle(clock::now().mono, HandOverInput::Followed);
        (id, told)
    }

    /// The backup with this number follows no more.
    pub(super) fn unfollowed(&self, id: u64) {
        let is_current = self.hand_over.state().follower.take_if(|it| it.id == id).is_some();
        if is_current {
            self.take_input(HandOverInput::Unfollowed);
        }
    }

    fn take_input(&self, input: HandOverInput) {
        let mut state = self.hand_over.state();
        state.machine.handle(clock::now().mono, input);
        self.carry_out(&mut state);
        self.hand_over.changed.notify_one();
    }

    fn carry_out(&self, state: &mut State) {
        while let Some(effect) = state.machine.poll_effect() {
            match effect {
                HandOverEffect::Tell(why) => {
                    self.custody().hand_over();
                    if let Some(follower) = &state.follower {
                        follower.hands_over.send_replace(Some(why));
                    }
                }
                HandOverEffect::CloseMembers => {
                    self.custody().close();
                    self.connections().close_members(|_| true);
                    tracing::info!("the backup computer serves the team from now on");
                }
                HandOverEffect::Proceed => self.hand_over.proceeded.send_modify(|n| *n += 1),
                HandOverEffect::TakeBack => {
                    if let Some(follower) = &state.follower {
                        follower.hands_over.send_replace(None);
                    }
                    self.mark_back();
                    self.custody().take_back();
                    self.ledger().thaw();
                    tracing::info!("this computer serves the team again");
                }
            }
        }
    }
}
