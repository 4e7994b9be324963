//! The command-line flags that every program takes, applied over the config.
//!
//! This module decides who the person is and where the team's broker is. It starts nothing.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use porchlight_activity::Choice;
use porchlight_core::contact::ContactLink;
use porchlight_core::id::{DeviceId, IdError, UserId};
use porchlight_core::notification::NotificationPolicy;
use porchlight_core::text::{MAX_NAME, display_id, display_text};

use crate::broker::{Broker, BrokerError, ClientCertificate, Login, LoginError, Password, Trust};
use crate::config::{self, Calls, Config, ConfigError, HubConfig, Language};
use crate::membership::{Membership, MembershipError};
use crate::places::{Dirs, NoHomeError};
use crate::presence_options::PresenceOptions;
use crate::proxy::Proxy;

/// More than an MQTT password can have, which is 65,535 bytes; a longer one is refused later.
const MAX_PASSWORD_FILE: u64 = 1 << 17;

/// Flags that override the config.
#[expect(rustdoc::broken_intra_doc_links, reason = "clap prints the text as it is")]
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Identity and connection (override the config)")]
pub struct Flags {
    /// The broker: mqtt://[USER:PASSWORD@]HOST[:PORT][/presence[/ORG]]; mqtts:// for TLS, ws:// or wss:// for WebSocket
    #[arg(long, value_name = "URL", global = true, value_parser = BrokerParser)]
    #[arg(env = "PORCHLIGHT_BROKER", hide_env_values = true)]
    pub broker: Option<Broker>,
    /// A file that contains only the password for --broker
    #[arg(long, value_name = "FILE", global = true)]
    #[arg(env = "PORCHLIGHT_PASSWORD_FILE", hide_env_values = true)]
    pub password_file: Option<PathBuf>,
    /// Your id in the team
    #[arg(long, value_name = "ID", global = true, value_parser = user)]
    #[arg(env = "PORCHLIGHT_USER", hide_env_values = true)]
    pub user: Option<UserId>,
    /// This device's id
    #[arg(long, value_name = "ID", global = true, value_parser = device)]
    #[arg(env = "PORCHLIGHT_DEVICE", hide_env_values = true)]
    pub device: Option<DeviceId>,
    /// Your name, as others see it
    #[arg(long, value_name = "NAME", global = true)]
    #[arg(env = "PORCHLIGHT_NAME", hide_env_values = true)]
    pub name: Option<String>,
    /// The folder for config.toml and everything Porchlight stores
    #[arg(long, value_name = "DIR", global = true)]
    #[arg(env = "PORCHLIGHT_CONFIG_DIR", hide_env_values = true)]
    pub config_dir: Option<PathBuf>,
}

/// Parses a broker URL. The parser that clap derives from `FromStr` would repeat the URL, with the
/// password in it, in its error.
#[derive(Debug, Clone, Copy)]
struct BrokerParser;

impl clap::builder::TypedValueParser for BrokerParser {
    type Value = Broker;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Broker, clap::Error> {
        let read = value.to_str().ok_or(BrokerError::NotUtf8).and_then(str::parse);
        read.map_err(|error| {
            let argument = argument.map(ToString::to_string).unwrap_or_default();
            let words = format!(
                "invalid value for '{argument}': {error}\n\nFor more information, try '--help'.\n"
            );
            clap::Error::raw(clap::error::ErrorKind::ValueValidation, words).with_cmd(command)
        })
    }
}

fn user(text: &str) -> Result<UserId, String> {
    UserId::from_typed(text).map_err(|error| error.to_string())
}

fn device(text: &str) -> Result<DeviceId, String> {
    DeviceId::from_typed(text).map_err(|error| error.to_string())
}

/// The settings that result from flags and config.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The app's folders.
    pub places: Dirs,
    /// The person's id, if it is set.
    pub user: Option<UserId>,
    /// The name that others see, if it is set.
    pub name: Option<String>,
    /// Links by which others can reach the person.
    pub links: Vec<ContactLink>,
    /// The language of the desktop app, if it is set.
    pub language: Option<Language>,
    /// Whether the desktop app looks for newer versions of itself.
    pub updates: bool,
    /// Whether the icon in the tray is symbolic.
    pub symbolic_icon: bool,
    /// This device's id, if it is set.
    pub device: Option<DeviceId>,
    /// The broker; `None` means the hub on this machine.
    pub broker: Option<Broker>,
    /// The proxy to brokers and hubs, if one is used.
    pub proxy: Proxy,
    /// The team that was joined, if the broker is its hub.
    pub membership: Option<Membership>,
    /// The source of activity.
    pub source: Choice,
    /// Whether others see that a microphone is in use.
    pub calls: bool,
    /// Whether the desktop's do-not-disturb sets the person's status.
    pub desktop_dnd: bool,
    /// How presence is published.
    pub habits: PresenceOptions,
    /// Which notifications pop up.
    pub notices: NotificationPolicy,
    /// Whether the desktop app runs a hub: of the joined team, or for this machine alone.
    pub runs_hub: bool,
    /// The settings of the hub of a team that is hosted here.
    pub hub: HubConfig,
    /// Whether there is a config file, a joined team, or a person and a broker in the flags.
    pub configured: bool,
}

