use super::*;
use crate::preferences::{About, Interest, Regard};
use crate::time::Timestamp;
use crate::view::PersonView;

static POLICY: NotificationPolicy = NotificationPolicy {
    about: About::Everyone,
    come: true,
    go: true,
    away: false,
    back: false,
    quiet: None,
};
static PREFERENCES: Preferences =
    Preferences { hide_offline: false, presets: Vec::new(), people: BTreeMap::new() };

const WANTED: NotificationContext<'static> = NotificationContext {
    me: Some("me"),
    policy: &POLICY,
    preferences: &PREFERENCES,
    muted: None,
    silence: None,
    hold: None,
};

fn at(ms: u64) -> Now {
    Now {
        mono: Monotonic::from_origin(Duration::from_millis(ms)),
        wall: Timestamp::from_ms(1_763_742_000_000 + ms).unwrap(),
    }
}

fn person(user: &str, status: &str) -> Option<PersonView> {
    Some(PersonView {
        user: user.to_owned(),
        name: user.to_uppercase(),
        status: status.to_owned(),
        ..PersonView::default()
    })
}

fn live(user: &str, before: Option<&str>, after: &str) -> Change {
    Change {
        before: before.and_then(|status| person(user, status)),
        after: person(user, after),
        origin: Origin::Live,
    }
}

fn who(user: &str) -> Who {
    Who { user: user.to_owned(), name: user.to_uppercase() }
}

#[test]
fn coming_and_going_are_news() {
    let mut notifications = Notifications::default();
    assert_eq!(notifications.judge(at(0), &live("ann", None, "online"), WANTED), Ok(()));
    assert_eq!(notifications.poll(at(799), WANTED), []);
    assert_eq!(notifications.next_deadline(), Some(at(800).mono));
    assert_eq!(notifications.poll(at(800), WANTED), [Notification::Came(who("ann"))]);
    assert_eq!(
        notifications.judge(at(900), &live("ann", Some("online"), "offline"), WANTED),
        Ok(())
    );
    assert_eq!(notifications.poll(at(1700), WANTED), [Notification::Went(who("ann"), None)]);
    assert_eq!(notifications.next_deadline(), None);
}

#[test]
fn falling_idle_and_coming_back_is_told_to_nobody_who_did_not_ask() {
    let mut notifications = Notifications::default();
    notifications.judge(at(0), &live("ann", None, "online"), WANTED).unwrap();
    notifications.poll(at(800), WANTED);
    let (off, neither) = (Suppressed::KindSwitchedOff, Suppressed::NeitherCameNorWent);
    for (before, after, reason) in
        [("online", "away", off), ("away", "online", off), ("online", "dnd", neither)]
    {
        let judged = notifications.judge(at(900), &live("ann", Some(before), after), WANTED);
        assert_eq!(judged, Err(reason));
    }
}

#[test]
fn who_connects_while_away_comes_when_they_are_there() {
    let mut notifications = Notifications::default();
    let judged = notifications.judge(at(0), &live("ann", Some("offline"), "away"), WANTED);
    assert_eq!(judged, Err(Suppressed::NeitherCameNorWent));
    assert_eq!(notifications.judge(at(1), &live("ann", Some("away"), "online"), WANTED), Ok(()));
}

#[test]
fn silence_has_a_reason() {
    let usual = |about| NotificationPolicy { about, ..NotificationPolicy::default() };
    let (nobody, favourites) = (usual(About::Nobody), usual(About::Favourites));
    let muted: BTreeSet<_> = [UserId::parse("ann").unwrap()].into();
    let ann = || live("ann", None, "online");
    let of = |origin| Change { origin, ..ann() };
    for (change, circumstances, reason) in [
        (of(Origin::Snapshot), WANTED, Suppressed::Snapshot),
        (of(Origin::Local), WANTED, Suppressed::NotTheirDoing),
        (ann(), NotificationContext { me: Some("ann"), ..WANTED }, Suppressed::Myself),
        (live("ann", None, "offline"), WANTED, Suppressed::NeitherCameNorWent),
        (ann(), NotificationContext { policy: &nobody, ..WANTED }, Suppressed::SwitchedOff),
        (ann(), NotificationContext { muted: Some(&muted), ..WANTED }, Suppressed::Muted),
        (ann(), NotificationContext { policy: &favourites, ..WANTED }, Suppressed::NoFavourite),
        (ann(), silent(Suppressed::Paused), Suppressed::Paused),
        (ann(), silent(Suppressed::QuietHours), Suppressed::QuietHours),
        (ann(), held(Suppressed::DoNotDisturb), Suppressed::DoNotDisturb),
        (ann(), held(Suppressed::Locked), Suppressed::Locked),
    ] {
        let mut notifications = Notifications::default();
        assert_eq!(notifications.judge(at(0), &change, circumstances), Err(reason));
        assert_eq!(notifications.next_deadline(), None);
        assert_eq!(notifications.holds_a_digest(), circumstances.hold.is_some(), "{reason:?}");
    }
}

fn silent(reason: Suppressed) -> NotificationContext<'static> {
    NotificationContext { silence: Some(reason), ..WANTED }
}

fn held(reason: Suppressed) -> NotificationContext<'static> {
    NotificationContext { hold: Some(reason), ..WANTED }
}

