//! Writes the texts of notifications.

use fluent_bundle::FluentValue;
use porchlight_core::id::UserId;
use porchlight_core::notification::{Notification, Several, Who};
use porchlight_core::signal::{Answer, SignalId};
use porchlight_core::view::Cause;

use crate::i18n::{Arg, say as word, say_with};

/// The maximum number of names in one notification. Further ones are counted.
const NAMES: usize = 3;

/// The content of a notification, without markup.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) summary: String,
    pub(super) body: String,
    /// The category (freedesktop Desktop Notifications, *Categories*).
    pub(super) category: &'static str,
    /// A later notification with the same key replaces this one.
    pub(super) key: String,
    /// The knock that can be answered from it.
    pub(super) knock: Option<Knock>,
    /// The person that it is about, and what can be done about them.
    pub(super) offers: Option<(UserId, &'static [Offer])>,
}

/// A knock that can be answered from its notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Knock {
    pub(super) from: UserId,
    pub(super) id: SignalId,
}

/// An action of a notification, besides opening the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    Knock,
    Wave,
    Mute,
}

#[cfg(target_os = "linux")]
impl Offer {
    const ALL: [Self; 3] = [Self::Knock, Self::Wave, Self::Mute];

    /// The action's key on the bus.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Knock => "knock",
            Self::Wave => "wave",
            Self::Mute => "mute",
        }
    }

    pub(super) fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|offer| offer.key() == key)
    }

    pub(super) fn label(self) -> String {
        word(match self {
            Self::Knock => "knock",
            Self::Wave => "notice-wave-back",
            Self::Mute => "notice-mute",
        })
    }
}

/// The text of an answer: the button's label for a short one, else the text itself.
pub(crate) fn answer(answer: &Answer) -> String {
    match answer {
        Answer::ComeIn => word("answer-come-in"),
        Answer::InFive => word("answer-in-5"),
        Answer::Later => word("answer-later"),
        Answer::Text(text) => text.clone(),
    }
}

pub(super) fn say(notification: &Notification) -> Said {
    let key = notification.key();
    match notification {
        Notification::Came(who) => about(key, who, "notice-came", "", "presence.online"),
        Notification::Back(who) => {
            about(key, who, "notice-back", "notice-wanted", "presence.online")
        }
        Notification::CameBack(who) => about(key, who, "notice-back", "", "presence.online"),
        Notification::Went(who, cause) => {
            let body = match cause {
                Some(Cause::Asleep) => "notice-asleep-why",
                Some(Cause::Lost) => "notice-lost-why",
                _ => "",
            };
            about(key, who, "notice-left", body, "presence.offline")
        }
        Notification::WentAway(who, cause) => {
            let body = match cause {
                Some(Cause::Locked) => "notice-away-locked",
                Some(Cause::Idle) => "notice-away-idle",
                _ => "",
            };
            about(key, who, "notice-away", body, "presence")
        }
        Notification::Knock { who, id, text, both_free } => {
            let summary = if *both_free { "notice-knocks-free" } else { "notice-knocks" };
            Said {
                body: text.clone().unwrap_or_else(|| word("notice-knock-without-words")),
                knock: UserId::parse(&who.user).ok().map(|from| Knock { from, id: id.clone() }),
                ..plain(key, say_with(summary, [name(who)]), "im.received")
            }
        }
        Notification::BothFree { who, text, .. } => Said {
            body: match text {
                None => word("notice-knock-goes-out"),
                Some(text) => {
                    say_with("notice-knock-goes-out-with", [("text", text.as_str().into())])
                }
            },
            ..plain(key, say_with("notice-both-free", [name(who)]), "im")
        },
        Notification::Answered { who, answer: given, .. } => Said {
            body: answer(given),
            ..plain(key, say_with("notice-answered", [name(who)]), "im.received")
        },
        Notification::Waved { who, emoji, count } => {
            let emoji = ("emoji", emoji.as_deref().unwrap_or("👋").into());
            let waves = say_with("notice-waves", [name(who), emoji, ("count", (*count).into())]);
            Said {
                offers: offers(who, &[Offer::Wave, Offer::Mute]),
                ..plain(key, waves, "im.received")
            }
        }
        Notification::Summary(several) => {
            let gone_only = several.came.is_empty() && several.back.is_empty();
            let category = if gone_only { "presence.offline" } else { "presence.online" };
            Said { body: named(several), ..plain(key, counted(several), category) }
        }
        Notification::Digest(several) => {
            let what = ("what", counted(several).into());
            let summary = say_with("notice-meanwhile", [what]);
            Said { body: named(several), ..plain(key, summary, "presence") }
        }
    }
}

/// A person asks to join the team. They read the digits out for comparison.
pub(super) fn ask(name: &str, code: &str) -> Said {
    let summary = say_with("notice-asks-to-join", [("name", name.into())]);
    Said {
        body: say_with("notice-asks-digits", [("digits", code.into())]),
        // The same key each time: however many strangers ask, one notification is shown.
        ..plain("/asking".to_owned(), summary, "im")
    }
}

fn plain(key: String, summary: String, category: &'static str) -> Said {
    Said { summary, body: String::new(), category, key, knock: None, offers: None }
}

/// One person came or went. If they are online, they can be knocked at.
fn about(key: String, who: &Who, summary: &str, body: &str, category: &'static str) -> Said {
    let offered: &[Offer] = match category {
        "presence.online" => &[Offer::Knock, Offer::Mute],
        _ => &[Offer::Mute],
    };
    Said {
        body: if body.is_empty() { String::new() } else { word(body) },
        offers: offers(who, offered),
        ..plain(key, say_with(summary, [name(who)]), category)
    }
}

fn name(who: &Who) -> Arg<'_> {
    ("name", who.name.as_str().into())
}

