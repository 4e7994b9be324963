//! WebKit settings of the window, and the clean-up after it is closed.
//!
//! This module decides how the page is drawn. It also ends WebKit's network process, which would
//! stay with ten megabytes of memory until the app quits. WebKit starts it again for the next
//! window.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tauri::{AppHandle, Manager as _, WebviewWindow};
use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt as _, WebViewExt as _};

use crate::window::LABEL;

/// The process name, of which the kernel keeps 15 characters.
const NETWORK_PROCESS: &str = "WebKitNetworkPr";

/// The delay before the clean-up, so that a window that is reopened at once finds everything as it
/// was.
const PATIENCE: Duration = Duration::from_secs(3);

/// The number of windows that were destroyed.
static GONE: AtomicU32 = AtomicU32::new(0);

/// Draws the page without OpenGL. A list in a small window does not need it. The window appears
/// sooner, takes less memory, and is never blank because of a driver that WebKit does not get along
/// with. Without a graphics card, each frame takes less time as well.
pub(crate) fn disable_opengl(window: &WebviewWindow) {
    let asked = window.with_webview(|view| {
        if let Some(settings) = view.inner().settings() {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    });
    if let Err(error) = asked {
        tracing::warn!("the window is drawn as WebKit likes: {error}");
    }
}

/// Cleans up after a window was destroyed.
pub(crate) fn window_gone(app: &AppHandle) {
    let app = app.clone();
    let this = GONE.fetch_add(1, Ordering::Relaxed) + 1;
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(PATIENCE).await;
        let handle = app.clone();
        // On the thread that creates windows, so that none is being created now. Only after the
        // last window, because WebKit fails if a process ends while it starts.
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

/// The child processes of this one (`proc_pid_children(5)`).
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
