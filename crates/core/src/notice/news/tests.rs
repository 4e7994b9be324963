use super::*;
use crate::notice::About;
use crate::preferences::{Interest, Regard};
use crate::time::Timestamp;
use crate::view::PersonView;

static POLICY: NoticePolicy = NoticePolicy {
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
    let mut notices = Notices::default();
    assert_eq!(notices.judge(at(0), &live("ann", None, "online"), WANTED), Ok(()));
    assert_eq!(notices.poll(at(799), WANTED), []);
    assert_eq!(notices.next_deadline(), Some(at(800).mono));
    assert_eq!(notices.poll(at(800), WANTED), [Notice::Came(who("ann"))]);
    assert_eq!(notices.judge(at(900), &live("ann", Some("online"), "offline"), WANTED), Ok(()));
    assert_eq!(notices.poll(at(1700), WANTED), [Notice::Went(who("ann"), None)]);
    assert_eq!(notices.next_deadline(), None);
}

#[test]
fn falling_idle_and_coming_back_is_told_to_nobody_who_did_not_ask() {
    let mut notices = Notices::default();
    notices.judge(at(0), &live("ann", None, "online"), WANTED).unwrap();
    notices.poll(at(800), WANTED);
    let (off, neither) = (Suppressed::KindSwitchedOff, Suppressed::NeitherCameNorWent);
    for (before, after, reason) in
        [("online", "away", off), ("away", "online", off), ("online", "dnd", neither)]
    {
        let judged = notices.judge(at(900), &live("ann", Some(before), after), WANTED);
        assert_eq!(judged, Err(reason));
    }
}

#[test]
fn who_connects_while_away_comes_when_they_are_there() {
    let mut notices = Notices::default();
    let judged = notices.judge(at(0), &live("ann", Some("offline"), "away"), WANTED);
    assert_eq!(judged, Err(Suppressed::NeitherCameNorWent));
    assert_eq!(notices.judge(at(1), &live("ann", Some("away"), "online"), WANTED), Ok(()));
}

#[test]
fn silence_has_a_reason() {
    let usual = |about| NoticePolicy { about, ..NoticePolicy::default() };
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
        let mut notices = Notices::default();
        assert_eq!(notices.judge(at(0), &change, circumstances), Err(reason));
        assert_eq!(notices.next_deadline(), None);
        assert_eq!(notices.holds_a_digest(), circumstances.hold.is_some(), "{reason:?}");
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
    let policy = NoticePolicy { away: true, back: true, ..NoticePolicy::default() };
    let wanted = NotificationContext { policy: &policy, ..WANTED };
    let mut notices = Notices::default();
    notices.judge(at(0), &live("ann", None, "online"), wanted).unwrap();
    assert_eq!(notices.poll(at(800), wanted), [Notice::Came(who("ann"))]);
    notices.judge(at(1000), &live("ann", Some("online"), "away"), wanted).unwrap();
    assert_eq!(notices.poll(at(1800), wanted), [Notice::WentAway(who("ann"), None)]);
    notices.judge(at(2000), &live("ann", Some("away"), "online"), wanted).unwrap();
    assert_eq!(notices.poll(at(2800), wanted), [Notice::CameBack(who("ann"))]);
    // Both within the time that news is held: they are where they were.
    let mut bob = Notices::default();
    bob.judge(at(0), &live("bob", None, "online"), wanted).unwrap();
    bob.poll(at(800), wanted);
    bob.judge(at(1000), &live("bob", Some("online"), "away"), wanted).unwrap();
    bob.judge(at(1100), &live("bob", Some("away"), "online"), wanted).unwrap();
    assert_eq!(bob.next_deadline(), None);
}

