//! The figures of a day: how long each person's dot was wrong, on whose screen, and why.
//!
//! Owns what *wrong* and *in doubt* mean. Deliberately knows no design and no network.

use crate::cause::Cause;
use crate::script::{Ms, PEOPLE, SECOND};

/// Each person has eleven viewers.
const PAIRS: u32 = 12 * 11;

/// What a person is, or is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Offline,
    Away,
    Online,
}

impl Status {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Away => "away",
            Self::Online => "online",
        }
    }
}

/// One person on somebody's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dot {
    pub(crate) status: Status,
    /// The screen says that this may be so no longer.
    pub(crate) doubt: bool,
}

/// An uninterrupted time in which one dot was wrong on one screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) person: usize,
    pub(crate) viewer: usize,
    pub(crate) from: Ms,
    pub(crate) to: Ms,
    pub(crate) shown: Status,
    pub(crate) truth: Status,
    pub(crate) cause: Cause,
}

impl Wrong {
    pub(crate) const fn lasts(&self) -> Ms {
        self.to - self.from
    }

    /// Whether somebody who is here is shown as gone, or the reverse.
    pub(crate) fn is_about_being_here(shown: Status, truth: Status) -> bool {
        (shown == Status::Offline) != (truth == Status::Offline)
    }
}

/// The screen that somebody looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen<'a> {
    pub(crate) dots: &'a [Dot; PEOPLE],
    /// The viewer's own computer has just started or woken, or its network fails or has just failed.
    pub(crate) troubled: bool,
}

#[derive(Debug, Clone, Copy)]
enum Seen {
    /// The viewer does not look.
    Nothing,
    Right,
    Doubt,
    Wrong {
        from: Ms,
        shown: Status,
        truth: Status,
        cause: Cause,
    },
}

/// A day's figures.
#[derive(Debug)]
pub(crate) struct Figures {
    at: Ms,
    /// By viewer, then by person.
    seen: [[Seen; PEOPLE]; PEOPLE],
    /// For each person and cause, milliseconds weighted by the share of those looking who see something wrong.
    wrong: [[f64; Cause::ALL.len()]; PEOPLE],
    here_or_gone: f64,
    doubt: f64,
    pub(crate) events: Vec<Wrong>,
}

impl Figures {
    pub(crate) fn new(at: Ms) -> Self {
        Self {
            at,
            seen: [[Seen::Nothing; PEOPLE]; PEOPLE],
            wrong: [[0.0; Cause::ALL.len()]; PEOPLE],
            here_or_gone: 0.0,
            doubt: 0.0,
            events: Vec::new(),
        }
    }

