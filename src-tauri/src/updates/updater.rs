//! Looks for new versions, and installs them, with Tauri's updater.

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

/// The shortest time between two searches, however often the window is opened.
const MIN_INTERVAL: Duration = Duration::from_secs(6 * 3600);
/// The timeout of a search.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The result of the last search, and its time.
#[derive(Default)]
pub(crate) struct LastSearch(Mutex<Option<(Monotonic, Option<Update>)>>);

pub(crate) fn prepare(builder: tauri::Builder<tauri::Wry>) -> tauri::Builder<tauri::Wry> {
    builder.plugin(tauri_plugin_updater::Builder::new().build()).manage(LastSearch::default())
}

impl LastSearch {
    /// The result of the last search; `None` if it is time to search again.
    fn recent(&self) -> Option<Option<Update>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, update) = found.as_ref()?;
        (clock::now().mono.since(*at) < MIN_INTERVAL).then(|| update.clone())
    }

    /// The update that was found, whatever its age: the window may have been open for days.
    fn update(&self) -> Option<Update> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().and_then(|(_, update)| update.clone())
    }

    fn keep(&self, update: Option<Update>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((clock::now().mono, update));
    }
}

pub(super) async fn look_at(app: &AppHandle, source: Source) -> Option<NewerView> {
    let found = app.state::<LastSearch>();
    let update = match found.recent() {
        Some(update) => update,
        None => match search(app, source).await {
            Ok(update) => {
                found.keep(update.clone());
                update
            }
            // The window asks again the next time it is opened.
            Err(error) => {
                tracing::warn!("newer versions can't be looked for: {error}");
                None
            }
        },
    };
    update.map(|update| NewerView { version: update.version })
}

async fn search(app: &AppHandle, source: Source) -> Result<Option<Update>, String> {
    let endpoint = source.from.parse().map_err(|error| format!("{}: {error}", source.from))?;
    let updater = app.updater_builder().pubkey(source.key).timeout(TIMEOUT);
    let updater = updater.endpoints(vec![endpoint]).and_then(|it| it.build());
    updater.map_err(|error| error.to_string())?.check().await.map_err(|error| error.to_string())
}

pub(super) async fn put_in_place(app: &AppHandle) -> Result<(), Problem> {
    let Some(update) = app.state::<LastSearch>().update() else {
        return Err(problem("newer_not_fetched", "look for it again: open the window anew"));
    };
    let (mut so_far, mut reported) = (0_u64, 0);
    let progress = |chunk: usize, whole: Option<u64>| {
        so_far += u64::try_from(chunk).unwrap_or(0);
        let percent = whole.filter(|whole| *whole > 0).map(|whole| 100 * so_far / whole);
        if let Some(percent) = percent.filter(|percent| *percent > reported) {
            reported = percent;
            // A window that was closed in the meantime shows no progress.
            let _ = app.emit_to(LABEL, "fetched", percent);
        }
    };
    let fetched = update.download(progress, || {}).await.map_err(|error| {
        let message = format!("the new version could not be fetched: {error}; try again later");
        problem("newer_not_fetched", message)
    })?;
    // It writes some hundred megabytes, and presence must not wait for it on this thread.
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
