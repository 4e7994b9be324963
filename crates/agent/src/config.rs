//! Reads the config file, `config.toml`.
//!
//! An error names the file, the line and what is allowed there. This module knows no command line:
//! [`crate::flags`] applies the flags.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use porchlight_core::contact::{ContactLink, MAX_LINKS};
use porchlight_core::engine::{GRACE, LEASE};
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::notification::{About, NotificationPolicy, QuietHours, QuietHoursError};
use serde::Deserialize;
use serde::de::{self, Deserializer};

use crate::broker::Broker;
use crate::proxy::{ProxySetting, ProxyUrlError};
use crate::redacted::Redacted;

pub mod edit;
mod hub;

pub use hub::HubConfig;

/// The content of the config file. Every setting is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The id that belongs to the person's credential.
    #[serde(deserialize_with = "parsed")]
    pub user: Option<UserId>,
    /// The name that others see.
    pub name: Option<String>,
    /// Links by which others can reach the person: `["mailto:ann@example.org", "tel:+4930123456"]`,
    /// at most five.
    #[serde(deserialize_with = "links")]
    pub links: Vec<ContactLink>,
    /// The language of the desktop app, `en` or `de`; by default the system's language.
    #[serde(deserialize_with = "parsed")]
    pub language: Option<Language>,
    /// Whether the desktop app looks for newer versions of itself, if no package manager does; yes
    /// by default.
    pub updates: Option<bool>,
    /// This device's id. By default it is generated once and saved.
    #[serde(deserialize_with = "parsed")]
    pub device: Option<DeviceId>,
    /// The broker of the team.
    pub broker: BrokerConfig,
    /// The activity to watch.
    pub activity: ActivityConfig,
    /// How presence is published.
    pub presence: PresenceConfig,
    /// Which notifications pop up.
    pub notices: NotificationsConfig,
    /// The icon in the tray.
    pub tray: TrayConfig,
    /// The hub on this machine.
    pub hub: HubConfig,
}

/// `[broker]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrokerConfig {
    /// `mqtt://host:port/presence`. By default it is the team that was joined, else the hub on this
    /// machine.
    #[serde(deserialize_with = "parsed")]
    pub url: Option<Broker>,
    /// User Name, unless the URL contains it.
    pub username: Option<String>,
    /// Password, unless the URL contains it.
    pub password: Option<Redacted>,
    /// A file that contains only the password, so that the config has no secret in it.
    pub password_file: Option<PathBuf>,
    /// The HTTP proxy on the way to brokers and hubs outside the local network:
    /// `http://user:password@host:port`, or `none`. By default the one of the environment.
    #[serde(deserialize_with = "parsed")]
    pub proxy: Option<ProxySetting>,
    /// A PEM file of certificates to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Our client certificate in PEM, if the broker asks for one.
    pub certificate: Option<PathBuf>,
    /// Its key in PEM, unless the same file contains it.
    pub key: Option<PathBuf>,
}

/// `[activity]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActivityConfig {
    /// `auto`, `stdin` or `none`.
    #[serde(deserialize_with = "parsed")]
    pub source: porchlight_activity::Choice,
    /// The time without input after which the person is away.
    #[serde(deserialize_with = "parsed")]
    pub away_after: Span,
    /// What happens during a call, which means a microphone in use. The program that uses it is
    /// ignored.
    #[serde(deserialize_with = "calls")]
    pub calls: Calls,
    /// Whether the desktop's do-not-disturb also sets the person's status.
    pub desktop_dnd: bool,
}

impl Default for ActivityConfig {
    fn default() -> Self {
        Self {
            source: porchlight_activity::Choice::Auto,
            away_after: Span::minutes(5),
            calls: Calls::Ignored,
            desktop_dnd: false,
        }
    }
}

/// What happens during a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// `false`: calls are not detected.
    Ignored,
    /// `true`: others see the call.
    Shown,
    /// `"dnd"`: others see the call, and the person's status is do-not-disturb.
    Dnd,
}

