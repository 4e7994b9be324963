//! Detects names that look the same, and distinguishes them.
//!
//! Owns when two names look the same to a reader, and when the id is shown beside a name. Window,
//! tray, notifications and terminal all use this decision. Two names look the same if they differ
//! only in case, space, invisible characters, or characters that are drawn alike (Unicode Technical
//! Standard 39, *Confusable Detection*). Text after a bracket is not compared, because a name could
//! otherwise end in another person's id.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

use crate::text::{MAX_NAME, display_id, is_blank};

/// Everybody's shown name, compared with all others.
#[derive(Debug, Default)]
pub struct Names {
    people: BTreeMap<String, Named>,
    /// The people whose names have this appearance.
    alike: BTreeMap<String, BTreeSet<String>>,
    /// The people whose shown id may have changed since [`Names::take_changed`].
    changed: BTreeSet<String>,
    /// The person whose app this is. Their name comes from the app, not from the roster.
    me: Option<String>,
}

#[derive(Debug, Default)]
struct Named {
    name: Option<String>,
    nickname: Option<String>,
    appearances: Appearances,
}

/// What a name looks like: as drawn, and without case. Names look the same if they share an
/// appearance.
type Appearances = Vec<String>;

impl Names {
    /// Sets the person whose app this is, and their name.
    pub fn set_me(&mut self, user: &str, name: &str) {
        self.me = None;
        self.set_name(user, Some(name));
        self.me = Some(user.to_owned());
    }

    /// Sets the name of a person. `None`: they are not known any more.
    pub fn set_name(&mut self, user: &str, name: Option<&str>) {
        let known = self.people.get(user).and_then(|named| named.name.as_deref());
        if self.me.as_deref() != Some(user) && known != name {
            self.change(user, |named| named.name = name.map(str::to_owned));
        }
    }

    /// Sets the nickname of another person; it replaces their name.
    pub fn set_nickname(&mut self, user: &str, nickname: Option<&str>) {
        self.change(user, |named| named.nickname = nickname.map(str::to_owned));
    }

    /// The id to show beside a person's name, if somebody else's name looks the same.
    #[must_use]
    pub fn shown_id(&self, user: &str) -> Option<String> {
        let named = self.people.get(user)?;
        self.is_shared(&named.appearances, user).then(|| distinct_id(user))
    }

    /// This name of this person, with the id if somebody else's name looks the same. The person
    /// need not be known.
    #[must_use]
    pub fn distinct_name(&self, user: &str, name: &str) -> String {
        let id = self.is_shared(&appearances(name), user).then(|| distinct_id(user));
        with_id(name, id.as_deref())
    }

    /// The people whose [`Names::shown_id`] may have changed since the last call.
    pub fn take_changed(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }

    fn is_shared(&self, appearances: &[String], user: &str) -> bool {
        let others = |people: &BTreeSet<String>| people.iter().any(|other| other != user);
        appearances.iter().filter_map(|it| self.alike.get(it)).any(others)
    }

    fn change(&mut self, user: &str, change: impl FnOnce(&mut Named)) {
        let mut named = self.people.remove(user).unwrap_or_default();
        change(&mut named);
        let shown = named.name.as_ref().map(|own| named.nickname.as_ref().unwrap_or(own));
        let now = shown.map(|name| appearances(name)).unwrap_or_default();
        let before = std::mem::replace(&mut named.appearances, now.clone());
        if named.name.is_some() || named.nickname.is_some() {
            self.people.insert(user.to_owned(), named);
        }
        if before == now {
            return;
        }
        self.changed.insert(user.to_owned());
        for appearance in before {
            let Some(people) = self.alike.get_mut(&appearance) else { continue };
            people.remove(user);
            match people.len() {
                0 => drop(self.alike.remove(&appearance)),
                // The other person is now the only one with it.
                1 => self.changed.extend(people.iter().cloned()),
                _ => {}
            }
        }
        for appearance in now {
            let people = self.alike.entry(appearance).or_default();
            if people.len() == 1 {
                self.changed.extend(people.iter().cloned());
            }
            people.insert(user.to_owned());
        }
    }
}

/// `Anna`, or `Anna (anna-2)` if the id is shown.
#[must_use]
pub fn with_id(name: &str, id: Option<&str>) -> String {
    match id {
        Some(id) => format!("{name} ({id})"),
        None => name.to_owned(),
    }
}

fn appearances(name: &str) -> Appearances {
    let seen: String = name.nfkc().filter(|c| !is_blank(*c)).collect();
    let drawn = before_bracket(&skeleton(&seen).collect::<String>().to_lowercase());
    let folded = before_bracket(&skeleton(&seen.to_lowercase()).collect::<String>().to_lowercase());
    if drawn == folded { vec![drawn] } else { vec![drawn, folded] }
}

/// All brackets have one of two skeletons.
fn before_bracket(name: &str) -> String {
    let before = name.split(['(', '[', '{']).next().unwrap_or_default();
    (if before.is_empty() { name } else { before }).to_owned()
}

