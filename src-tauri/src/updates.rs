//! New versions of this app, if no package manager installs them.
//!
//! This module decides whether to look for them, and what the person reads about them. Tauri's
//! updater downloads a new version, checks its signature and replaces the program. Then the desk
//! starts it, so that nobody sees the app go offline.

use porchlight_core::view::Problem;
use porchlight_core::view::version::{NewerView, Updates, VersionView};
use tauri::AppHandle;

use crate::request::{Desktop, Request};

#[cfg(feature = "updater")]
mod updater;

/// Where to look for new versions, and the minisign public key that signs them, as Tauri writes it.
/// A release is built with both.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    from: String,
    key: String,
}

impl Source {
    fn here() -> Option<Self> {
        let from =
            build_setting("PORCHLIGHT_UPDATES_FROM", option_env!("PORCHLIGHT_UPDATES_FROM"))?;
        let key = build_setting("PORCHLIGHT_UPDATES_KEY", option_env!("PORCHLIGHT_UPDATES_KEY"))?;
        (cfg!(feature = "updater") && is_our_own()).then_some(Self { from, key })
    }
}

/// A value that was set at build time. In a debug build, an environment variable overrides it.
fn build_setting(name: &str, built_in: Option<&str>) -> Option<String> {
    let overridden = if cfg!(debug_assertions) { std::env::var(name).ok() } else { None };
    overridden.or_else(|| built_in.map(ToOwned::to_owned)).filter(|it| !it.is_empty())
}

/// Whether this program may replace itself. On Linux only an `AppImage` may, whose runtime sets
/// this variable. Everything else belongs to a package manager, or to the person who built it.
fn is_our_own() -> bool {
    !cfg!(target_os = "linux") || std::env::var_os("APPIMAGE").is_some()
}

/// This version, and who updates it.
pub(crate) fn version() -> VersionView {
    let updates = if Source::here().is_some() { Updates::App } else { Updates::System };
    VersionView { version: env!("CARGO_PKG_VERSION").to_owned(), updates }
}

/// The available new version, if the person wants to know of it.
pub(crate) async fn look(app: &AppHandle, desktop: &Desktop) -> Option<NewerView> {
    let source = Source::here()?;
    if !desktop.try_ask(Request::Settings).await.is_ok_and(|settings| settings.updates) {
        return None;
    }
    look_at(app, source).await
}

/// Downloads the version that was found, replaces this program, and starts the new one.
pub(crate) async fn take(app: &AppHandle, desktop: &Desktop) -> Result<(), Problem> {
    put_in_place(app).await?;
    desktop.send(Request::StartNewVersion);
    Ok(())
}

#[cfg(feature = "updater")]
pub(crate) use updater::prepare;
#[cfg(feature = "updater")]
use updater::{look_at, put_in_place};

#[cfg(not(feature = "updater"))]
async fn look_at(_app: &AppHandle, _source: Source) -> Option<NewerView> {
    std::future::ready(None).await
}

#[cfg(not(feature = "updater"))]
async fn put_in_place(_app: &AppHandle) -> Result<(), Problem> {
    let message = "this one is replaced by your system's package manager; ask that one";
    std::future::ready(Err(crate::start::problem("newer_not_installed", message))).await
}
