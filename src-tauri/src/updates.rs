//! Newer versions of this app, where no package manager brings them.
//!
//! Owns who brings them, how often is looked for them, and what the person reads about it. Tauri's updater fetches, checks the
//! signature and puts the new one in the place of this one; the desk starts it then, so that nobody sees the app go.

use porchlight_core::view::Problem;
use porchlight_core::view::version::{NewerView, Updates, VersionView};
use tauri::AppHandle;

use crate::request::{Desktop, Request};

#[cfg(feature = "updater")]
mod updater;

/// Where newer versions are looked for, and who signs them: minisign's key as Tauri writes it. A release is built with both.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    from: String,
    key: String,
}

impl Source {
    fn here() -> Option<Self> {
        let from = said("PORCHLIGHT_UPDATES_FROM", option_env!("PORCHLIGHT_UPDATES_FROM"))?;
        let key = said("PORCHLIGHT_UPDATES_KEY", option_env!("PORCHLIGHT_UPDATES_KEY"))?;
        (cfg!(feature = "updater") && is_our_own()).then_some(Self { from, key })
    }
}

/// What the build says. One that is no release can be told otherwise, to try it.
fn said(name: &str, built_in: Option<&str>) -> Option<String> {
    let told = if cfg!(debug_assertions) { std::env::var(name).ok() } else { None };
    told.or_else(|| built_in.map(ToOwned::to_owned)).filter(|it| !it.is_empty())
}

/// Whether this program may be replaced by itself: on Linux an `AppImage` alone, whose runtime says that it is one. All else there
/// belongs to a package manager, or to whoever built it.
fn is_our_own() -> bool {
    !cfg!(target_os = "linux") || std::env::var_os("APPIMAGE").is_some()
}

/// Which version this is.
pub(crate) fn version() -> VersionView {
    let updates = if Source::here().is_some() { Updates::App } else { Updates::System };
    VersionView { version: env!("CARGO_PKG_VERSION").to_owned(), updates }
}

/// The newer version that is there, if the person wants to know of one.
pub(crate) async fn look(app: &AppHandle, desktop: &Desktop) -> Option<NewerView> {
    let source = Source::here()?;
    if !desktop.try_ask(Request::Settings).await.is_ok_and(|settings| settings.updates) {
        return None;
    }
    look_at(app, source).await
}

/// Fetches the one that was found, puts it in the place of this one and has it started.
pub(crate) async fn take(app: &AppHandle, desktop: &Desktop) -> Result<(), Problem> {
    put_in_place(app).await?;
    desktop.wish(Request::StartAnew);
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