/// An id that can be distinguished from any other. If it imitates Latin letters, those characters
/// are shown as their numbers, as `[U+0430]`. Invisible characters always are.
fn distinct_id(id: &str) -> String {
    let drawn: String = skeleton(id).filter(|c| !is_combining_mark(*c)).collect();
    let imitates = drawn.is_ascii() && !id.is_ascii();
    let mut shown = String::with_capacity(id.len());
    for c in id.chars() {
        let is_latin = c.is_ascii() || c.nfd().next().is_some_and(|base| base.is_ascii());
        if (is_blank(c) && c != ' ') || (imitates && !is_latin) {
            shown.push_str(&format!("[U+{:04X}]", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    display_id(&shown, 2 * MAX_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(people: &[(&str, &str)]) -> Names {
        let mut names = Names::default();
        for (user, name) in people {
            names.set_name(user, Some(name));
        }
        names
    }

    #[test]
    fn names_that_a_reader_takes_for_the_same_are_told_apart_by_the_id() {
        for (one, other) in [
            ("Anna", "Anna"),
            ("Anna", "anna"),
            ("Anna", "ANNA"),
            ("Anna L", "AnnaL"),
            ("Anna L", "Anna\u{A0}L"),
            // Letters of other scripts that are drawn alike, and digits.
            ("Anna", "\u{410}nna"),
            ("Bob", "B\u{43E}b"),
            ("Bob", "B0b"),
            ("Ilya", "llya"),
            ("Ilya", "ilya"),
            ("Alice", "A1ice"),
            ("marnie", "mamie"),
            ("Anna", "\u{FF21}nna"),
            // Invisible characters.
            ("Anna", "Anna\u{2800}"),
            ("Anna", "An\u{200D}na"),
            ("Anna", "Anna\u{3164}"),
            ("Anna", "Anna\u{E0061}"),
            // Names that imitate the id beside them.
            ("Anna", "Anna (anna)"),
            ("Anna", "Anna \u{FF08}anna\u{FF09}"),
            ("Anna", "Anna [anna]"),
            ("Anna", "Anna (a"),
        ] {
            let names = names(&[("anna", one), ("eve", other)]);
            let shown = (names.distinct_name("anna", one), names.distinct_name("eve", other));
            assert_eq!(shown, (format!("{one} (anna)"), format!("{other} (eve)")), "{other:?}");
            assert_eq!(names.shown_id("anna").as_deref(), Some("anna"), "{other:?}");
            assert_eq!(names.shown_id("eve").as_deref(), Some("eve"), "{other:?}");
        }
    }

    #[test]
    fn names_that_a_reader_tells_apart_stand_alone() {
        for (one, other) in [("Anna", "Hanna"), ("Anna", "\u{C1}nna"), ("(a)", "(b)"), ("👩", "👨")]
        {
            let names = names(&[("a", one), ("b", other)]);
            assert_eq!((names.shown_id("a"), names.shown_id("b")), (None, None), "{one} {other}");
            assert_eq!(names.distinct_name("a", one), one);
        }
    }

    #[test]
    fn an_id_that_imitates_another_is_shown_by_numbers() {
        assert_eq!(distinct_id("anna-2"), "anna-2");
        assert_eq!(distinct_id("zo\u{EB}"), "zo\u{EB}");
        assert_eq!(distinct_id("\u{430}nna"), "[U+0430]nna");
        assert_eq!(distinct_id("\u{441}\u{43E}\u{441}\u{43E}"), "[U+0441][U+043E][U+0441][U+043E]");
        assert_eq!(distinct_id("an\u{200D}na"), "an[U+200D]na");
        // Text that does not look like Latin stays legible.
        assert_eq!(distinct_id("\u{430}\u{43D}\u{43D}\u{430}"), "\u{430}\u{43D}\u{43D}\u{430}");
        assert_eq!(distinct_id("田中"), "田中");
    }

    #[test]
    fn whoever_comes_goes_or_is_called_otherwise_changes_the_others_of_that_name() {
        let changed = |names: &mut Names| names.take_changed().into_iter().collect::<Vec<_>>();
        let mut names = names(&[("anna", "Anna"), ("bob", "Bob")]);
        names.take_changed();
        names.set_name("anna-2", Some("Anna"));
        assert_eq!(changed(&mut names), ["anna", "anna-2"]);
        names.set_name("anna-3", Some("Anna"));
        assert_eq!(changed(&mut names), ["anna-3"]);
        names.set_name("anna-3", None);
        names.set_name("anna-2", Some("Anna K"));
        assert!(changed(&mut names).contains(&"anna".to_owned()));
        assert_eq!(names.shown_id("anna"), None);
        // A nickname that is another person's name.
        names.set_nickname("bob", Some("anna"));
        assert_eq!(changed(&mut names), ["anna", "bob"]);
        assert_eq!(names.shown_id("bob").as_deref(), Some("bob"));
        names.set_nickname("bob", None);
        assert_eq!((names.shown_id("anna"), names.shown_id("bob")), (None, None));
    }

    #[test]
    fn my_own_name_counts_and_is_not_the_roster_s_to_change() {
        let mut names = names(&[("eve", "Anna")]);
        names.set_me("anna", "Anna");
        assert_eq!(names.shown_id("eve").as_deref(), Some("eve"));
        names.set_name("anna", None);
        assert_eq!(names.shown_id("eve").as_deref(), Some("eve"));
    }

    #[test]
    fn somebody_of_whom_nothing_is_known_but_the_id_is_compared_too() {
        let names = names(&[("anna", "Anna")]);
        assert_eq!(names.distinct_name("\u{430}nna", "\u{430}nna"), "\u{430}nna ([U+0430]nna)");
        assert_eq!(names.distinct_name("bob", "bob"), "bob");
    }

    #[test]
    fn a_name_does_not_change_what_it_looks_like_when_it_is_shown() {
        proptest::proptest!(|(name in "\\PC{0,40}")| {
            if let Some(shown) = crate::text::display_text(&name, MAX_NAME) {
                let names = names(&[("a", &shown), ("b", &shown)]);
                proptest::prop_assert!(names.shown_id("a").is_some() && names.shown_id("b").is_some());
            }
        });
    }
}
