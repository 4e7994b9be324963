//! Tauri and the main thread. Tauri starts only once a window is needed.
//!
//! This module decides when that is: a tray icon alone needs no toolkit, and the toolkit's
//! libraries take more memory than all the rest. It knows nothing of presence.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tauri::{AppHandle, Emitter as _, Manager as _, RunEvent};

#[cfg(not(target_os = "linux"))]
use crate::deep_link::DeepLink;
use crate::request::Desktop;
#[cfg(feature = "updater")]
use crate::updates;
use crate::{commands, window};

/// A request to the main thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    OpenWindow,
    Exit,
}

/// How the desk reaches the window, whether it is open or not.
#[derive(Clone)]
pub(crate) struct Shell {
    main: Sender<Call>,
    /// Set once Tauri runs; from then on nothing reads `main`.
    app: Arc<OnceLock<AppHandle>>,
}

/// The main thread's end of the channel.
pub(crate) struct MainThread {
    calls: Receiver<Call>,
    app: Arc<OnceLock<AppHandle>>,
}

impl Shell {
    pub(crate) fn new() -> (Self, MainThread) {
        let (main, calls) = mpsc::channel();
        let app = Arc::new(OnceLock::new());
        (Self { main, app: app.clone() }, MainThread { calls, app })
    }

    pub(crate) fn open_window(&self) {
        match self.app.get() {
            Some(app) => window::open(app),
            None => self.call(Call::OpenWindow),
        }
    }

    pub(crate) fn has_window(&self) -> bool {
        self.app.get().is_some_and(|app| app.get_webview_window(window::LABEL).is_some())
    }

    /// Sends an event to the window, if it is open.
    pub(crate) fn emit(&self, event: &str, content: impl serde::Serialize + Clone) {
        let Some(app) = self.app.get() else {
            return;
        };
        if app.get_webview_window(window::LABEL).is_none() {
            return;
        }
        if let Err(error) = app.emit_to(window::LABEL, event, content) {
            tracing::warn!("the window can't be told: {error}");
        }
    }

    /// Ends the process, after everything was published.
    pub(crate) fn exit(&self) {
        // Both ways: Tauri may be starting at this moment.
        self.call(Call::Exit);
        if let Some(app) = self.app.get() {
            app.exit(0);
        }
    }

    fn call(&self, call: Call) {
        // If nothing reads the channel, Tauri has the main thread, or the process is about to end.
        let _ = self.main.send(call);
    }
}

impl MainThread {
    /// Waits until a window is needed, then runs Tauri.
    pub(crate) fn serve(self, desktop: &Desktop) -> anyhow::Result<()> {
        // Other systems need the toolkit from the start, and Tauri's plugin keeps the app to one
        // instance there.
        let wanted = if cfg!(target_os = "linux") { self.calls.recv()? } else { Call::OpenWindow };
        if wanted == Call::Exit {
            return Ok(());
        }
        let builder = tauri::Builder::default();
        #[cfg(not(target_os = "linux"))]
        let builder = builder.plugin(tauri_plugin_single_instance::init({
            let desktop = desktop.clone();
            move |_, arguments, _| {
                desktop.open_window();
                // The first argument is the program's name, and the value of a flag is not a link.
                for link in arguments.into_iter().skip(1).filter(|it| DeepLink::parse(it).is_ok()) {
                    desktop.open_link(link);
                }
            }
        }));
        #[cfg(feature = "updater")]
        let builder = updates::prepare(builder);
        let app = builder
            .manage(desktop.clone())
            .invoke_handler(tauri::generate_handler![
                commands::snapshot,
                commands::choose,
                commands::clear_chosen,
                commands::reconnect_now,
                commands::knock,
                commands::wave,
                commands::answer,
                commands::see,
                commands::withdraw,
                commands::type_to,
                commands::stop_typing,
                commands::tell_when_back,
                commands::mute,
                commands::favourite,
                commands::nickname,
                commands::notices_of,
                commands::hide_offline,
                commands::keep_presets,
                commands::pause_notices,
                commands::settings,
                commands::change_settings,
                commands::checks,
                commands::open_link,
                commands::diagnostics,
                commands::version,
                commands::look_for_newer,
                commands::take_newer,
                commands::look_around,
                commands::start_team,
                commands::take_link,
                commands::read_link,
                commands::join,
                commands::look_nearby,
                commands::ask_to_join,
                commands::stop_asking,
                commands::team,
                commands::invite,
                commands::revoke_invite,
                commands::decide,
                commands::remove_member,
                commands::forget_device,
                commands::leave_team,
                commands::move_here,
            ])
            .on_window_event(window::on_event)
            .build(tauri::generate_context!())?;
        let _ = self.app.set(app.handle().clone());
        let calls = Mutex::new(self.calls);
        app.run(move |app, event| match event {
            RunEvent::Ready => {
                window::open(app);
                // Handles the requests that arrived while Tauri was starting.
                let calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
                if calls.try_iter().any(|call| call == Call::Exit) {
                    app.exit(0);
                }
            }
            // The app keeps running without a window, until it is told to quit.
            RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
            _ => {}
        });
        Ok(())
    }
}