fn links<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ContactLink>, D::Error> {
    let links = Vec::<ContactLink>::deserialize(deserializer)?;
    if links.len() > MAX_LINKS {
        return Err(de::Error::custom(format!("there are at most {MAX_LINKS} links")));
    }
    Ok(links)
}

fn calls<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Calls, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "true, false or \"dnd\"")]
    enum Written {
        Seen(bool),
        More(Word),
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Dnd,
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Seen(false) => Calls::Ignored,
        Written::Seen(true) => Calls::Shown,
        Written::More(Word::Dnd) => Calls::Dnd,
    })
}

/// `[presence]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PresenceConfig {
    /// Connection drops shorter than this are hidden from others.
    #[serde(deserialize_with = "parsed")]
    pub grace: Grace,
    /// How long others trust the last record without a new one.
    #[serde(deserialize_with = "parsed")]
    pub lease: Lease,
    /// Whether to publish the user topic for simple clients, if no hub does.
    pub user_topic: bool,
    /// Whether others see only that the person is away, neither why nor since when.
    pub coarse: bool,
}

impl Default for PresenceConfig {
    fn default() -> Self {
        Self { grace: Grace(GRACE), lease: Lease(LEASE), user_topic: true, coarse: false }
    }
}

/// `[notifications]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationsConfig {
    /// Whose arrivals and departures pop up: `everyone`, `favourites`, `chosen` or `nobody`.
    pub about: About,
    /// Whether to notify when a person comes online.
    pub come: Option<bool>,
    /// Whether to notify when a person goes offline.
    pub go: Option<bool>,
    /// Whether to notify when a person goes away.
    pub away: bool,
    /// Whether to notify when a person is back.
    pub back: bool,
    /// The hours in which nothing pops up: `22:00-07:00`.
    #[serde(deserialize_with = "parsed")]
    pub quiet_hours: Option<QuietHours>,
    /// The default of both `come` and `go`.
    pub come_and_go: Option<bool>,
}

impl NotificationsConfig {
    /// The policy that these settings result in.
    #[must_use]
    pub fn policy(&self) -> NotificationPolicy {
        let usual = self.come_and_go.unwrap_or(true);
        NotificationPolicy {
            about: self.about,
            come: self.come.unwrap_or(usual),
            go: self.go.unwrap_or(usual),
            away: self.away,
            back: self.back,
            quiet: self.quiet_hours,
        }
    }
}

/// `[tray]`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrayConfig {
    /// Whether the icon is symbolic: in one colour, the panel's own (freedesktop Icon Naming
    /// Specification, `-symbolic`).
    pub symbolic: bool,
}

/// A language of the desktop app.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

/// The text names no language of the desktop app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this language is not supported; write en (English) or de (German)")]
pub struct LanguageError;

impl Language {
    /// The language tag (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

impl FromStr for Language {
    type Err = LanguageError;

    fn from_str(text: &str) -> Result<Self, LanguageError> {
        let primary = text.split(['-', '_', '.', '@']).next().unwrap_or_default();
        let all = [Self::English, Self::German];
        all.into_iter().find(|it| it.tag().eq_ignore_ascii_case(primary)).ok_or(LanguageError)
    }
}

/// A duration as people write it: `90`, `90s`, `5m`, `2h`, `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl Span {
    /// A duration in minutes.
    #[must_use]
    pub const fn minutes(minutes: u64) -> Self {
        Self(Duration::from_secs(minutes * 60))
    }
}

/// The text is not a duration, or is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not a time; write for example 90s, 5m, 2h or 1d, at least one second and at most 365 days"
)]
pub struct SpanError;

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let seconds = seconds(text).filter(|seconds| (1..=365 * 86_400).contains(seconds));
        seconds.map(|seconds| Self(Duration::from_secs(seconds))).ok_or(SpanError)
    }
}

/// The grace period: connection drops shorter than this are hidden from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace(pub Duration);

/// The text is not a grace period, or is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a grace period; write for example 6s, at least 0s and at most 60s")]
pub struct GraceError;

impl FromStr for Grace {
    type Err = GraceError;