#[test]
fn leaving_the_keyboard_is_told_to_whoever_wants_it() {
    let policy = NotificationPolicy { away: true, back: true, ..POLICY };
    let wanted = NotificationContext { policy: &policy, ..WANTED };
    let mut notifications = Notifications::default();
    notifications.judge(at(0), &live("ann", None, "online"), wanted).unwrap();
    assert_eq!(notifications.poll(at(800), wanted), [Notification::Came(who("ann"))]);
    notifications.judge(at(1000), &live("ann", Some("online"), "away"), wanted).unwrap();
    assert_eq!(notifications.poll(at(1800), wanted), [Notification::WentAway(who("ann"), None)]);
    notifications.judge(at(2000), &live("ann", Some("away"), "online"), wanted).unwrap();
    assert_eq!(notifications.poll(at(2800), wanted), [Notification::CameBack(who("ann"))]);
    // Both changes come within the hold, and the second reverts the first.
    let mut bob = Notifications::default();
    bob.judge(at(0), &live("bob", None, "online"), wanted).unwrap();
    bob.poll(at(800), wanted);
    bob.judge(at(1000), &live("bob", Some("online"), "away"), wanted).unwrap();
    bob.judge(at(1100), &live("bob", Some("away"), "online"), wanted).unwrap();
    assert_eq!(bob.next_deadline(), None);
}

#[test]
fn what_happened_while_i_was_away_is_one_digest_of_what_is_different_now() {
    let away = held(Suppressed::Away);
    let mut notifications = Notifications::default();
    for user in ["bob", "cat"] {
        let snapshot = Change { origin: Origin::Snapshot, ..live(user, None, "online") };
        notifications.judge(at(0), &snapshot, WANTED).unwrap_err();
    }
    for (user, before, after) in [
        ("ann", "offline", "online"),
        ("bob", "online", "offline"),
        // Two changes each, and the second reverts the first.
        ("cat", "online", "offline"),
        ("cat", "offline", "online"),
        ("dan", "offline", "online"),
        ("dan", "online", "offline"),
    ] {
        let judged = notifications.judge(at(1000), &live(user, Some(before), after), away);
        assert_eq!(judged, Err(Suppressed::Away), "{user}");
    }
    assert_eq!(notifications.poll(at(60_000), WANTED), []);
    let digest = Several { came: vec![who("ann")], went: vec![who("bob")], ..Several::default() };
    assert_eq!(notifications.take_digest(WANTED), Some(Notification::Digest(digest)));
    assert_eq!(notifications.take_digest(WANTED), None);
}

#[test]
fn who_flaps_is_told_three_times_and_then_not_until_they_rest() {
    let mut notifications = Notifications::default();
    let mut judge = |minute: u64, after: &str| {
        let now = at(minute * 60_000);
        let judged = notifications.judge(now, &live("ann", None, after), WANTED);
        notifications.poll(at(minute * 60_000 + 800), WANTED);
        judged
    };
    for (minute, after) in [(0, "online"), (1, "offline"), (2, "online")] {
        assert_eq!(judge(minute, after), Ok(()));
    }
    // Each change prolongs the flapping.
    for (minute, after) in [(3, "offline"), (12, "online"), (21, "offline")] {
        assert_eq!(judge(minute, after), Err(Suppressed::Flapping));
    }
    assert_eq!(judge(31, "online"), Ok(()));
}

#[test]
fn a_burst_is_one_summary() {
    let mut notifications = Notifications::default();
    for (ms, user) in [(0, "ann"), (300, "bob"), (600, "cat")] {
        notifications.judge(at(ms), &live(user, None, "online"), WANTED).unwrap();
    }
    assert_eq!(notifications.poll(at(1399), WANTED), []);
    let came = vec![who("ann"), who("bob"), who("cat")];
    assert_eq!(
        notifications.poll(at(1400), WANTED),
        [Notification::Summary(Several { came, ..Several::default() })]
    );
}

#[test]
fn an_endless_burst_does_not_hold_the_news_for_ever() {
    let mut notifications = Notifications::default();
    for n in 0..100 {
        let ms = n * 100;
        if !notifications.poll(at(ms), WANTED).is_empty() {
            assert_eq!(ms, 3000);
            return;
        }
        notifications.judge(at(ms), &live(&format!("u{n}"), None, "online"), WANTED).unwrap();
    }
    panic!("nothing was given out");
}

#[test]
fn who_came_and_went_at_once_is_no_news() {
    let mut notifications = Notifications::default();
    notifications.judge(at(0), &live("ann", None, "online"), WANTED).unwrap();
    notifications.judge(at(100), &live("ann", Some("online"), "offline"), WANTED).unwrap();
    assert_eq!(notifications.next_deadline(), None);
    assert_eq!(notifications.poll(at(5000), WANTED), []);
}

#[test]
fn what_is_held_of_somebody_is_not_told_once_they_are_muted() {
    let muted: BTreeSet<_> = [UserId::parse("ann").unwrap()].into();
    let never = Preferences {
        people: [(
            UserId::parse("ann").unwrap(),
            Regard { notices: Interest::Never, ..Regard::default() },
        )]
        .into(),
        ..PREFERENCES.clone()
    };
    let silent = NotificationPolicy { come: false, go: false, ..POLICY };
    let away = NotificationContext { hold: Some(Suppressed::Away), ..WANTED };
    for (then, told) in [
        (WANTED, true),
        (NotificationContext { muted: Some(&muted), ..WANTED }, false),
        (NotificationContext { preferences: &never, ..WANTED }, false),
        (NotificationContext { policy: &silent, ..WANTED }, false),
    ] {
        let mut notifications = Notifications::default();
        notifications.judge(at(0), &live("ann", None, "online"), away).unwrap_err();
        assert_eq!(notifications.take_digest(then).is_some(), told, "{then:?}");
        let mut notifications = Notifications::default();
        notifications.judge(at(0), &live("ann", None, "online"), WANTED).unwrap();
        assert_eq!(notifications.poll(at(800), then).len(), usize::from(told), "{then:?}");
        assert_eq!(notifications.next_deadline(), None);
    }
}
