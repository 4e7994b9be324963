//! A notice in words.

use porchlight_core::notice::{Notice, Who};
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
}

pub(super) fn say(notice: &Notice) -> Said {
    match notice {
        Notice::Came(who) => Said {
            summary: format!("{} is here", who.name),
            body: String::new(),
            category: "presence.online",
            key: who.user.clone(),
        },
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
            key: who.user.clone(),
        },
        Notice::Summary { came, went } => {
            let here = (!came.is_empty()).then(|| format!("Here: {}", names(came)));
            let gone = (!went.is_empty()).then(|| format!("Gone: {}", names(went)));
            Said {
                summary: match (came.len(), went.len()) {
                    (came, 0) => format!("{came} people are here"),
                    (0, went) => format!("{went} people left"),
                    (came, went) => format!("{came} came, {went} left"),
                },
                body: [here, gone].into_iter().flatten().collect::<Vec<_>>().join("\n"),
                category: if came.is_empty() { "presence.offline" } else { "presence.online" },
                // No person's id looks like this.
                key: "/summary".to_owned(),
            }
        }
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
    }
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
    fn a_burst_names_three_and_counts_the_rest() {
        let came = ["Ann", "Bob", "Cat", "Dan", "Eve"].map(who).to_vec();
        let said = say(&Notice::Summary { came, went: vec![who("Fay")] });
        assert_eq!(said.summary, "5 came, 1 left");
        assert_eq!(said.body, "Here: Ann, Bob, Cat, 2 more\nGone: Fay");
    }
}