    fn from_str(text: &str) -> Result<Self, GraceError> {
        let seconds = seconds(text).filter(|seconds| *seconds <= 60);
        seconds.map(|seconds| Self(Duration::from_secs(seconds))).ok_or(GraceError)
    }
}

/// The lease: how long others trust the last record without a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease(pub Duration);

/// The text is not a lease, or is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a lease; write for example 30m or 1h, at least 10s and at most 24h")]
pub struct LeaseError;

impl FromStr for Lease {
    type Err = LeaseError;

    fn from_str(text: &str) -> Result<Self, LeaseError> {
        let seconds = seconds(text).filter(|seconds| (10..=86_400).contains(seconds));
        seconds.map(|seconds| Self(Duration::from_secs(seconds))).ok_or(LeaseError)
    }
}

/// Parses a duration as people write it, and returns it in seconds.
fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// Deserializes a value from text, or from a number as if its digits were text.
fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromWritten,
{
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text in quotes")]
    enum Written {
        Text(String),
        Number(u64),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Text(text) => text,
        Written::Number(number) => number.to_string(),
    };
    T::from_written(&text).map_err(de::Error::custom)
}

trait FromWritten: Sized {
    fn from_written(text: &str) -> Result<Self, String>;
}

impl FromWritten for Option<UserId> {
    fn from_written(text: &str) -> Result<Self, String> {
        UserId::from_typed(text).map(Some).map_err(|error| error.to_string())
    }
}

impl FromWritten for Option<DeviceId> {
    fn from_written(text: &str) -> Result<Self, String> {
        DeviceId::from_typed(text).map(Some).map_err(|error| error.to_string())
    }
}

impl FromWritten for Option<Broker> {
    fn from_written(text: &str) -> Result<Self, String> {
        text.parse().map(Some).map_err(|error: crate::broker::BrokerError| error.to_string())
    }
}

impl FromWritten for Option<ProxySetting> {
    fn from_written(text: &str) -> Result<Self, String> {
        text.parse().map(Some).map_err(|error: ProxyUrlError| error.to_string())
    }
}

impl FromWritten for Option<Language> {
    fn from_written(text: &str) -> Result<Self, String> {
        text.parse().map(Some).map_err(|error: LanguageError| error.to_string())
    }
}

impl FromWritten for Option<SocketAddr> {
    fn from_written(text: &str) -> Result<Self, String> {
        let wrong = "write an address and a port, as 0.0.0.0:18831 or [::]:18831";
        text.parse().map(Some).map_err(|_| wrong.to_owned())
    }
}

impl FromWritten for Option<QuietHours> {
    fn from_written(text: &str) -> Result<Self, String> {
        text.parse().map(Some).map_err(|error: QuietHoursError| error.to_string())
    }
}

impl FromWritten for Span {
    fn from_written(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: SpanError| error.to_string())
    }
}

impl FromWritten for Grace {
    fn from_written(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: GraceError| error.to_string())
    }
}

impl FromWritten for Lease {
    fn from_written(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: LeaseError| error.to_string())
    }
}

impl FromWritten for porchlight_activity::Choice {
    fn from_written(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: porchlight_activity::ChoiceError| error.to_string())
    }
}

/// Why the config can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file exists and can't be read.
    #[error("{path} can't be read ({error}); check its permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The file has an error.
    #[error("{path}, line {line}: {message}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// The file can't be written.
    #[error("{path} can't be written ({error}); check the folder's permissions and free space")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

/// Reads the config file; `None` if there is none.
///
/// # Errors
///
/// * [`ConfigError::Unreadable`] if the file exists and can't be read;
/// * [`ConfigError::Wrong`] if it has an error, with the line and what is allowed there.
pub fn read(path: &Path) -> Result<Option<Config>, ConfigError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConfigError::Unreadable { path: path.to_owned(), error }),
    };
    parse(path, &text).map(Some)
}

/// Parses the text of a config file. `path` is only for the error.
fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text[..at.min(text.len())].matches('\n').count() + 1;
        let message = error.message().to_owned();
        ConfigError::Wrong { path: path.to_owned(), line, message }
    })
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0.as_secs())
    }
}

#[cfg(test)]
mod tests;