fn offers(who: &Who, offered: &'static [Offer]) -> Option<(UserId, &'static [Offer])> {
    UserId::parse(&who.user).ok().map(|user| (user, offered))
}

/// `3 people are online`, or `2 came online, 1 went offline`.
fn counted(several: &Several) -> String {
    let Several { came, went, away, back } = several;
    let counts = [
        (came.len(), "several-here", "among-here"),
        (back.len(), "several-back", "among-back"),
        (away.len(), "several-away", "among-away"),
        (went.len(), "several-left", "among-left"),
    ];
    let counts: Vec<_> = counts.into_iter().filter(|(count, ..)| *count > 0).collect();
    let said = |id, count: usize| say_with(id, [("count", FluentValue::from(count))]);
    match counts[..] {
        [(count, alone, _)] => said(alone, count),
        _ => {
            let each = counts.iter().map(|(count, _, among)| said(among, *count));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

fn named(several: &Several) -> String {
    let Several { came, went, away, back } = several;
    let lines =
        [("names-here", came), ("names-back", back), ("names-away", away), ("names-left", went)];
    let lines = lines.into_iter().filter(|(_, people)| !people.is_empty());
    let said = |(id, people): (&str, &Vec<Who>)| say_with(id, [("names", names(people).into())]);
    lines.map(said).collect::<Vec<_>>().join("\n")
}

fn names(people: &[Who]) -> String {
    let mut names: Vec<_> = people.iter().take(NAMES).map(|who| who.name.clone()).collect();
    if people.len() > NAMES {
        names.push(say_with("names-more", [("count", (people.len() - NAMES).into())]));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(name: &str) -> Who {
        Who { user: name.to_lowercase(), name: name.to_owned() }
    }

    #[test]
    fn one_person_is_named_and_the_reason_said() {
        let said = say(&Notification::Went(who("Ann"), Some(Cause::Lost)));
        assert_eq!(said.summary, "Ann is offline");
        assert_eq!(said.body, "Their connection was lost.");
        assert_eq!((said.category, said.key.as_str()), ("presence.offline", "ann"));
        assert_eq!(say(&Notification::Came(who("Ann"))).key, "ann");
    }

    #[test]
    fn whoever_is_here_can_be_knocked_at_and_anybody_muted() {
        let offered = |notification| {
            say(&notification).offers.map(|(user, offers)| (user.to_string(), offers))
        };
        let ann = || who("Ann");
        let here: &[Offer] = &[Offer::Knock, Offer::Mute];
        assert_eq!(offered(Notification::Came(ann())), Some(("ann".to_owned(), here)));
        let gone: &[Offer] = &[Offer::Mute];
        assert_eq!(offered(Notification::Went(ann(), None)), Some(("ann".to_owned(), gone)));
        assert_eq!(offered(Notification::Summary(Several::default())), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_offered_is_known_again_by_its_key() {
        for offer in Offer::ALL {
            assert_eq!(Offer::of_key(offer.key()), Some(offer));
        }
        assert_eq!(Offer::of_key("default"), None);
    }

    #[test]
    fn whoever_asks_to_join_is_named_with_their_digits() {
        let said = ask("Eve", "0042");
        assert_eq!(said.summary, "Eve asks to join your team");
        assert!(said.body.contains("0042"), "{}", said.body);
        assert_eq!(said.key, ask("Mallory", "1").key);
    }

    #[test]
    fn a_knock_says_who_and_what_and_can_be_answered() {
        let id = SignalId::parse("k1").unwrap();
        let knock = |text: Option<&str>, both_free| {
            let text = text.map(str::to_owned);
            say(&Notification::Knock { who: who("Bob"), id: id.clone(), text, both_free })
        };
        let said = knock(Some("Coffee?"), false);
        assert_eq!((said.summary.as_str(), said.body.as_str()), ("Bob knocked", "Coffee?"));
        let asked = said.knock.unwrap();
        assert_eq!((asked.from.as_str(), asked.id.as_str()), ("bob", "k1"));
        assert_eq!(knock(None, true).summary, "Bob knocked: you are both free now");
        let answer = Answer::InFive;
        let said = say(&Notification::Answered { who: who("Bob"), id, answer });
        assert_eq!(
            (said.summary.as_str(), said.body.as_str()),
            ("Bob replied", "Give me 5 minutes")
        );
    }

    #[test]
    fn waves_are_counted() {
        let waved = |count| {
            say(&Notification::Waved { who: who("Bob"), emoji: Some("🎉".to_owned()), count })
                .summary
        };
        assert_eq!(waved(1), "Bob waved 🎉");
        assert_eq!(waved(5), "Bob waved 🎉 × 5");
    }

    #[test]
    fn a_burst_names_three_and_counts_the_rest() {
        let came = ["Ann", "Bob", "Cat", "Dan", "Eve"].map(who).to_vec();
        let both = Several { came: came.clone(), went: vec![who("Fay")], ..Several::default() };
        let said = say(&Notification::Summary(both));
        assert_eq!(said.summary, "5 came online, 1 went offline");
        assert_eq!(said.body, "Online: Ann, Bob, Cat, 2 more\nOffline: Fay");
        let came = say(&Notification::Summary(Several { came, ..Several::default() }));
        assert_eq!(
            (came.summary.as_str(), came.category),
            ("5 people are online", "presence.online")
        );
    }

    #[test]
    fn a_digest_says_what_is_different_now() {
        let one = Several { back: vec![who("Ann")], ..Several::default() };
        let said = say(&Notification::Digest(one));
        assert_eq!(
            (said.summary.as_str(), said.body.as_str()),
            ("Meanwhile: 1 person is back", "Back: Ann")
        );
    }
}
