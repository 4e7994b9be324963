//! The flags that every program takes, laid over the config.
//!
//! Owns the question who one is and where the team meets. Deliberately starts nothing.

use std::path::PathBuf;

use porchlight_activity::Choice;
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::text::{MAX_NAME, display_text};

use crate::broker::{Broker, Login};
use crate::config::{self, Calls, Config, ConfigError};
use crate::habits::Habits;
use crate::places::{NoPlace, Places};

/// Flags that override the config.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Who and where (override the config)")]
pub struct Flags {
    /// Broker: mqtt://[USER:PASSWORD@]HOST[:PORT][/presence[/ORG]], or mqtts:// for TLS
    #[arg(long, value_name = "URL", global = true)]
    pub broker: Option<Broker>,
    /// Your id in the team
    #[arg(long, value_name = "ID", global = true, value_parser = user)]
    pub user: Option<UserId>,
    /// This device's id
    #[arg(long, value_name = "ID", global = true, value_parser = device)]
    pub device: Option<DeviceId>,
    /// The name shown to others
    #[arg(long, value_name = "NAME", global = true)]
    pub name: Option<String>,
    /// Folder of config.toml and of all that is kept
    #[arg(long, value_name = "DIR", global = true)]
    pub config_dir: Option<PathBuf>,
}

fn user(text: &str) -> Result<UserId, String> {
    UserId::from_typed(text).map_err(|error| error.to_string())
}

fn device(text: &str) -> Result<DeviceId, String> {
    DeviceId::from_typed(text).map_err(|error| error.to_string())
}

/// What flags and config come to.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Where files are.
    pub places: Places,
    /// Who, where it was said.
    pub user: Option<UserId>,
    /// The name shown, where it was said.
    pub name: Option<String>,
    /// This device, where it was said.
    pub device: Option<DeviceId>,
    /// Where the team meets; `None` means the hub on this machine.
    pub broker: Option<Broker>,
    /// What is watched.
    pub source: Choice,
    /// Whether others see that a microphone is in use.
    pub calls: bool,
    /// Whether the desktop's do-not-disturb is followed.
    pub desktop_dnd: bool,
    /// How presence is held.
    pub habits: Habits,
    /// Whether notices are wanted.
    pub notices: bool,
    /// Whether the desktop app runs a hub.
    pub runs_hub: bool,
    /// Whether there was anything to go by: a config file, or who and where by flags.
    pub configured: bool,
}

/// Why flags and config come to nothing.
#[derive(Debug, thiserror::Error)]
pub enum FlagsError {
    /// No home folder.
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    /// The config file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Flags {
    /// Reads the config and lays the flags over it.
    ///
    /// # Errors
    /// Where there is no home folder, or the config file is wrong.
    pub fn resolve(&self) -> Result<Resolved, FlagsError> {
        let places = Places::find(self.config_dir.as_deref())?;
        let file = config::read(&places.config_file())?;
        let configured = file.is_some() || (self.broker.is_some() && self.user.is_some());
        let config = file.unwrap_or_default();
        let broker = self.broker.clone().or_else(|| broker(&config));
        let name = self.name.clone().or(config.name);
        Ok(Resolved {
            places,
            user: self.user.clone().or(config.user),
            name: name.and_then(|name| display_text(&name, MAX_NAME)),
            device: self.device.clone().or(config.device),
            runs_hub: config.hub.run && broker.is_none(),
            broker,
            source: config.activity.source,
            calls: config.activity.calls != Calls::Unseen,
            desktop_dnd: config.activity.desktop_dnd,
            habits: Habits {
                away_after: config.activity.away_after.0,
                grace: config.presence.grace.0,
                lease: config.presence.lease.0,
                calls_dnd: config.activity.calls == Calls::Dnd,
                user_topic: config.presence.user_topic,
            },
            notices: config.notices.come_and_go,
            configured,
        })
    }
}

/// The broker of the config, its login and certificates laid over the URL.
fn broker(config: &Config) -> Option<Broker> {
    let Config { broker: written, .. } = config;
    let mut broker = written.url.clone()?;
    if let Some(username) = &written.username {
        let password = written.password.clone().unwrap_or_default();
        broker.login = Some(Login { username: username.clone(), password });
    }
    broker.ca.clone_from(&written.ca);
    Some(broker)
}

impl Resolved {
    /// What to watch for. A shell that has a probe adds it.
    #[must_use]
    pub fn activity(&self) -> porchlight_activity::Settings {
        porchlight_activity::Settings {
            choice: self.source,
            away_after: self.habits.away_after,
            in_call: self.calls,
            desktop_dnd: self.desktop_dnd,
            ..porchlight_activity::Settings::default()
        }
    }

    /// The name shown: as said, else the id.
    #[must_use]
    pub fn shown_name(&self, user: &UserId) -> String {
        self.name
            .clone()
            .or_else(|| display_text(user.as_str(), MAX_NAME))
            .unwrap_or_else(|| user.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn flags(dir: &std::path::Path, config: &str) -> Flags {
        std::fs::write(dir.join("config.toml"), config).unwrap();
        Flags { config_dir: Some(dir.to_owned()), ..Flags::default() }
    }

    #[test]
    fn flags_override_the_config() {
        let dir = tempfile::tempdir().unwrap();
        let mut flags = flags(
            dir.path(),
            "user = \"alice\"\nname = \"Alice\"\n[broker]\nurl = \"mqtt://a\"\nusername = \"u\"\npassword = \"p\"",
        );
        let plain = flags.resolve().unwrap();
        let login = plain.broker.clone().unwrap().login.unwrap();
        assert_eq!((login.username.as_str(), login.password.as_str()), ("u", "p"));
        assert!(plain.configured);

        flags.user = Some(UserId::parse("bob").unwrap());
        flags.broker = Some("mqtt://b".parse().unwrap());
        let over = flags.resolve().unwrap();
        assert_eq!(over.user.unwrap().as_str(), "bob");
        assert_eq!(over.broker.unwrap().host, "b");
        assert_eq!(over.name.as_deref(), Some("Alice"));
    }

    #[test]
    fn how_presence_is_held_comes_from_the_config() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(flags(dir.path(), "").resolve().unwrap().habits, Habits::default());
        let config = "[activity]\naway_after = \"1m\"\ncalls = \"dnd\"\n\
                      [presence]\ngrace = \"2s\"\nlease = \"3m\"\nuser_topic = false";
        let expected = Habits {
            away_after: Duration::from_secs(60),
            grace: Duration::from_secs(2),
            lease: Duration::from_secs(180),
            calls_dnd: true,
            user_topic: false,
        };
        assert_eq!(flags(dir.path(), config).resolve().unwrap().habits, expected);
    }

    #[test]
    fn without_config_it_takes_who_and_where() {
        let dir = tempfile::tempdir().unwrap();
        let mut flags = Flags { config_dir: Some(dir.path().to_owned()), ..Flags::default() };
        assert!(!flags.resolve().unwrap().configured);
        flags.broker = Some("mqtt://b".parse().unwrap());
        assert!(!flags.resolve().unwrap().configured);
        flags.user = Some(UserId::parse("bob").unwrap());
        assert!(flags.resolve().unwrap().configured);
    }

    #[test]
    fn a_hub_is_run_only_where_no_broker_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut flags = flags(dir.path(), "user = \"alice\"\n[hub]\nrun = true");
        assert!(flags.resolve().unwrap().runs_hub);
        flags.broker = Some("mqtt://b".parse().unwrap());
        assert!(!flags.resolve().unwrap().runs_hub);
    }
}
