//! Changes single settings in the config file.
//!
//! Everything else in the file stays as the person wrote it, comments included. The result is
//! parsed before it is written, so that the file is never left invalid. This module changes nothing
//! in the running program.

use std::fs;
use std::io;
use std::path::Path;

use porchlight_core::contact::ContactLink;
use porchlight_core::notification::{About, NotificationPolicy};
use toml_edit::{DocumentMut, Item, Table, Value};

use super::{Calls, ConfigError, Grace, Language, Span, parse};

/// A new value of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// The name shown to others.
    Name(String),
    /// Links by which others can reach the person.
    Links(Vec<ContactLink>),
    /// The language of the desktop app; `None` follows the system.
    Language(Option<Language>),
    /// Whether the icon in the tray is symbolic.
    SymbolicIcon(bool),
    /// Whether the desktop app looks for newer versions of itself.
    Updates(bool),
    /// The time without input after which the person is away.
    AwayAfter(Span),
    /// What others see of calls.
    Calls(Calls),
    /// Whether the desktop's do-not-disturb also sets the person's status.
    DesktopDnd(bool),
    /// Connection drops shorter than this are hidden from others.
    Grace(Grace),
    /// Whether others see only that the person is away.
    Coarse(bool),
    /// Whether to publish the user topic for simple clients, if no hub does.
    UserTopic(bool),
    /// Which notifications pop up.
    Notifications(NotificationPolicy),
}

/// Writes these settings into the config file, and creates it if there is none.
///
/// # Errors
///
/// * [`ConfigError::Unreadable`] if the file exists and can't be read;
/// * [`ConfigError::Wrong`] if it has an error;
/// * [`ConfigError::Unwritable`] if it can't be written.
///
/// The file is unchanged in each case.
pub fn edit(path: &Path, settings: &[Setting]) -> Result<(), ConfigError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            "# Porchlight. See docs/configuration.md.\n".to_owned()
        }
        Err(error) => return Err(ConfigError::Unreadable { path: path.to_owned(), error }),
    };
    // Reports the wrong line before anything is changed.
    parse(path, &text)?;
    let unwritable = |error| ConfigError::Unwritable { path: path.to_owned(), error };
    let mut document: DocumentMut =
        text.parse().map_err(|error| unwritable(io::Error::other(error)))?;
    for setting in settings {
        apply(&mut document, setting);
    }
    let text = document.to_string();
    parse(path, &text)?;
    porchlight_files::write_creating_folder(path, text.as_bytes()).map_err(unwritable)
}

fn apply(document: &mut DocumentMut, setting: &Setting) {
    match setting {
        Setting::Name(name) => set(document.as_table_mut(), "name", name.as_str()),
        Setting::Links(links) if links.is_empty() => unset_top(document, "links"),
        Setting::Links(links) => {
            let links = links.iter().map(ContactLink::as_str).collect::<toml_edit::Array>();
            set(document.as_table_mut(), "links", links);
        }
        Setting::Language(None) => unset_top(document, "language"),
        Setting::Language(Some(language)) => {
            set(document.as_table_mut(), "language", language.tag());
        }
        Setting::SymbolicIcon(on) => set(table(document, "tray"), "symbolic", *on),
        Setting::Updates(on) => set(document.as_table_mut(), "updates", *on),
        Setting::Grace(grace) => {
            set(table(document, "presence"), "grace", format!("{}s", grace.0.as_secs()));
        }
        Setting::Coarse(on) => set(table(document, "presence"), "coarse", *on),
        Setting::AwayAfter(span) => {
            set(table(document, "activity"), "away_after", span.to_string());
        }
        Setting::Calls(calls) => {
            let value = match calls {
                Calls::Ignored => Value::from(false),
                Calls::Shown => Value::from(true),
                Calls::Dnd => Value::from("dnd"),
            };
            set(table(document, "activity"), "calls", value);
        }
        Setting::DesktopDnd(on) => set(table(document, "activity"), "desktop_dnd", *on),
        Setting::UserTopic(on) => set(table(document, "presence"), "user_topic", *on),
        Setting::Notifications(policy) => {
            let table = table(document, "notices");
            let about = match policy.about {
                About::Everyone => "everyone",
                About::Favourites => "favourites",
                About::Chosen => "chosen",
                About::Nobody => "nobody",
            };
            set(table, "about", about);
            set(table, "come", policy.come);
            set(table, "go", policy.go);
            set(table, "away", policy.away);
            set(table, "back", policy.back);
            match policy.quiet {
                Some(quiet) => set(table, "quiet_hours", quiet.to_string()),
                None => {
                    unset(table, "quiet_hours");
                }
            }
        }
    }
}

/// Returns the named table, and creates it if there is none.
fn table<'a>(document: &'a mut DocumentMut, name: &str) -> &'a mut dyn toml_edit::TableLike {
    let item = document.entry(name).or_insert_with(|| Item::Table(Table::new()));
    if !item.is_table_like() {
        // The file was parsed before, so whatever has this name is a table.
        *item = Item::Table(Table::new());
    }
    item.as_table_like_mut().expect("it is a table, or was made one")
}

