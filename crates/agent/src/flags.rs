//! The flags that every program takes, laid over the config.
//!
//! Owns the question who one is and where the team meets. Deliberately starts nothing.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use porchlight_activity::Choice;
use porchlight_core::contact::ContactLink;
use porchlight_core::id::{DeviceId, IdError, UserId};
use porchlight_core::notification::NotificationPolicy;
use porchlight_core::text::{MAX_NAME, display_id, display_text};
use porchlight_core::web_origin::WebOrigin;

use crate::broker::{Broker, BrokerError, ClientCertificate, Login, LoginError, Password, Trust};
use crate::config::{self, Calls, Config, ConfigError, Language};
use crate::membership::{Membership, MembershipError};
use crate::places::{Dirs, NoHomeError};
use crate::presence_options::PresenceOptions;

/// MQTT passwords have at most 65,535 bytes; what is longer is refused as such.
const MAX_PASSWORD_FILE: u64 = 1 << 17;

/// Flags that override the config.
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

/// Reads a broker URL. The parser that clap makes of `FromStr` would repeat the URL, and the password in it.
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

/// What flags and config come to.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Where files are.
    pub places: Dirs,
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
    pub habits: PresenceOptions,
    /// Which notifications are wanted.
    pub notices: NotificationPolicy,
    /// Whether the desktop app runs a hub, be it that of the team that was joined or one for this machine alone.
    pub runs_hub: bool,
    /// Where the hub of a team that is hosted here listens, where that was said.
    pub hub_listen: Option<SocketAddr>,
    /// Whether such a team can be found on the local network.
    pub announces_hub: bool,
    /// The origins whose web pages have access to a hub or gateway here.
    pub hub_origins: Vec<WebOrigin>,
    /// Whether there was anything to go by: a config file, a team that was joined, or who and where by flags.
    pub configured: bool,
}

/// Why flags and config come to nothing.
#[derive(Debug, thiserror::Error)]
pub enum FlagsError {
    /// No home folder.
    #[error(transparent)]
    NoPlace(#[from] NoHomeError),
    /// The config file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What was kept of a team can't be read.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// A key is of no use alone.
    #[error(
        "the config has broker.key without broker.certificate; add the certificate that the key belongs to"
    )]
    KeyAlone,
    /// Two passwords.
    #[error("the config has both broker.password and broker.password_file; remove one of them")]
    TwoPasswords,
    /// The file with the password can't be read.
    #[error("the password can't be read from {path} ({error}); check the path and its permissions")]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// MQTT can't carry User Name or Password.
    #[error("the login in the config can't be used: {0}")]
    Login(#[from] LoginError),
    /// An id that was never used here, and that nobody could read.
    #[error("{id} can't be a new id: {error}")]
    NewId {
        /// The id, as it can be shown.
        id: String,
        /// What speaks against it.
        error: IdError,
    },
}

impl Flags {
    /// Reads the config and lays the flags over it.
    ///
    /// # Errors
    /// Where there is no home folder, or the config file is wrong.
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
        // A broker that is named is meant, whatever was joined.
        let membership = if named.is_none() { Membership::read(&places.state)? } else { None };
        let joined = membership.as_ref();
        let known = config.user.iter().chain(joined.map(Membership::user));
        if let Some(user) = self.user.as_ref().filter(|user| !known.clone().any(|it| it == *user))
            && !crate::device::was_here(&places.state, user)
        {
            let unread =
                |error| FlagsError::NewId { id: display_id(user.as_str(), MAX_NAME), error };
            user.check_new().map_err(unread)?;
        }
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
            hub_origins: config.hub.origins,
            broker: named.or_else(|| joined.map(Membership::broker)),
            source: config.activity.source,
            calls: config.activity.calls != Calls::Unseen,
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

/// The broker of the config, its login and certificates laid over the URL.
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

/// The login of the URL, with user name and password from elsewhere in place of its own.
fn overlay_login(
    login: Option<Login>,
    username: Option<String>,
    password: Option<String>,
) -> Result<Option<Login>, LoginError> {
    let (said_username, said_password) = match login {
        None => (String::new(), String::new()),
        Some(Login { username, password: Password::Said(password) }) => (username, password),
        Some(kept) => return Ok(Some(kept)),
    };
    Login::new(username.unwrap_or(said_username), password.unwrap_or(said_password))
}

/// The password in a file: all of it but the line's end, which editors and `echo` put there.
fn read_password(path: &Path) -> Result<String, FlagsError> {
    let unreadable = |error| FlagsError::PasswordFile { path: path.to_owned(), error };
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_PASSWORD_FILE).read_to_string(&mut text).map_err(unreadable)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
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
        self.name.clone().unwrap_or_else(|| display_id(user.as_str(), MAX_NAME))
    }
}

#[cfg(test)]
mod tests;