/// Why flags and config can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FlagsError {
    /// The account has no home folder.
    #[error(transparent)]
    NoPlace(#[from] NoHomeError),
    /// The config file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The stored membership can't be read.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// The config names a key but no certificate.
    #[error(
        "the config has broker.key without broker.certificate; add the certificate that the key belongs to"
    )]
    KeyAlone,
    /// The config names two passwords.
    #[error("the config has both broker.password and broker.password_file; remove one of them")]
    TwoPasswords,
    /// The password file can't be read.
    #[error("the password can't be read from {path} ({error}); check the path and its permissions")]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// MQTT can't carry the User Name or the Password.
    #[error("the login in the config can't be used: {0}")]
    Login(#[from] LoginError),
    /// The id was never used here, and others could not read it.
    #[error("{id} can't be a new id: {error}")]
    NewId {
        /// The id, made safe to show.
        id: String,
        /// What is wrong with the id.
        error: IdError,
    },
}

impl Flags {
    /// Reads the config and applies the flags over it.
    ///
    /// # Errors
    ///
    /// * [`FlagsError::NoPlace`] if the account has no home folder;
    /// * [`FlagsError::Config`], [`FlagsError::KeyAlone`], [`FlagsError::TwoPasswords`] or
    ///   [`FlagsError::Login`] if the config is wrong;
    /// * [`FlagsError::PasswordFile`] if the password file can't be read;
    /// * [`FlagsError::Membership`] if the stored membership can't be read;
    /// * [`FlagsError::NewId`] if the id is new and not fit for others to read.
    pub fn resolve(&self) -> Result<Resolved, FlagsError> {
        let places = Dirs::find(self.config_dir.as_deref())?;
        let file = config::read(&places.config_file())?;
        let configured = file.is_some() || (self.broker.is_some() && self.user.is_some());
        let config = file.unwrap_or_default();
        if config.broker.key.is_some() && config.broker.certificate.is_none() {
            return Err(FlagsError::KeyAlone);
        }
        let named = match self.broker.clone() {
            Some(mut broker) => {
                if let Some(file) = &self.password_file {
                    broker.login = overlay_login(broker.login, None, Some(read_password(file)?))?;
                }
                Some(broker)
            }
            None => broker(&config, self.password_file.as_deref())?,
        };
        let variable = |name: &str| std::env::var(name).ok();
        let proxy = Proxy::resolve(config.broker.proxy.as_ref(), variable);
        let named = named.map(|mut broker| {
            broker.proxy = proxy.clone();
            broker
        });
        // A broker that is named takes precedence over the team that was joined.
        let membership =
            if named.is_none() { Membership::read(&places.state, &proxy)? } else { None };
        let joined = membership.as_ref();
        let known = config.user.iter().chain(joined.map(Membership::user));
        if let Some(user) = self.user.as_ref().filter(|user| !known.clone().any(|it| it == *user))
            && !crate::device::has_been_used_by(&places.state, user)
        {
            let unread =
                |error| FlagsError::NewId { id: display_id(user.as_str(), MAX_NAME), error };
            user.check_new().map_err(unread)?;
        }
        // The id belongs to the credential, so it takes precedence over the config.
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
            hub: config.hub,
            broker: named.or_else(|| joined.map(Membership::broker)),
            proxy,
            source: config.activity.source,
            calls: config.activity.calls != Calls::Ignored,
            desktop_dnd: config.activity.desktop_dnd,
            habits: PresenceOptions {
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

/// The broker of the config, with its login and certificates applied over the URL.
fn broker(config: &Config, password_file: Option<&Path>) -> Result<Option<Broker>, FlagsError> {
    let Config { broker: written, .. } = config;
    let Some(mut broker) = written.url.clone() else {
        return Ok(None);
    };
    if written.password.is_some() && written.password_file.is_some() {
        return Err(FlagsError::TwoPasswords);
    }
    let password = match password_file.or(written.password_file.as_deref()) {
        Some(file) => Some(read_password(file)?),
        None => written.password.as_ref().map(|password| password.text().to_owned()),
    };
    broker.login = overlay_login(broker.login, written.username.clone(), password)?;
    if let Some(tls) = &mut broker.tls {
        tls.trust = written.ca.clone().map_or(Trust::System, Trust::Authorities);
        tls.certificate = written.certificate.clone().map(|certificate| {
            let key = written.key.clone().unwrap_or_else(|| certificate.clone());
            ClientCertificate { certificate, key }
        });
    }
    Ok(Some(broker))
}

/// The login of the URL, with user name and password replaced if they are given.
fn overlay_login(
    login: Option<Login>,
    username: Option<String>,
    password: Option<String>,
) -> Result<Option<Login>, LoginError> {
    let (url_username, url_password) = match login {
        None => (String::new(), String::new()),
        Some(Login { username, password: Password::Plain(password) }) => (username, password),
        Some(kept) => return Ok(Some(kept)),
    };
    Login::new(username.unwrap_or(url_username), password.unwrap_or(url_password))
}

/// Reads a password file without its line ending, which editors and `echo` add.
fn read_password(path: &Path) -> Result<String, FlagsError> {
    let unreadable = |error| FlagsError::PasswordFile { path: path.to_owned(), error };
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_PASSWORD_FILE).read_to_string(&mut text).map_err(unreadable)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

impl Resolved {
    /// What to watch. The desktop app adds its probe.
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

    /// The name that others see: the one that is set, else the id.
    #[must_use]
    pub fn shown_name(&self, user: &UserId) -> String {
        self.name.clone().unwrap_or_else(|| display_id(user.as_str(), MAX_NAME))
    }
}

#[cfg(test)]
mod tests;
