//! How long a dot was wrong: what was shown from when on, held against what was so.
//!
//! The truth is what the script did to a person's devices, never what a client says of itself.

use std::time::Duration;

/// The word for a person who is not, or no longer, listed.
pub(crate) const UNLISTED: &str = "";

/// The status word that an observer showed from a moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) at: Duration,
    pub(crate) status: String,
}

/// What was so before something happened, and what is so since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) before: &'static str,
    /// The same as before, if what happened is nothing that others should see.
    pub(crate) after: &'static str,
    pub(crate) at: Duration,
}

impl Truth {
    /// When the person's devices do this at that moment, nothing changes for the others.
    pub(crate) fn unchanged(status: &'static str, at: Duration) -> Self {
        Self { before: status, after: status, at }
    }
}

/// How long a dot was wrong. Ordered, with the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// So long.
    For(Duration),
    /// It still was when nobody looked any more.
    ForEver,
}

/// What one run has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) wrong: Wrong,
    /// How often the word on the dot changed after it happened.
    pub(crate) changes: usize,
    /// Whether the person still had a dot at the end.
    pub(crate) listed: bool,
    /// How a whole team came back, where one was there.
    pub(crate) team: Option<Return>,
}

/// How a whole team came back after its broker did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Return {
    /// How long after the broker everybody showed everybody as online without a doubt, for good.
    pub(crate) sure: Wrong,
    /// How many notifications popped up meanwhile, anywhere.
    pub(crate) notices: usize,
}

impl Verdict {
    /// The worst of several dots that one thing happened to.
    pub(crate) fn worst(of: impl IntoIterator<Item = Self>) -> Option<Self> {
        of.into_iter().reduce(|one, other| Self {
            wrong: one.wrong.max(other.wrong),
            changes: one.changes.max(other.changes),
            listed: one.listed && other.listed,
            team: one.team.or(other.team),
        })
    }
}

