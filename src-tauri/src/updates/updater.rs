//! Tauri's updater.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use porchlight_agent::clock;
use porchlight_core::time::Monotonic;
use porchlight_core::view::Problem;
use porchlight_core::view::version::NewerView;
use tauri::{AppHandle, Emitter as _, Manager as _};
use tauri_plugin_updater::{Update, UpdaterExt as _};

use super::Source;
use crate::start::problem;
use crate::window::LABEL;

/// However often the window is opened, it is looked once in so long.
const EVERY: Duration = Duration::from_secs(6 * 3600);
/// A place that does not answer holds up nobody, but a connection of ours.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was found last, and when.
#[derive(Default)]
pub(crate) struct Found(Mutex<Option<(Monotonic, Option<Update>)>>);

pub(crate) fn prepare(builder: tauri::Builder<tauri::Wry>) -> tauri::Builder<tauri::Wry> {
    builder.plugin(tauri_plugin_updater::Builder::new().build()).manage(Found::default())
}

impl Found {
    /// `None` where it is time to look again.
    fn lately(&self) -> Option<Option<Update>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, update) = found.as_ref()?;
        (clock::now().mono.since(*at) < EVERY).then(|| update.clone())
    }

    /// However long ago: the window may have been open for days.
    fn update(&self) -> Option<Update> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().and_then(|(_, update)| update.clone())
    }

    fn keep(&self, update: Option<Update>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((clock::now().mono, update));
    }
}

pub(super) async fn look_at(app: &AppHandle, source: Source) -> Option<NewerView> {
    let found = app.state::<Found>();
    let update = match found.lately() {
        Some(update) => update,
        None => match ask(app, source).await {
            Ok(update) => {
                found.keep(update.clone());
                update
            }
            // The window asks again when it is opened again.
            Err(error) => {
                tracing::warn!("newer versions can't be looked for: {error}");
                None
            }
        },
    };
    update.map(|update| NewerView { version: update.version })
}

async fn ask(app: &AppHandle, source: Source) -> Result<Option<Update>, String> {
    let endpoint = source.from.parse().map_err(|error| format!("{}: {error}", source.from))?;
    let updater = app.updater_builder().pubkey(source.key).timeout(PATIENCE);
    let updater = updater.endpoints(vec![endpoint]).and_then(|it| it.build());
    updater.map_err(|error| error.to_string())?.check().await.map_err(|error| error.to_string())
}

pub(super) async fn put_in_place(app: &AppHandle) -> Result<(), Problem> {
    let Some(update) = app.state::<Found>().update() else {
        return Err(problem("newer_not_fetched", "look for it again: open the window anew"));
    };
    let (mut so_far, mut told) = (0_u64, 0);
    let progress = |chunk: usize, whole: Option<u64>| {
        so_far += u64::try_from(chunk).unwrap_or(0);
        let percent = whole.filter(|whole| *whole > 0).map(|whole| 100 * so_far / whole);
        if let Some(percent) = percent.filter(|percent| *percent > told) {
            told = percent;
            // A window that was closed meanwhile shows none.
            let _ = app.emit_to(LABEL, "fetched", percent);
        }
    };
    let fetched = update.download(progress, || {}).await.map_err(|error| {
        let message = format!("the new version could not be fetched: {error}; try again later");
        problem("newer_not_fetched", message)
    })?;
    // It writes some hundred megabytes, and people are waiting on this thread to be told of each other.
    let installed = tauri::async_runtime::spawn_blocking(move || update.install(fetched)).await;
    let failed = match installed {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    let message = format!(
        "the new version could not take the place of this one: {failed}; move Porchlight to a folder that you may write to"
    );
    Err(problem("newer_not_installed", message))
}
