//! The settings page: its present values, and the changes that a person makes.
//!
//! This module validates changes and writes them to the config file.
//! [`porchlight_agent::config::edit`] knows the file's format, and keeps the person's comments.

use std::time::Duration;

use porchlight_agent::autostart::Autostart;
use porchlight_agent::config::edit::{Setting, edit};
use porchlight_agent::config::{Calls, Grace, Language, Span};
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_core::contact::{ContactLink, ContactLinkError, MAX_LINKS};
use porchlight_core::notification::{NotificationPolicy, QuietHours, QuietHoursError};
use porchlight_core::view::Problem;
use porchlight_core::view::settings::{CallsView, NotificationsView, SettingsView};

use crate::start::{problem, resolve, shown_name};

/// What a change means for the running app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The notifications from now on.
    pub(crate) notices: NotificationPolicy,
    /// Presence has to restart, within the grace period, so that nobody notices.
    pub(crate) anew: bool,
    /// The language from now on; `None` follows the system.
    pub(crate) language: Option<Language>,
    /// Whether the icon in the tray is symbolic from now on.
    pub(crate) symbolic_icon: bool,
}

/// The present settings.
pub(crate) fn read(flags: &Flags) -> Result<SettingsView, Problem> {
    resolve(flags).map(|resolved| view(&resolved))
}

fn view(resolved: &Resolved) -> SettingsView {
    let NotificationPolicy { about, come, go, away, back, quiet } = resolved.notices;
    let id = resolved.user.as_ref();
    SettingsView {
        name: id.map_or_else(String::new, |user| resolved.shown_name(user)),
        links: resolved.links.iter().map(ToString::to_string).collect(),
        language: resolved.language.map(|language| language.tag().to_owned()),
        away_after_s: seconds(resolved.habits.away_after),
        grace_s: seconds(resolved.habits.grace),
        calls: match (resolved.calls, resolved.habits.calls_dnd) {
            (false, _) => CallsView::Hidden,
            (true, false) => CallsView::Shown,
            (true, true) => CallsView::Dnd,
        },
        desktop_dnd: resolved.desktop_dnd,
        coarse: resolved.habits.coarse,
        updates: resolved.updates,
        symbolic_icon: resolved.symbolic_icon,
        user_topic: resolved.habits.user_topic,
        notices: NotificationsView {
            about,
            come,
            go,
            away,
            back,
            quiet_hours: quiet.map(|quiet| quiet.to_string()),
        },
        starts_at_login: Autostart::here().map(|autostart| autostart.is_on()),
    }
}

fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}

/// Writes the settings that have changed.
pub(crate) fn change(flags: &Flags, wanted: &SettingsView) -> Result<Changed, Problem> {
    let resolved = resolve(flags)?;
    let before = view(&resolved);
    let mut settings = Vec::new();
    if wanted.name != before.name {
        settings.push(Setting::Name(shown_name(&wanted.name)?));
    }
    if wanted.away_after_s != before.away_after_s {
        const RANGE: std::ops::RangeInclusive<u32> = 1..=365 * 86_400;
        if !RANGE.contains(&wanted.away_after_s) {
            return Err(problem(
                "settings",
                "enter a time of at least one second after which you are away",
            ));
        }
        let span = Span(Duration::from_secs(u64::from(wanted.away_after_s)));
        settings.push(Setting::AwayAfter(span));
    }
    if wanted.user_topic != before.user_topic {
        settings.push(Setting::UserTopic(wanted.user_topic));
    }
    if wanted.links != before.links {
        if wanted.links.len() > MAX_LINKS {
            return Err(problem(
                "settings",
                format!("at most {MAX_LINKS} ways to reach you can be published; remove one"),
            ));
        }
        let links = wanted.links.iter().map(|link| ContactLink::parse(link)).collect();
        let links: Result<Vec<_>, ContactLinkError> = links;
        settings.push(Setting::Links(links.map_err(|error| problem("settings", error))?));
    }
    if wanted.grace_s != before.grace_s {
        let grace = format!("{}s", wanted.grace_s).parse::<Grace>();
        settings.push(Setting::Grace(grace.map_err(|error| problem("settings", error))?));
    }
    if wanted.calls != before.calls {
        settings.push(Setting::Calls(match wanted.calls {
            CallsView::Hidden => Calls::Ignored,
            CallsView::Shown => Calls::Shown,
            CallsView::Dnd => Calls::Dnd,
        }));
    }
    if wanted.desktop_dnd != before.desktop_dnd {
        settings.push(Setting::DesktopDnd(wanted.desktop_dnd));
    }
    if wanted.coarse != before.coarse {
        settings.push(Setting::Coarse(wanted.coarse));
    }
    // The following settings concern only this app; others do not see them.
    let anew = !settings.is_empty();
    let language = wanted.language.as_deref().map(str::parse::<Language>).transpose();
    let language = language.map_err(|error| problem("settings", error))?;
    if language != resolved.language {
        settings.push(Setting::Language(language));
    }
    if wanted.updates != before.updates {
        settings.push(Setting::Updates(wanted.updates));
    }
    if wanted.symbolic_icon != before.symbolic_icon {
        settings.push(Setting::SymbolicIcon(wanted.symbolic_icon));
    }
    let notices = policy(&wanted.notices)?;
    if notices != resolved.notices {
        settings.push(Setting::Notifications(notices));
    }
    // First, because it needs no restart: the other changes have to reach the running presence as
    // well.
    if let (Some(on), Some(autostart)) = (wanted.starts_at_login, Autostart::here())
        && Some(on) != before.starts_at_login
    {
        let program = std::env::current_exe().map_err(|error| problem("autostart", error))?;
        autostart.set(&program, on).map_err(|error| problem("autostart", error))?;
    }
    if !settings.is_empty() {
        edit(&resolved.places.config_file(), &settings)
            .map_err(|error| problem("config", error))?;
    }
    Ok(Changed { notices, anew, language, symbolic_icon: wanted.symbolic_icon })
}