/// Judges what was shown until `end`.
///
/// Where the truth changed, the dot is wrong until it is right for good: one that was right for a while was not to
/// be relied on. Where it did not, the dot is wrong for the sum of the times at which it was. Of somebody who is offline
/// and no longer listed, no dot says otherwise; the verdict tells so.
pub(crate) fn judge(truth: &Truth, sightings: &[Sighting], end: Duration) -> Verdict {
    let mut shown: Vec<(Duration, &str)> = vec![(truth.at, UNLISTED)];
    for sighting in sightings.iter().filter(|sighting| sighting.at <= end) {
        if sighting.at <= truth.at {
            shown[0].1 = &sighting.status;
        } else if shown.last().is_some_and(|(_, status)| *status != sighting.status) {
            shown.push((sighting.at, &sighting.status));
        }
    }
    let changes = shown.len() - 1;
    let (since, last) = shown[changes];
    let right = |status| status == truth.after || (status == UNLISTED && truth.after == "offline");
    let wrong = if !right(last) {
        Wrong::ForEver
    } else if truth.before != truth.after {
        Wrong::For(since - truth.at)
    } else {
        let wrong = shown.windows(2).filter(|pair| !right(pair[0].1));
        Wrong::For(wrong.map(|pair| pair[1].0 - pair[0].0).sum())
    };
    Verdict { wrong, changes, listed: last != UNLISTED, team: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Duration = Duration::from_secs(60);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn seen(sightings: &[(u64, &str)]) -> Vec<Sighting> {
        let sighting = |&(at, status): &(u64, &str)| Sighting { at: s(at), status: status.into() };
        sightings.iter().map(sighting).collect()
    }

    fn death_at_10(sightings: &[(u64, &str)]) -> (Wrong, usize) {
        let truth = Truth { before: "online", after: "offline", at: s(10) };
        let verdict = judge(&truth, &seen(sightings), END);
        (verdict.wrong, verdict.changes)
    }

    fn nothing_at_10(sightings: &[(u64, &str)]) -> (Wrong, usize) {
        let verdict = judge(&Truth::unchanged("online", s(10)), &seen(sightings), END);
        (verdict.wrong, verdict.changes)
    }

    #[test]
    fn a_change_is_wrong_until_it_is_shown() {
        assert_eq!(death_at_10(&[(1, "online"), (16, "offline")]), (Wrong::For(s(6)), 1));
    }

    #[test]
    fn a_change_that_is_taken_back_for_a_while_counts_until_it_stays() {
        let flap = [(1, "online"), (12, "offline"), (20, "online"), (40, "offline")];
        assert_eq!(death_at_10(&flap), (Wrong::For(s(30)), 3));
    }

    #[test]
    fn a_change_that_is_not_shown_by_the_end_is_wrong_for_ever() {
        assert_eq!(death_at_10(&[(1, "online")]), (Wrong::ForEver, 0));
        assert_eq!(death_at_10(&[(1, "online"), (61, "offline")]), (Wrong::ForEver, 0));
        assert_eq!(
            death_at_10(&[(1, "online"), (12, "offline"), (13, "online")]),
            (Wrong::ForEver, 2)
        );
    }

    #[test]
    fn another_word_is_not_the_right_one() {
        let detour = [(1, "online"), (11, "away"), (14, "offline")];
        assert_eq!(death_at_10(&detour), (Wrong::For(s(4)), 2));
    }

    #[test]
    fn what_was_right_all_the_time_was_never_wrong() {
        assert_eq!(nothing_at_10(&[(1, "online")]), (Wrong::For(s(0)), 0));
        // It may say the same again.
        assert_eq!(nothing_at_10(&[(1, "online"), (20, "online")]), (Wrong::For(s(0)), 0));
        assert_eq!(nothing_at_10(&[(1, "offline"), (9, "online")]), (Wrong::For(s(0)), 0));
    }

    #[test]
    fn where_nothing_should_change_all_wrong_times_add_up() {
        let flaps = [(1, "online"), (12, "offline"), (15, "online"), (20, "away"), (21, "online")];
        assert_eq!(nothing_at_10(&flaps), (Wrong::For(s(4)), 4));
    }

    #[test]
    fn where_nothing_should_change_a_wrong_end_is_for_ever() {
        assert_eq!(nothing_at_10(&[(1, "online"), (50, "offline")]), (Wrong::ForEver, 1));
    }

    #[test]
    fn nobody_seen_at_all_is_wrong() {
        assert_eq!(nothing_at_10(&[]), (Wrong::ForEver, 0));
        assert_eq!(nothing_at_10(&[(13, "online")]), (Wrong::For(s(3)), 1));
    }

    #[test]
    fn who_is_offline_may_be_forgotten_and_that_is_told() {
        let truth = Truth { before: "online", after: "offline", at: s(10) };
        let forgotten = [(1, "online"), (25, UNLISTED)];
        let verdict = judge(&truth, &seen(&forgotten), END);
        let expected = Verdict { wrong: Wrong::For(s(15)), changes: 1, listed: false, team: None };
        assert_eq!(verdict, expected);
        assert_eq!(nothing_at_10(&forgotten), (Wrong::ForEver, 1), "who is here may not");
        let listed = Verdict { listed: true, ..verdict };
        assert_eq!(Verdict::worst([listed, verdict]), Some(verdict));
        assert_eq!(judge(&truth, &seen(&[(1, "online"), (25, "offline")]), END), listed);
    }

    #[test]
    fn the_worst_of_several_dots_is_told() {
        let verdict = |wrong, changes| Verdict { wrong, changes, listed: true, team: None };
        let worst = Verdict::worst([
            verdict(Wrong::For(s(9)), 0),
            verdict(Wrong::ForEver, 1),
            verdict(Wrong::For(s(2)), 2),
        ]);
        assert_eq!(worst, Some(verdict(Wrong::ForEver, 2)));
        assert_eq!(Verdict::worst([]), None);
    }
}
