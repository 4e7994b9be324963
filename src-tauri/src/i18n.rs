//! The texts of the app outside its window, in the person's language.
//!
//! This module decides the language, and formats the messages of the catalogue in `locales`
//! (Project Fluent). The window reads the same files.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use porchlight_agent::config::Language;

// Only for the tray, which other systems do not have yet.
#[cfg(target_os = "linux")]
mod people;

#[cfg(target_os = "linux")]
pub(crate) use people::{choice, moment};

const ENGLISH: [&str; 2] =
    [include_str!("../../locales/en/people.ftl"), include_str!("../../locales/en/desktop.ftl")];
const GERMAN: [&str; 2] =
    [include_str!("../../locales/de/people.ftl"), include_str!("../../locales/de/desktop.ftl")];

/// A named argument of a message.
pub(crate) type Arg<'a> = (&'static str, FluentValue<'a>);

/// The messages of one language.
struct Catalogue(FluentBundle<FluentResource>);

/// The language that was set last: German, or else English.
static GERMAN_IS_SPOKEN: AtomicBool = AtomicBool::new(false);

static IN_ENGLISH: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::read(Language::English, ENGLISH));
static IN_GERMAN: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(Language::German, GERMAN));

/// Switches to this language, or to the system's.
pub(crate) fn speak(wanted: Option<Language>) {
    let language = wanted.unwrap_or_else(of_system);
    GERMAN_IS_SPOKEN.store(language == Language::German, Ordering::Relaxed);
}

/// The present language.
pub(crate) fn spoken() -> Language {
    if GERMAN_IS_SPOKEN.load(Ordering::Relaxed) { Language::German } else { Language::English }
}

/// The first of the person's languages that is supported.
fn of_system() -> Language {
    sys_locale::get_locales().find_map(|locale| locale.parse().ok()).unwrap_or_default()
}

/// Formats a message of the catalogue.
pub(crate) fn say(id: &str) -> String {
    say_with(id, [])
}

/// Formats a message with arguments.
pub(crate) fn say_with<'a, const N: usize>(id: &str, args: [Arg<'a>; N]) -> String {
    say_in(spoken(), id, args)
}

/// The same with texts, for the rules of [`porchlight_core::words`].
#[cfg(target_os = "linux")]
pub(crate) fn say_texts(id: &'static str, texts: &[(&'static str, &str)]) -> String {
    say_in(spoken(), id, texts.iter().map(|(name, text)| (*name, (*text).into())))
}

fn say_in<'a>(language: Language, id: &str, args: impl IntoIterator<Item = Arg<'a>>) -> String {
    let catalogue = match language {
        Language::English => &IN_ENGLISH,
        Language::German => &IN_GERMAN,
    };
    let mut known = FluentArgs::new();
    for (name, text) in args {
        known.set(name, text);
    }
    catalogue
        .say(id, &known)
        .or_else(|| IN_ENGLISH.say(id, &known))
        .unwrap_or_else(|| id.to_owned())
}

impl Catalogue {
    fn read(language: Language, files: [&str; 2]) -> Self {
        let tag = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // Some panels would show the isolation marks as boxes. Names contain no characters that
        // change the writing direction.
        bundle.set_use_isolating(false);
        for file in files {
            // A test parses these files too, so they have no errors.
            let resource = FluentResource::try_new(file.to_owned());
            bundle.add_resource_overriding(resource.unwrap_or_else(|(read, _)| read));
        }
        Self(bundle)
    }

    fn say(&self, id: &str, args: &FluentArgs<'_>) -> Option<String> {
        let pattern = self.0.get_message(id)?.value()?;
        let mut errors = Vec::new();
        let said = self.0.format_pattern(pattern, Some(args), &mut errors);
        debug_assert!(errors.is_empty(), "{id}: {errors:?}");
        Some(Cow::into_owned(said))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fluent_bundle::FluentResource;

    use super::*;

    /// The names of the messages in a file. The window's tests compare their variables.
    fn ids(file: &str) -> BTreeSet<String> {
        FluentResource::try_new(file.to_owned()).expect("it has no error");
        let id = |line: &str| {
            let (id, _) = line.split_once(" =")?;
            id.starts_with(|c: char| c.is_ascii_lowercase()).then(|| id.to_owned())
        };
        file.lines().filter_map(id).collect()
    }

    #[test]
    fn both_languages_say_the_same_things() {
        for (english, german) in ENGLISH.into_iter().zip(GERMAN) {
            assert!(ids(english).len() > 20);
            assert_eq!(ids(english), ids(german));
        }
    }

    #[test]
    fn everything_that_the_desktop_has_to_say_is_said_somewhere() {
        let code = [
            include_str!("i18n/people.rs"),
            include_str!("notifications/text.rs"),
            include_str!("tray/item.rs"),
            include_str!("tray/menu.rs"),
            include_str!("notifications/freedesktop.rs"),
        ]
        .concat();
        for id in ids(ENGLISH[1]) {
            assert!(code.contains(&format!("\"{id}\"")), "{id} is never said");
        }
    }

    #[test]
    fn words_come_in_the_language_that_is_spoken_and_with_their_numbers() {
        let around =
            |language| say_in(language, "tray-around", [("around", 3.into()), ("known", 5.into())]);
        assert_eq!(around(Language::English), "3 of 5 online");
        assert_eq!(around(Language::German), "3 von 5 online");
        let here = |count: u32| {
            [Language::English, Language::German]
                .map(|it| say_in(it, "several-here", [("count", count.into())]))
        };
        assert_eq!(here(1), ["1 person is online", "1 Person ist online"]);
        assert_eq!(here(2), ["2 people are online", "2 Leute sind online"]);
        let name = || ("name", FluentValue::from("<b>Ann { $x }</b>"));
        assert_eq!(
            say_in(Language::German, "notice-came", [name()]),
            "<b>Ann { $x }</b> ist online"
        );
        assert_eq!(say_in(Language::German, "no-such-thing", []), "no-such-thing");
    }
}