    /// Takes the truth and the screens as they are from now on.
    pub(crate) fn note(
        &mut self,
        now: Ms,
        truth: &[Status; PEOPLE],
        causes: &[Cause; PEOPLE],
        screens: &[Option<Screen<'_>>; PEOPLE],
    ) {
        self.count_until(now);
        for person in 0..PEOPLE {
            let is = truth[person];
            for (viewer, screen) in screens.iter().enumerate().filter(|(v, _)| *v != person) {
                let new = match screen {
                    None => Seen::Nothing,
                    Some(screen) if screen.dots[person].doubt => Seen::Doubt,
                    Some(screen) if screen.dots[person].status == is => Seen::Right,
                    Some(screen) => {
                        let shown = screen.dots[person].status;
                        let cause = self.cause_of(person, shown, is).unwrap_or({
                            if screen.troubled { Cause::Viewer } else { causes[person] }
                        });
                        Seen::Wrong { from: now, shown, truth: is, cause }
                    }
                };
                self.see(now, viewer, person, new);
            }
        }
    }

    /// The cause on another screen that already shows the same wrong status: a viewer who returns did not cause it.
    fn cause_of(&self, person: usize, shown: Status, truth: Status) -> Option<Cause> {
        self.seen.iter().find_map(|seen| match seen[person] {
            Seen::Wrong { shown: s, truth: t, cause, .. } if (s, t) == (shown, truth) => {
                Some(cause)
            }
            _ => None,
        })
    }

    fn see(&mut self, now: Ms, viewer: usize, person: usize, new: Seen) {
        let old = &mut self.seen[viewer][person];
        if let Seen::Wrong { from, shown, truth, cause } = *old {
            if matches!(new, Seen::Wrong { shown: s, truth: t, .. } if (s, t) == (shown, truth)) {
                return;
            }
            if from < now {
                self.events.push(Wrong { person, viewer, from, to: now, shown, truth, cause });
            }
        }
        *old = new;
    }

    fn count_until(&mut self, now: Ms) {
        #[expect(clippy::cast_precision_loss, reason = "a day has few milliseconds")]
        let lasted = (now - self.at) as f64;
        self.at = now;
        if lasted == 0.0 {
            return;
        }
        for person in 0..PEOPLE {
            let looking = |seen: &&[Seen; PEOPLE]| !matches!(seen[person], Seen::Nothing);
            let viewers = u32::try_from(self.seen.iter().filter(looking).count()).unwrap_or(0);
            if viewers == 0 {
                continue;
            }
            let share = lasted / f64::from(viewers);
            for seen in &self.seen {
                match seen[person] {
                    Seen::Nothing | Seen::Right => {}
                    Seen::Doubt => self.doubt += share,
                    Seen::Wrong { shown, truth, cause, .. } => {
                        self.wrong[person][cause as usize] += share;
                        if Wrong::is_about_being_here(shown, truth) {
                            self.here_or_gone += share;
                        }
                    }
                }
            }
        }
    }

    /// The day is over.
    pub(crate) fn close(&mut self, now: Ms) {
        let nobody = [None; PEOPLE];
        self.note(now, &[Status::Offline; PEOPLE], &[Cause::ComeAndGo; PEOPLE], &nobody);
    }

    /// Wrong minutes a person.
    pub(crate) fn wrong(&self) -> f64 {
        Cause::ALL.iter().map(|cause| self.wrong_by(*cause)).sum()
    }

    /// The part of that with one cause.
    pub(crate) fn wrong_by(&self, cause: Cause) -> f64 {
        minutes_a_person(self.wrong.iter().map(|by| by[cause as usize]).sum())
    }

    /// Wrong minutes of one person with one cause.
    pub(crate) fn wrong_of(&self, person: usize, cause: Cause) -> f64 {
        self.wrong[person][cause as usize] / 60_000.0
    }

    /// The part of the wrong minutes that is about whether the person is here at all.
    pub(crate) fn here_or_gone(&self) -> f64 {
        minutes_a_person(self.here_or_gone)
    }

    /// Minutes a person in which the screen itself says that it may be out of date.
    pub(crate) fn doubt(&self) -> f64 {
        minutes_a_person(self.doubt)
    }

    /// How often one viewer is shown something wrong of one person for a second or longer.
    pub(crate) fn times(&self) -> f64 {
        let seen = self.events.iter().filter(|wrong| wrong.lasts() >= SECOND).count();
        f64::from(u32::try_from(seen).unwrap_or(u32::MAX)) / f64::from(PAIRS)
    }

    pub(crate) fn worst(&self) -> Option<Wrong> {
        self.events.iter().copied().max_by_key(Wrong::lasts)
    }
}

fn minutes_a_person(ms: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "twelve")]
    let people = PEOPLE as f64;
    ms / 60_000.0 / people
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::MINUTE;

    const ONLINE: Dot = Dot { status: Status::Online, doubt: false };
    const LOCK: [Cause; PEOPLE] = [Cause::Lock; PEOPLE];

    /// The first person's dot as two viewers see it for 12 minutes, when they are away.
    fn watched(first: Dot, second: Dot, troubled: bool) -> Figures {
        let mut truth = [Status::Online; PEOPLE];
        truth[0] = Status::Away;
        let mut dots = [[ONLINE; PEOPLE]; 2];
        (dots[0][0], dots[1][0]) = (first, second);
        let mut screens = [None; PEOPLE];
        screens[1] = Some(Screen { dots: &dots[0], troubled });
        screens[2] = Some(Screen { dots: &dots[1], troubled: false });
        let mut figures = Figures::new(0);
        figures.note(0, &truth, &LOCK, &screens);
        figures.close(12 * MINUTE);
        figures
    }

    fn is(figure: f64, expected: f64) {
        assert!((figure - expected).abs() < 1e-9, "{figure}, not {expected}");
    }

    #[test]
    fn where_half_of_those_looking_see_something_wrong_half_of_the_time_counts() {
        let right = Dot { status: Status::Away, doubt: false };
        let figures = watched(ONLINE, right, false);
        // Six minutes of one of twelve people.
        is(figures.wrong(), 0.5);
        is(figures.wrong_by(Cause::Lock), 0.5);
        is(figures.wrong_of(0, Cause::Lock), 6.0);
        is(figures.here_or_gone(), 0.0);
        is(watched(ONLINE, ONLINE, false).wrong(), 1.0);
        is(watched(right, right, false).wrong(), 0.0);
    }

    #[test]
    fn somebody_here_who_is_shown_as_gone_counts_apart() {
        let gone = Dot { status: Status::Offline, doubt: false };
        is(watched(gone, gone, false).here_or_gone(), 1.0);
    }

    #[test]
    fn what_a_screen_doubts_is_not_wrong_and_is_counted() {
        let doubted = Dot { doubt: true, ..ONLINE };
        let figures = watched(doubted, doubted, false);
        is(figures.wrong(), 0.0);
        is(figures.doubt(), 1.0);
        assert_eq!(figures.worst(), None);
    }

    #[test]
    fn a_viewer_in_trouble_is_the_cause_unless_others_see_the_same() {
        let right = Dot { status: Status::Away, doubt: false };
        is(watched(ONLINE, right, true).wrong_by(Cause::Viewer), 0.5);
        let mut figures = watched(ONLINE, ONLINE, false);
        let mut truth = [Status::Online; PEOPLE];
        truth[0] = Status::Away;
        let dots = [ONLINE; PEOPLE];
        let mut screens = [None; PEOPLE];
        screens[1] = Some(Screen { dots: &dots, troubled: false });
        figures.note(12 * MINUTE, &truth, &LOCK, &screens);
        screens[2] = Some(Screen { dots: &dots, troubled: true });
        figures.note(12 * MINUTE, &truth, &LOCK, &screens);
        figures.close(24 * MINUTE);
        is(figures.wrong_by(Cause::Lock), 2.0);
    }

    #[test]
    fn the_worst_event_is_the_longest_on_one_screen() {
        let worst = watched(ONLINE, ONLINE, false).worst().unwrap();
        let (shown, truth) = (Status::Online, Status::Away);
        assert_eq!((worst.lasts(), worst.person, worst.cause), (12 * MINUTE, 0, Cause::Lock));
        assert_eq!((worst.shown, worst.truth), (shown, truth));
    }
}
