//! A notice in words.

use porchlight_core::id::UserId;
use porchlight_core::notice::{Notice, Several, Who};
use porchlight_core::signal::{Answer, SignalId};
use porchlight_core::view::CauseView;

/// More names than this are a number.
const NAMES: usize = 3;

/// What the daemon is told, before any markup.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) summary: String,
    pub(super) body: String,
    /// freedesktop Desktop Notifications, *Categories*.
    pub(super) category: &'static str,
    /// A later notice with the same key replaces this one.
    pub(super) key: String,
    /// The knock that it asks to answer.
    pub(super) knock: Option<Knock>,
}

/// A knock that can be answered from its notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Knock {
    pub(super) from: UserId,
    pub(super) id: SignalId,
}

pub(super) fn say(notice: &Notice) -> Said {
    let key = notice.key();
    match notice {
        Notice::Came(who) => Said {
            summary: format!("{} is here", who.name),
            body: String::new(),
            category: "presence.online",
            key,
            knock: None,
        },
        Notice::Back(who) => Said {
            summary: format!("{} is back", who.name),
            body: "You wanted to be told.".to_owned(),
            category: "presence.online",
            key,
            knock: None,
        },
        Notice::Knock { who, id, text, both_free } => Said {
            summary: if *both_free {
                format!("{} knocks: you are both free", who.name)
            } else {
                format!("{} knocks", who.name)
            },
            body: text.clone().unwrap_or_else(|| "Have you got a minute?".to_owned()),
            category: "im.received",
            key,
            knock: UserId::parse(&who.user).ok().map(|from| Knock { from, id: id.clone() }),
        },
        Notice::BothFree { who, text, .. } => Said {
            summary: format!("{} and you are both free", who.name),
            body: text.as_ref().map_or_else(
                || "Your knock goes out now.".to_owned(),
                |text| format!("Your knock goes out now: {text}"),
            ),
            category: "im",
            key,
            knock: None,
        },
        Notice::Answered { who, answer: Answer::Text(text), .. } => Said {
            summary: format!("{} answered", who.name),
            body: text.clone(),
            category: "im.received",
            key,
            knock: None,
        },
        Notice::Answered { who, answer, .. } => Said {
            summary: format!("{}: {}", who.name, answer.text()),
            body: String::new(),
            category: "im.received",
            key,
            knock: None,
        },
        Notice::Waved { who, emoji, count } => {
            let emoji = emoji.as_deref().unwrap_or("👋");
            let times = if *count > 1 { format!(" × {count}") } else { String::new() };
            Said {
                summary: format!("{} waves {emoji}{times}", who.name),
                body: String::new(),
                category: "im.received",
                key,
                knock: None,
            }
        }
        Notice::Went(who, cause) => Said {
            summary: match cause {
                Some(CauseView::Asleep) => format!("{} is asleep", who.name),
                Some(CauseView::Lost) => format!("{} is gone", who.name),
                _ => format!("{} left", who.name),
            },
            body: match cause {
                Some(CauseView::Asleep) => "The computer was suspended.".to_owned(),
                Some(CauseView::Lost) => "The connection was lost.".to_owned(),
                _ => String::new(),
            },
            category: "presence.offline",
            key,
            knock: None,
        },
        Notice::WentAway(who, cause) => Said {
            summary: format!("{} is away", who.name),
            body: match cause {
                Some(CauseView::Locked) => "The screen was locked.".to_owned(),
                Some(CauseView::Idle) => "No input for a while.".to_owned(),
                _ => String::new(),
            },
            category: "presence",
            key,
            knock: None,
        },
        Notice::CameBack(who) => Said {
            summary: format!("{} is back", who.name),
            body: String::new(),
            category: "presence.online",
            key,
            knock: None,
        },
        Notice::Summary(several) => Said {
            summary: counted(several),
            body: named(several),
            category: if several.came.is_empty() && several.back.is_empty() {
                "presence.offline"
            } else {
                "presence.online"
            },
            key,
            knock: None,
        },
        Notice::Digest(several) => Said {
            summary: format!("Meanwhile: {}", counted(several)),
            body: named(several),
            category: "presence",
            key,
            knock: None,
        },
    }
}

