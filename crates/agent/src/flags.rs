//! The flags that every program takes, laid over the config.
//!
//! Owns the question who one is and where the team meets. Deliberately starts nothing.

use std::net::SocketAddr;
use std::path::PathBuf;

use porchlight_activity::Choice;
use porchlight_core::contact::ContactLink;
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::notice::NoticePolicy;
use porchlight_core::text::{MAX_NAME, display_text};

use crate::broker::{Broker, ClientCertificate, Login, Password, Trust};
use crate::config::{self, Calls, Config, ConfigError, Language};
use crate::habits::Habits;
use crate::membership::{Membership, MembershipError};
use crate::places::{NoPlace, Places};

/// Flags that override the config.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Who and where (override the config)")]
pub struct Flags {
    /// Broker: mqtt://[USER:PASSWORD@]HOST[:PORT][/presence[/ORG]]; mqtts:// for TLS, ws:// or wss:// for WebSocket
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
    /// By what the person can be reached.
    pub links: Vec<ContactLink>,
    /// What the desktop app speaks, where that was said.
    pub language: Option<Language>,
    /// Whether the desktop app looks for newer versions of itself.
    pub updates: bool,
    /// Whether the icon in the tray is symbolic.
    pub symbolic_icon: bool,
    /// This device, where it was said.
    pub device: Option<DeviceId>,
    /// Where the team meets; `None` means the hub on this machine.
    pub broker: Option<Broker>,
    /// The team that was joined, where that is what the broker is of.
    pub membership: Option<Membership>,
    /// What is watched.
    pub source: Choice,
    /// Whether others see that a microphone is in use.
    pub calls: bool,
    /// Whether the desktop's do-not-disturb is followed.
    pub desktop_dnd: bool,
    /// How presence is held.
    pub habits: Habits,
    /// Which notices are wanted.
    pub notices: NoticePolicy,
    /// Whether the desktop app runs a hub, be it that of the team that was joined or one for this machine alone.
    pub runs_hub: bool,
    /// Where the hub of a team that is hosted here listens, where that was said.
    pub hub_listen: Option<SocketAddr>,
    /// Whether such a team can be found on the local network.
    pub announces_hub: bool,
    /// Whether there was anything to go by: a config file, a team that was joined, or who and where by flags.
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
    /// What was kept of a team can't be read.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// A key is of no use alone.
    #[error(
        "broker.key in the config is the key of a certificate; name that in broker.certificate"
    )]
    KeyAlone,
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
        if config.broker.key.is_some() && config.broker.certificate.is_none() {
            return Err(FlagsError::KeyAlone);
        }
        let named = self.broker.clone().or_else(|| broker(&config));
        // A broker that is named is meant, whatever was joined.
        let membership = if named.is_none() { Membership::read(&places.state)? } else { None };
        let joined = membership.as_ref();
        // The id is bound to the credential, whatever the config says.
        let user = self.user.clone().or_else(|| joined.map(|it| it.user().clone()));
        let name = self.name.clone().or(config.name);
        let name = name.or_else(|| joined.map(|it| it.name().to_owned()));
        Ok(Resolved {
            places,
            user: user.or(config.user),
            name: name.and_then(|name| display_text(&name, MAX_NAME)),
            links: config.links,
            language: config.language,
            updates: config.updates.unwrap_or(true),
            symbolic_icon: config.tray.symbolic,
            device: self.device.clone().or(config.device),
            runs_hub: config.hub.run && named.is_none(),
            hub_listen: config.hub.listen,
            announces_hub: config.hub.announce,
            broker: named.or_else(|| joined.map(Membership::broker)),
            source: config.activity.source,
            calls: config.activity.calls != Calls::Unseen,
            desktop_dnd: config.activity.desktop_dnd,
            habits: Habits {
                away_after: config.activity.away_after.0,
                grace: config.presence.grace.0,
                lease: config.presence.lease.0,
                calls_dnd: config.activity.calls == Calls::Dnd,
                user_topic: config.presence.user_topic,
                coarse: config.presence.coarse,
            },
            notices: config.notices.policy(),
            configured: configured || joined.is_some(),
            membership,
        })
    }
}

