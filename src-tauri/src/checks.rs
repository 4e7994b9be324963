//! Whether what the app lives by is there on this computer: looked for once, when the window asks.
//!
//! Owns the looking and what to do about each thing that is missing. Deliberately changes nothing and asks the person for
//! nothing: a locked keyring stays locked.

use porchlight_activity::{Description, Settings, Subject};
use porchlight_agent::membership::{self, KeyringError};
use porchlight_core::view::checks::{CheckAbout, CheckView};

use crate::activity;

/// Looks for all of it. `tray` is known already.
pub(crate) async fn look(tray: bool, activity: Settings) -> Vec<CheckView> {
    let mut watch = activity::open(activity).await;
    watch.settle().await;
    let told = |wanted| watch.report().find(|(subject, _)| *subject == wanted);
    let mut checks = vec![self::tray(tray), notices().await];
    checks.extend(told(Subject::Idle).map(|(_, source)| by(CheckAbout::Idle, source)));
    checks.extend(told(Subject::Lock).map(|(_, source)| by(CheckAbout::Lock, source)));
    checks.push(keyring().await);
    checks
}

fn there(about: CheckAbout, found: impl Into<String>) -> CheckView {
    CheckView { about, ok: true, found: found.into(), remedy: None }
}

fn missing(about: CheckAbout, found: impl Into<String>, remedy: impl Into<String>) -> CheckView {
    CheckView { about, ok: false, found: found.into(), remedy: Some(remedy.into()) }
}

fn tray(there_is_one: bool) -> CheckView {
    if there_is_one {
        return there(CheckAbout::Tray, "this desktop has a place for the icon");
    }
    missing(
        CheckAbout::Tray,
        "this desktop has no tray, so the window stands in for it",
        "switch on your panel's status icons; on GNOME that is the extension AppIndicator",
    )
}

/// Somebody who shows notifications, or would be started to show one.
#[cfg(target_os = "linux")]
async fn notices() -> CheckView {
    const SERVER: &str = "org.freedesktop.Notifications";
    let known = async {
        let bus = zbus::Connection::session().await?;
        let names = zbus::fdo::DBusProxy::new(&bus).await?;
        let owned = names.name_has_owner(SERVER.try_into()?).await?;
        let startable = || async { names.list_activatable_names().await };
        zbus::Result::Ok(owned || startable().await?.iter().any(|name| name.as_str() == SERVER))
    };
    match known.await {
        Ok(true) => there(CheckAbout::Notifications, "this desktop shows notices"),
        Ok(false) => missing(
            CheckAbout::Notifications,
            "nothing here shows notices",
            "start your desktop's notification daemon, or install one as dunst or mako",
        ),
        Err(error) => missing(
            CheckAbout::Notifications,
            format!("there is no session bus ({error}), so nothing shows notices"),
            "start Porchlight from within your desktop session",
        ),
    }
}

#[cfg(not(target_os = "linux"))]
async fn notices() -> CheckView {
    std::future::ready(missing(
        CheckAbout::Notifications,
        "notices are not shown on this system yet",
        "glance at the window",
    ))
    .await
}

fn by(about: CheckAbout, source: &Description) -> CheckView {
    match &source.missing {
        None => there(about, format!("by {}", source.name)),
        Some(gap) => missing(about, gap.what.clone(), gap.remedy.clone()),
    }
}

async fn keyring() -> CheckView {
    match membership::keyring_there().await {
        Ok(()) => there(CheckAbout::Keyring, "this session has a keyring"),
        Err(KeyringError::Absent { reason }) => {
            tracing::info!("there is no keyring: {reason}");
            missing(
                CheckAbout::Keyring,
                "this session has no keyring",
                "start one that offers the Secret Service, as GNOME Keyring, KWallet and KeePassXC do; without one you will be asked whether a file may do",
            )
        }
        Err(error) => missing(
            CheckAbout::Keyring,
            error.to_string(),
            "without one you will be asked whether a file may do",
        ),
    }
}