/// Somebody asks to be let into the team. The digits are for comparing with what they read out.
pub(super) fn ask(name: &str, code: &str) -> Said {
    Said {
        summary: format!("{name} asks to join your team"),
        body: format!("Did they read you {code}? Then let them in, under Team."),
        category: "im",
        // One at a time, however many strangers knock.
        key: "/asking".to_owned(),
        knock: None,
    }
}

/// `3 people are here`, or `2 came, 1 left`.
fn counted(several: &Several) -> String {
    let Several { came, went, away, back } = several;
    let counts = [
        (came.len(), ["is here", "are here"], "came"),
        (back.len(), ["is back", "are back"], "came back"),
        (away.len(), ["is away", "are away"], "went away"),
        (went.len(), ["left", "left"], "left"),
    ];
    let counts: Vec<_> = counts.into_iter().filter(|(count, ..)| *count > 0).collect();
    match counts[..] {
        [(1, [one, _], _)] => format!("1 person {one}"),
        [(count, [_, many], _)] => format!("{count} people {many}"),
        _ => {
            let each = counts.iter().map(|(count, _, among)| format!("{count} {among}"));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

fn named(several: &Several) -> String {
    let Several { came, went, away, back } = several;
    let lines = [("Here", came), ("Back", back), ("Away", away), ("Gone", went)];
    let lines = lines.into_iter().filter(|(_, people)| !people.is_empty());
    lines.map(|(word, people)| format!("{word}: {}", names(people))).collect::<Vec<_>>().join("\n")
}

fn names(people: &[Who]) -> String {
    let mut names: Vec<_> = people.iter().take(NAMES).map(|who| who.name.clone()).collect();
    if people.len() > NAMES {
        names.push(format!("{} more", people.len() - NAMES));
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
        let said = say(&Notice::Went(who("Ann"), Some(CauseView::Lost)));
        assert_eq!(said.summary, "Ann is gone");
        assert_eq!(said.body, "The connection was lost.");
        assert_eq!((said.category, said.key.as_str()), ("presence.offline", "ann"));
        assert_eq!(say(&Notice::Came(who("Ann"))).key, "ann");
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
            say(&Notice::Knock { who: who("Bob"), id: id.clone(), text, both_free })
        };
        let said = knock(Some("Coffee?"), false);
        assert_eq!((said.summary.as_str(), said.body.as_str()), ("Bob knocks", "Coffee?"));
        let asked = said.knock.unwrap();
        assert_eq!((asked.from.as_str(), asked.id.as_str()), ("bob", "k1"));
        assert_eq!(knock(None, true).summary, "Bob knocks: you are both free");
        let answer = Answer::InFive;
        let said = say(&Notice::Answered { who: who("Bob"), id, answer });
        assert_eq!(said.summary, "Bob: In 5 minutes");
    }

    #[test]
    fn waves_are_counted() {
        let waved = |count| {
            say(&Notice::Waved { who: who("Bob"), emoji: Some("🎉".to_owned()), count }).summary
        };
        assert_eq!(waved(1), "Bob waves 🎉");
        assert_eq!(waved(5), "Bob waves 🎉 × 5");
    }

    #[test]
    fn a_burst_names_three_and_counts_the_rest() {
        let came = ["Ann", "Bob", "Cat", "Dan", "Eve"].map(who).to_vec();
        let both = Several { came: came.clone(), went: vec![who("Fay")], ..Several::default() };
        let said = say(&Notice::Summary(both));
        assert_eq!(said.summary, "5 came, 1 left");
        assert_eq!(said.body, "Here: Ann, Bob, Cat, 2 more\nGone: Fay");
        let came = say(&Notice::Summary(Several { came, ..Several::default() }));
        assert_eq!(
            (came.summary.as_str(), came.category),
            ("5 people are here", "presence.online")
        );
    }

    #[test]
    fn a_digest_says_what_is_different_now() {
        let one = Several { back: vec![who("Ann")], ..Several::default() };
        let said = say(&Notice::Digest(one));
        assert_eq!(
            (said.summary.as_str(), said.body.as_str()),
            ("Meanwhile: 1 person is back", "Back: Ann")
        );
    }
}