/// The broker of the config, its login and certificates laid over the URL.
fn broker(config: &Config) -> Option<Broker> {
    let Config { broker: written, .. } = config;
    let mut broker = written.url.clone()?;
    if let Some(username) = &written.username {
        let password = written.password.clone().unwrap_or_default();
        broker.login =
            Some(Login { username: username.clone(), password: Password::Said(password) });
    }
    if let Some(tls) = &mut broker.tls {
        tls.trust = written.ca.clone().map_or(Trust::System, Trust::Authorities);
        tls.certificate = written.certificate.clone().map(|certificate| {
            let key = written.key.clone().unwrap_or_else(|| certificate.clone());
            ClientCertificate { certificate, key }
        });
    }
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

    use porchlight_core::id::Root;
    use porchlight_core::team::{Joined, Pin, Role, Secret};

    use super::*;
    use crate::broker::Tls;
    use crate::membership::Keep;

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
        assert_eq!(
            (login.username, login.password),
            ("u".to_owned(), Password::Said("p".to_owned()))
        );
        assert!(plain.configured);

        flags.user = Some(UserId::parse("bob").unwrap());
        flags.broker = Some("mqtt://b".parse().unwrap());
        let over = flags.resolve().unwrap();
        assert_eq!(over.user.unwrap().as_str(), "bob");
        assert_eq!(over.broker.unwrap().address().host(), "b");
        assert_eq!(over.name.as_deref(), Some("Alice"));
    }

    #[test]
    fn whom_to_believe_over_tls_comes_from_the_config() {
        let dir = tempfile::tempdir().unwrap();
        let tls = |config: &str| {
            let config = format!("[broker]\nurl = \"wss://a\"\n{config}");
            flags(dir.path(), &config).resolve().map(|it| it.broker.unwrap().tls.unwrap())
        };
        assert_eq!(tls("").unwrap(), Tls::default());
        let files = |certificate: &str, key: &str| {
            Some(ClientCertificate { certificate: certificate.into(), key: key.into() })
        };
        let both = tls("ca = \"ca.pem\"\ncertificate = \"me.pem\"\nkey = \"me.key\"").unwrap();
        assert_eq!(both.trust, Trust::Authorities("ca.pem".into()));
        assert_eq!(both.certificate, files("me.pem", "me.key"));
        assert_eq!(tls("certificate = \"me.pem\"").unwrap().certificate, files("me.pem", "me.pem"));
        assert!(tls("key = \"me.key\"").unwrap_err().to_string().contains("broker.certificate"));
    }

    #[test]
    fn how_presence_is_held_comes_from_the_config() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(flags(dir.path(), "").resolve().unwrap().habits, Habits::default());
        let config = "[activity]\naway_after = \"1m\"\ncalls = \"dnd\"\n\
                      [presence]\ngrace = \"2s\"\nlease = \"3m\"\nuser_topic = false\n\
                      coarse = true";
        let expected = Habits {
            away_after: Duration::from_secs(60),
            grace: Duration::from_secs(2),
            lease: Duration::from_secs(180),
            calls_dnd: true,
            user_topic: false,
            coarse: true,
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

    /// A team that Bob joined.
    async fn join(dir: &std::path::Path) {
        let joined = Joined {
            team: "Team".to_owned(),
            root: Root::parse("presence/acme").unwrap(),
            user: UserId::parse("bob-2").unwrap(),
            name: "Bob".to_owned(),
            role: Role::Member,
            credential: Secret::of_parts("k3V9xQ2aB7", &"s".repeat(27)).unwrap(),
            at: vec!["10.0.0.7:1".parse().unwrap()],
            pin: Pin::of_digest([7; 32]),
        };
        let state = Places::find(Some(dir)).unwrap().state;
        Membership::keep(&state, &joined, Keep::FileAgreed).await.unwrap();
    }

    #[tokio::test]
    async fn the_team_that_was_joined_is_the_broker_where_none_is_named() {
        let dir = tempfile::tempdir().unwrap();
        join(dir.path()).await;
        let nothing = Flags { config_dir: Some(dir.path().to_owned()), ..Flags::default() };
        let it = nothing.resolve().unwrap();
        let broker = it.broker.clone().unwrap();
        assert_eq!(broker.to_string(), "mqtts://10.0.0.7:1/presence/acme");
        assert_eq!(broker.tls.unwrap().trust, Trust::Pinned(Pin::of_digest([7; 32])));
        assert_eq!((it.user.unwrap().as_str(), it.name.as_deref()), ("bob-2", Some("Bob")));
        assert!(it.configured && !it.runs_hub);
        assert_eq!(it.membership.unwrap().team(), "Team");

        // The id is the credential's, the name the person's; the host's own app runs the hub, too.
        let mut flags =
            flags(dir.path(), "user = \"bob\"\nname = \"Bob Okafor\"\n[hub]\nrun = true");
        let it = flags.resolve().unwrap();
        assert_eq!((it.user.unwrap().as_str(), it.name.as_deref()), ("bob-2", Some("Bob Okafor")));
        assert!(it.runs_hub && it.broker.is_some());

        flags.user = Some(UserId::parse("zoe").unwrap());
        assert_eq!(flags.resolve().unwrap().user.unwrap().as_str(), "zoe");
        flags.broker = Some("mqtt://b".parse().unwrap());
        let it = flags.resolve().unwrap();
        assert_eq!(it.broker.unwrap().address().host(), "b");
        assert!(it.membership.is_none() && !it.runs_hub);
    }

    #[tokio::test]
    async fn a_broker_in_the_config_is_meant_whatever_was_joined() {
        let dir = tempfile::tempdir().unwrap();
        join(dir.path()).await;
        let it = flags(dir.path(), "user = \"bob\"\n[broker]\nurl = \"mqtt://c\"").resolve();
        let it = it.unwrap();
        assert_eq!(it.broker.unwrap().address().host(), "c");
        assert_eq!(it.user.unwrap().as_str(), "bob");
        assert!(it.membership.is_none());
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
