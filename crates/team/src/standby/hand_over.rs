//! The host: it hands the team to its backup before it goes away, and takes it back.

use std::collections::VecDeque;
use std::time::Duration;

use porchlight_core::team::WhyAway;
use porchlight_core::time::Monotonic;

use super::{STAYS, StandbyRule};

/// How long to wait until the backup serves. The system gives a program some seconds before it sleeps, and closing the
/// members takes half a second of its own.
const CONFIRMED: Duration = Duration::from_millis(1_500);

/// What happens to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOverInput {
    /// The backup follows.
    Followed,
    /// The backup closed its stream, or the stream broke.
    Unfollowed,
    /// This computer is about to sleep, or Porchlight is about to quit here.
    GoesAway(WhyAway),
    /// This computer slept, or it does not sleep or quit after all.
    Stays,
}

/// What the host does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOverEffect {
    /// Refuse changes and new connections from now on ([`HandOver::is_serving`]), then send the backup the last changes
    /// and `hands_over`.
    Tell(WhyAway),
    /// Hear nobody any more, publish no Will, and close the members' connections: the backup serves them.
    CloseMembers,
    /// Let the computer sleep, or quit.
    Proceed,
    /// Serve again, and change the team again.
    TakeBack,
}

/// How the host hands the team to its backup before it goes away.
///
/// Call [`HandOver::handle`] with what happened and [`HandOver::tick`] at [`HandOver::next_deadline`]. After each call
/// carry out [`HandOver::poll_effect`] until there is none. Without a backup that follows it closes nobody.
///
/// ```
/// use porchlight_core::team::WhyAway;
/// use porchlight_core::time::Monotonic;
/// use porchlight_team::{HandOver, HandOverEffect, HandOverInput};
///
/// let mut hand_over = HandOver::default();
/// hand_over.handle(Monotonic::default(), HandOverInput::GoesAway(WhyAway::Asleep));
/// assert_eq!(hand_over.poll_effect(), Some(HandOverEffect::Proceed));
/// assert!(hand_over.is_serving());
/// ```
#[derive(Debug, Default)]
pub struct HandOver {
    followed: bool,
    stage: Stage,
    effects: VecDeque<HandOverEffect>,
    without: Option<StandbyRule>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Serving,
    /// It waits until the backup serves.
    Telling {
        until: Monotonic,
    },
    HandedOver {
        until: Monotonic,
    },
}

impl HandOver {
    /// A host without one of its rules, for the simulation.
    #[doc(hidden)]
    #[must_use]
    pub fn without(rule: Option<StandbyRule>) -> Self {
        Self { without: rule, ..Self::default() }
    }

    fn has(&self, rule: StandbyRule) -> bool {
        self.without != Some(rule)
    }

    // --- getters

    /// Whether members may connect here, the team may be changed, and the backup may follow. If not, refuse all three
    /// (503 `standby`): the backup would not learn what happens after it was told.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.stage == Stage::Serving || !self.has(StandbyRule::Refuse)
    }

    /// When to call [`HandOver::tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Monotonic> {
        match self.stage {
            Stage::Serving => None,
            Stage::Telling { until } => Some(until).filter(|_| self.has(StandbyRule::InTime)),
            Stage::HandedOver { until } => Some(until).filter(|_| self.has(StandbyRule::TakeBack)),
        }
    }

    /// The next step for the driver.
    pub fn poll_effect(&mut self) -> Option<HandOverEffect> {
        self.effects.pop_front()
    }

    // --- inputs

    /// Does what has become due.
    pub fn tick(&mut self, now: Monotonic) {
        if self.next_deadline().is_some_and(|at| at <= now) {
            match self.stage {
                Stage::Serving => {}
                Stage::Telling { .. } => self.close_members(now),
                Stage::HandedOver { .. } => self.take_back(),
            }
        }
    }

    /// Takes what happened.
    pub fn handle(&mut self, now: Monotonic, input: HandOverInput) {
        match input {
            HandOverInput::Followed => self.followed = true,
            HandOverInput::Unfollowed => {
                self.followed = false;
                // It listens. If the stream broke instead, there is nobody to wait for.
                if matches!(self.stage, Stage::Telling { .. }) {
                    self.close_members(now);
                }
            }
            HandOverInput::GoesAway(why) => self.go_away(now, why),
            HandOverInput::Stays => {
                if self.stage != Stage::Serving && self.has(StandbyRule::TakeBack) {
                    self.take_back();
                }
            }
        }
    }

    fn go_away(&mut self, now: Monotonic, why: WhyAway) {
        match self.stage {
            Stage::Serving if self.followed || !self.has(StandbyRule::OnlyFollowed) => {
                if !self.has(StandbyRule::TellFirst) {
                    self.effects.push_back(HandOverEffect::CloseMembers);
                }
                self.effects.push_back(HandOverEffect::Tell(why));
                self.stage = Stage::Telling { until: now + CONFIRMED };
            }
            // Nobody was sent away, so nobody has to be taken back.
            Stage::Serving => self.effects.push_back(HandOverEffect::Proceed),
            Stage::Telling { .. } => {}
            Stage::HandedOver { .. } => {
                self.stage = Stage::HandedOver { until: now + STAYS };
                self.effects.push_back(HandOverEffect::Proceed);
            }
        }
    }

    fn close_members(&mut self, now: Monotonic) {
        self.stage = Stage::HandedOver { until: now + STAYS };
        self.effects.push_back(HandOverEffect::CloseMembers);
        self.effects.push_back(HandOverEffect::Proceed);
    }

    fn take_back(&mut self) {
        self.stage = Stage::Serving;
        self.effects.push_back(HandOverEffect::TakeBack);
    }
}
