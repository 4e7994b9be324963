//! What WebKit is asked for by the window, and what it leaves behind when that is closed.
//!
//! Owns how the page is drawn, and the end of WebKit's network process, which would idle on with ten megabytes of its own
//! until the app quits, and which WebKit starts again with the next window.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tauri::{AppHandle, Manager as _, WebviewWindow};
use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt as _, WebViewExt as _};

use crate::window::LABEL;

/// What the kernel calls it: it keeps 15 characters of a name.
const NETWORK_PROCESS: &str = "WebKitNetworkPr";

/// Whoever opens the window again at once finds all as it was.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many windows were destroyed.
static GONE: AtomicU32 = AtomicU32::new(0);

/// Has the page drawn without OpenGL. A list in a small window needs none: it is there sooner, takes less memory, and does not
/// stay blank where the driver is at odds with WebKit. Without a graphics card each frame takes less time, too.
pub(crate) fn draw_plainly(window: &WebviewWindow) {
    let asked = window.with_webview(|view| {
        if let Some(settings) = view.inner().settings() {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    });
    if let Err(error) = asked {
        tracing::warn!("the window is drawn as WebKit likes: {error}");
    }
}

/// The window was destroyed.
pub(crate) fn window_gone(app: &AppHandle) {
    let app = app.clone();
    let this = GONE.fetch_add(1, Ordering::Relaxed) + 1;
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(PATIENCE).await;
        let handle = app.clone();
        // Where windows are made, so that none is just being made. Only for the last of them, since WebKit does not survive that
        // a process ends which it is starting.
        let asked = app.run_on_main_thread(move || {
            let last = GONE.load(Ordering::Relaxed) == this;
            if last && handle.get_webview_window(LABEL).is_none() {
                children().filter(is_network_process).for_each(end);
            }
        });
        if let Err(error) = asked {
            tracing::debug!("WebKit's network process stays: {error}");
        }
    });
}

/// The processes that this one has started (`proc_pid_children(5)`).
fn children() -> impl Iterator<Item = i32> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let listed = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let all: Vec<i32> = listed
        .flat_map(|list| {
            list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()
        })
        .collect();
    all.into_iter()
}

fn is_network_process(id: &i32) -> bool {
    fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == NETWORK_PROCESS)
}

fn end(id: i32) {
    let Some(id) = Pid::from_raw(id) else {
        return;
    };
    if let Err(error) = kill_process(id, Signal::TERM) {
        tracing::debug!("WebKit's network process stays: {error}");
    }
}