/// Replaces only the value, so that the comments above and beside it stay.
fn set(table: &mut (impl toml_edit::TableLike + ?Sized), key: &str, value: impl Into<Value>) {
    let mut value = value.into();
    match table.get_mut(key) {
        Some(Item::Value(before)) => {
            *value.decor_mut() = before.decor().clone();
            *before = value;
        }
        _ => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// Removes a value, and moves the comments above it to the next value. Returns the comments if
/// there is no next value.
fn unset(table: &mut (impl toml_edit::TableLike + ?Sized), key: &str) -> Option<String> {
    let comments = table.key(key)?.leaf_decor().prefix()?.as_str().map(str::to_owned);
    let next = table.iter().map(|(key, _)| key.to_owned()).skip_while(|it| it != key).nth(1);
    table.remove(key);
    let comments = comments.filter(|comments| comments.contains('#'))?;
    let Some(next) = next else {
        return Some(comments);
    };
    let above = |decor: &mut toml_edit::Decor| {
        let own = decor.prefix().and_then(|own| own.as_str()).unwrap_or_default();
        let both = format!("{comments}{own}");
        decor.set_prefix(both);
    };
    match table.get_mut(&next) {
        Some(Item::Table(table)) => above(table.decor_mut()),
        _ => above(table.key_mut(&next)?.leaf_decor_mut()),
    }
    None
}

/// Removes a value of the top level.
fn unset_top(document: &mut DocumentMut, key: &str) {
    if let Some(comments) = unset(document.as_table_mut(), key) {
        let own = document.trailing().as_str().unwrap_or_default();
        let both = format!("{comments}{own}");
        document.set_trailing(both);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{PresenceConfig, read};

    const WRITTEN: &str = "\
# who I am
user = \"alice\"   # bound to the credential
name = \"Alice\"   # not Ally

[broker]
url = \"mqtt://a\" # the one downstairs

[activity]
away_after = \"10m\"   # I think slowly
";

    fn edited(before: Option<&str>, settings: &[Setting]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        if let Some(before) = before {
            fs::write(&path, before).unwrap();
        }
        edit(&path, settings).unwrap();
        read(&path).unwrap();
        fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn comments_and_everything_else_stay_as_they_were_written() {
        let settings = [
            Setting::Name("Ally \"A\"".to_owned()),
            Setting::AwayAfter(Span(Duration::from_secs(90))),
        ];
        let expected =
            WRITTEN.replace("\"Alice\" ", "\"Ally \\\"A\\\"\" ").replace("\"10m\"", "\"90s\"");
        let after = edited(Some(WRITTEN), &settings);
        assert_eq!(after.replace("'Ally \"A\"'", "\"Ally \\\"A\\\"\""), expected);
    }

    #[test]
    fn a_missing_setting_is_added_and_a_missing_file_created() {
        let quiet = "22:00-07:00".parse().ok();
        let policy = NotificationPolicy {
            about: About::Chosen,
            go: false,
            quiet,
            ..NotificationPolicy::default()
        };
        let settings = [Setting::Notifications(policy), Setting::UserTopic(false)];
        for before in
            [None, Some(WRITTEN), Some("notices.come_and_go = true\n"), Some("presence = {}\n")]
        {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("config.toml");
            if let Some(before) = before {
                fs::write(&path, before).unwrap();
            }
            edit(&path, &settings).unwrap();
            let config = read(&path).unwrap().unwrap();
            assert_eq!(config.notices.policy(), policy, "{before:?}");
            assert!(!config.presence.user_topic);
            edit(&path, &[Setting::Notifications(NotificationPolicy::default())]).unwrap();
            let config = read(&path).unwrap().unwrap();
            assert_eq!(config.notices.policy(), NotificationPolicy::default(), "{before:?}");
        }
    }

    #[test]
    fn a_removed_setting_is_not_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, WRITTEN).unwrap();
        let links = vec!["mailto:a@b".parse().unwrap(), "tel:+1".parse().unwrap()];
        let settings = [
            Setting::Links(links.clone()),
            Setting::Language(Some(Language::German)),
            Setting::Grace(Grace(Duration::from_secs(9))),
            Setting::Calls(Calls::Dnd),
            Setting::DesktopDnd(true),
            Setting::Coarse(true),
            Setting::Updates(false),
            Setting::SymbolicIcon(true),
        ];
        edit(&path, &settings).unwrap();
        let config = read(&path).unwrap().unwrap();
        assert_eq!((config.updates, config.tray.symbolic), (Some(false), true));
        assert_eq!((config.links, config.language), (links, Some(Language::German)));
        assert_eq!((config.activity.calls, config.activity.desktop_dnd), (Calls::Dnd, true));
        let PresenceConfig { grace, coarse, .. } = config.presence;
        assert_eq!((grace, coarse), (Grace(Duration::from_secs(9)), true));

        edit(&path, &[Setting::Links(Vec::new()), Setting::Language(None)]).unwrap();
        let config = read(&path).unwrap().unwrap();
        assert_eq!((config.links, config.language), (Vec::new(), None));
        assert!(fs::read_to_string(&path).unwrap().starts_with("# who I am\n"));
    }

    #[test]
    fn comments_above_a_changed_or_removed_setting_stay() {
        let back = [Setting::Links(Vec::new()), Setting::Language(None)];
        for (before, settings, after) in [
            (
                "# mine\nname = \"A\" # so\n",
                &[Setting::Name("B".to_owned())][..],
                "# mine\nname = \"B\" # so\n",
            ),
            (
                "# mine\nlinks = [\"tel:+1\"]\n# me\nname = \"A\"\n",
                &back,
                "# mine\n# me\nname = \"A\"\n",
            ),
            (
                "# mine\nlanguage = \"de\"\n\n[hub]\nrun = true\n",
                &back,
                "# mine\n\n[hub]\nrun = true\n",
            ),
            ("# mine\nlanguage = \"de\"\n", &back, "# mine\n"),
        ] {
            assert_eq!(edited(Some(before), settings), after);
        }
    }

    #[test]
    fn an_invalid_file_is_reported_and_left_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "user = \"alice\"\nnam = \"Alice\"\n").unwrap();
        let error = edit(&path, &[Setting::UserTopic(false)]).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "user = \"alice\"\nnam = \"Alice\"\n");
        assert!(edit(dir.path(), &[]).is_err(), "a folder is no file");
    }
}
