//! The app's only window: created when it is needed, destroyed when it is closed.

use tauri::{AppHandle, Manager as _, WebviewUrl, WebviewWindowBuilder, Window, WindowEvent};

use crate::request::Desktop;

/// The window's label in capabilities and events.
pub(crate) const LABEL: &str = "main";

/// The initial and the minimum size, in logical pixels at the normal text size.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 620.0;
const MIN_WIDTH: f64 = 320.0;
const MIN_HEIGHT: f64 = 420.0;
/// The maximum share of the screen's height, which leaves space for panels and the frame.
const MOST_OF_THE_SCREEN: f64 = 0.85;

/// Opens the window, or brings it to the front. Any thread may call it.
pub(crate) fn open(app: &AppHandle) {
    let handle = app.clone();
    // Creating a window on any other thread can deadlock.
    let asked = app.run_on_main_thread(move || {
        if let Err(error) = open_here(&handle) {
            tracing::error!("the window can't be opened: {error}");
        }
    });
    if let Err(error) = asked {
        tracing::error!("the window can't be opened: {error}");
    }
}

fn open_here(app: &AppHandle) -> tauri::Result<()> {
    if let Some(window) = app.get_webview_window(LABEL) {
        window.show()?;
        window.unminimize()?;
        return window.set_focus();
    }
    let scale = text_scale();
    let monitor = app.primary_monitor()?;
    let highest = monitor.map_or(f64::INFINITY, |monitor| {
        let height = monitor.size().to_logical::<f64>(monitor.scale_factor()).height;
        height * MOST_OF_THE_SCREEN
    });
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Porchlight")
        .inner_size(WIDTH * scale, (HEIGHT * scale).min(highest))
        .min_inner_size(MIN_WIDTH * scale, (MIN_HEIGHT * scale).min(highest))
        // The page's content security policy does not restrict navigation.
        .on_navigation(is_own)
        .build()?;
    #[cfg(target_os = "linux")]
    crate::web::disable_opengl(&window);
    #[cfg(not(target_os = "linux"))]
    drop(window);
    Ok(())
}

/// The person's text size relative to the normal one, which is 96 dots per inch. WebKit scales the
/// whole page by it, so the window has to grow too. Other systems include it in the scale factor.
fn text_scale() -> f64 {
    #[cfg(target_os = "linux")]
    if let Some(screen) = gtk::gdk::Screen::default() {
        // Negative if it is not set.
        return (screen.resolution() / 96.0).clamp(1.0, 3.0);
    }
    1.0
}

/// Whether Tauri serves this URL from the app's files. The scheme depends on the system.
fn is_own(url: &tauri::Url) -> bool {
    url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost")
}

/// Closing destroys the window if a tray can bring it back; otherwise it only minimises it.
pub(crate) fn on_event(window: &Window, event: &WindowEvent) {
    #[cfg(target_os = "linux")]
    if matches!(event, WindowEvent::Destroyed) {
        crate::web::window_gone(window.app_handle());
    }
    let WindowEvent::CloseRequested { api, .. } = event else {
        return;
    };
    if !window.state::<Desktop>().has_tray() {
        api.prevent_close();
        if let Err(error) = window.minimize() {
            tracing::warn!("the window can't be minimised: {error}");
        }
    }
}