fn policy(notices: &NotificationsView) -> Result<NotificationPolicy, Problem> {
    let NotificationsView { about, come, go, away, back, ref quiet_hours } = *notices;
    let quiet = quiet_hours.as_deref().map(str::parse::<QuietHours>).transpose();
    let quiet = quiet.map_err(|error: QuietHoursError| problem("settings", error))?;
    Ok(NotificationPolicy { about, come, go, away, back, quiet })
}

#[cfg(test)]
mod tests {
    use porchlight_core::notification::About;

    use super::*;

    fn flags(dir: &std::path::Path) -> Flags {
        Flags { config_dir: Some(dir.to_owned()), ..Flags::default() }
    }

    #[test]
    fn what_is_set_is_written_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let written = "user = \"alice\" # me\nname = \"Alice\"\n";
        std::fs::write(&file, written).unwrap();
        let flags = flags(dir.path());
        let before = read(&flags).unwrap();
        assert_eq!((before.name.as_str(), before.away_after_s), ("Alice", 300));

        let changed = change(&flags, &before).unwrap();
        let same = Changed {
            notices: NotificationPolicy::default(),
            anew: false,
            language: None,
            symbolic_icon: false,
        };
        assert_eq!(changed, same);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), written);

        let mut quiet = before;
        quiet.notices.quiet_hours = Some("22:00-07:00".to_owned());
        quiet.notices.about = About::Everyone;
        quiet.symbolic_icon = true;
        let changed = change(&flags, &quiet).unwrap();
        assert!(!changed.anew && changed.notices.quiet.is_some() && changed.symbolic_icon);
        assert_eq!(read(&flags).unwrap(), quiet);

        let german = SettingsView { language: Some("de".to_owned()), ..quiet.clone() };
        let changed = change(&flags, &german).unwrap();
        assert!(!changed.anew, "the connection is left alone");
        assert_eq!(changed.language, Some(Language::German));
        assert_eq!(read(&flags).unwrap(), german);

        let renamed = SettingsView {
            name: "Ally".to_owned(),
            links: vec!["mailto:ally@example.org".to_owned()],
            language: Some("de".to_owned()),
            away_after_s: 90,
            grace_s: 9,
            calls: CallsView::Dnd,
            desktop_dnd: true,
            coarse: true,
            updates: false,
            ..quiet
        };
        let changed = change(&flags, &renamed).unwrap();
        assert!(changed.anew && changed.language == Some(Language::German));
        assert_eq!(read(&flags).unwrap(), renamed);
        assert!(std::fs::read_to_string(&file).unwrap().contains("\"alice\" # me"));
    }

    #[test]
    fn what_can_not_be_is_said_and_nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.toml"), "user = \"alice\"\n").unwrap();
        let flags = flags(dir.path());
        let before = read(&flags).unwrap();
        let mut wrong = before.clone();
        wrong.notices.quiet_hours = Some("at night".to_owned());
        assert!(change(&flags, &wrong).unwrap_err().message.contains("22:00-07:00"));
        let nameless = SettingsView { name: " ".to_owned(), ..before.clone() };
        assert_eq!(change(&flags, &nameless).unwrap_err().code, "no_name");
        let restless = SettingsView { away_after_s: 0, ..before.clone() };
        assert_eq!(change(&flags, &restless).unwrap_err().code, "settings");
        let patient = SettingsView { grace_s: 61, ..before.clone() };
        assert!(change(&flags, &patient).unwrap_err().message.contains("60s"));
        let known =
            SettingsView { links: vec!["tel:+1".to_owned(); MAX_LINKS + 1], ..before.clone() };
        assert_eq!(change(&flags, &known).unwrap_err().code, "settings");
        let wild = SettingsView { links: vec!["javascript:1".to_owned()], ..before.clone() };
        assert!(change(&flags, &wild).unwrap_err().message.contains("mailto:"));
        let french = SettingsView { language: Some("fr".to_owned()), ..before.clone() };
        assert_eq!(change(&flags, &french).unwrap_err().code, "settings");
        assert_eq!(read(&flags).unwrap(), before);
    }
}
