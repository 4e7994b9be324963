//! Checks whether this computer has what the app needs, once the window asks.
//!
//! Each missing thing comes with advice. The checks change nothing and ask the person for nothing:
//! a locked keyring stays locked.

use porchlight_activity::{Description, Settings, Subject};
use porchlight_agent::membership::{self, KeyringError};
use porchlight_core::view::checks::{CheckAbout, CheckView};

use crate::activity;

/// Runs all checks. The caller already knows whether there is a tray.
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
        return there(CheckAbout::Tray, "this desktop shows the icon");
    }
    missing(
        CheckAbout::Tray,
        "this desktop shows no tray icons",
        "switch on status icons in your panel; on GNOME, install the AppIndicator extension. Until then, closing the window only minimises it",
    )
}

/// Checks that a notification service runs, or that the bus would start one.
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
        Ok(true) => there(CheckAbout::Notifications, "this desktop shows notifications"),
        Ok(false) => missing(
            CheckAbout::Notifications,
            "no notification service is running",
            "start the one of your desktop, or install one, for example dunst or mako",
        ),
        Err(error) => missing(
            CheckAbout::Notifications,
            format!("there is no session bus, so nothing can show notifications ({error})"),
            "start Porchlight from within your desktop session",
        ),
    }
}

#[cfg(not(target_os = "linux"))]
async fn notices() -> CheckView {
    std::future::ready(missing(
        CheckAbout::Notifications,
        "Porchlight does not show notifications on this system yet",
        "look at the window from time to time",
    ))
    .await
}

fn by(about: CheckAbout, source: &Description) -> CheckView {
    match &source.missing {
        None => there(about, format!("by {}", source.name)),
        Some(gap) => {
            // Only an administrator understands the rest, so it goes to the log and to
            // `porchlight doctor`.
            tracing::info!("{about:?}: {}; {}", gap.what, gap.remedy);
            let (found, remedy) = match about {
                CheckAbout::Lock => (
                    "Porchlight can't tell whether the screen is locked",
                    "a locked screen counts as time without input. For details, run `porchlight doctor` in a terminal",
                ),
                _ => (
                    "Porchlight can't tell whether somebody is at the keyboard",
                    "set your status by hand when you leave. For details, run `porchlight doctor` in a terminal",
                ),
            };
            missing(about, found, remedy)
        }
    }
}

async fn keyring() -> CheckView {
    match membership::keyring_there().await {
        Ok(()) => there(CheckAbout::Keyring, "a keyring is running"),
        Err(KeyringError::Absent { reason }) => {
            tracing::info!("there is no keyring: {reason}");
            missing(
                CheckAbout::Keyring,
                "no keyring is running",
                "start GNOME Keyring, KWallet or KeePassXC. Without one, Porchlight asks whether it may keep the secret in a file",
            )
        }
        Err(error) => missing(
            CheckAbout::Keyring,
            error.to_string(),
            "without one, Porchlight asks whether it may keep the secret in a file",
        ),
    }
}