#[test]
fn what_happened_while_i_was_away_is_one_digest_of_what_is_different_now() {
    let away = held(Suppressed::Away);
    let mut notices = Notices::default();
    for user in ["bob", "cat"] {
        let snapshot = Change { origin: Origin::Snapshot, ..live(user, None, "online") };
        notices.judge(at(0), &snapshot, WANTED).unwrap_err();
    }
    for (user, before, after) in [
        ("ann", "offline", "online"),
        ("bob", "online", "offline"),
        // Came and went, went and came: where they were.
        ("cat", "online", "offline"),
        ("cat", "offline", "online"),
        ("dan", "offline", "online"),
        ("dan", "online", "offline"),
    ] {
        let judged = notices.judge(at(1000), &live(user, Some(before), after), away);
        assert_eq!(judged, Err(Suppressed::Away), "{user}");
    }
    assert_eq!(notices.poll(at(60_000), WANTED), []);
    let digest = Several { came: vec![who("ann")], went: vec![who("bob")], ..Several::default() };
    assert_eq!(notices.take_digest(WANTED), Some(Notice::Digest(digest)));
    assert_eq!(notices.take_digest(WANTED), None);
}

#[test]
fn who_flaps_is_told_three_times_and_then_not_until_they_rest() {
    let mut notices = Notices::default();
    let mut judge = |minute: u64, after: &str| {
        let now = at(minute * 60_000);
        let judged = notices.judge(now, &live("ann", None, after), WANTED);
        notices.poll(at(minute * 60_000 + 800), WANTED);
        judged
    };
    for (minute, after) in [(0, "online"), (1, "offline"), (2, "online")] {
        assert_eq!(judge(minute, after), Ok(()));
    }
    // Each keeps it going.
    for (minute, after) in [(3, "offline"), (12, "online"), (21, "offline")] {
        assert_eq!(judge(minute, after), Err(Suppressed::Flapping));
    }
    assert_eq!(judge(31, "online"), Ok(()));
}

#[test]
fn a_burst_is_one_summary() {
    let mut notices = Notices::default();
    for (ms, user) in [(0, "ann"), (300, "bob"), (600, "cat")] {
        notices.judge(at(ms), &live(user, None, "online"), WANTED).unwrap();
    }
    assert_eq!(notices.poll(at(1399), WANTED), []);
    let came = vec![who("ann"), who("bob"), who("cat")];
    assert_eq!(
        notices.poll(at(1400), WANTED),
        [Notice::Summary(Several { came, ..Several::default() })]
    );
}

#[test]
fn an_endless_burst_does_not_hold_the_news_for_ever() {
    let mut notices = Notices::default();
    for n in 0..100 {
        let ms = n * 100;
        if !notices.poll(at(ms), WANTED).is_empty() {
            assert_eq!(ms, 3000);
            return;
        }
        notices.judge(at(ms), &live(&format!("u{n}"), None, "online"), WANTED).unwrap();
    }
    panic!("nothing was given out");
}

#[test]
fn who_came_and_went_at_once_is_no_news() {
    let mut notices = Notices::default();
    notices.judge(at(0), &live("ann", None, "online"), WANTED).unwrap();
    notices.judge(at(100), &live("ann", Some("online"), "offline"), WANTED).unwrap();
    assert_eq!(notices.next_deadline(), None);
    assert_eq!(notices.poll(at(5000), WANTED), []);
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
    let silent = NoticePolicy { come: false, go: false, ..POLICY };
    let away = NotificationContext { hold: Some(Suppressed::Away), ..WANTED };
    for (then, told) in [
        (WANTED, true),
        (NotificationContext { muted: Some(&muted), ..WANTED }, false),
        (NotificationContext { preferences: &never, ..WANTED }, false),
        (NotificationContext { policy: &silent, ..WANTED }, false),
    ] {
        let mut notices = Notices::default();
        notices.judge(at(0), &live("ann", None, "online"), away).unwrap_err();
        assert_eq!(notices.take_digest(then).is_some(), told, "{then:?}");
        let mut notices = Notices::default();
        notices.judge(at(0), &live("ann", None, "online"), WANTED).unwrap();
        assert_eq!(notices.poll(at(800), then).len(), usize::from(told), "{then:?}");
        assert_eq!(notices.next_deadline(), None);
    }
}
