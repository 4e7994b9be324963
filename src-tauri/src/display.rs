//! Checks that there is a display.

/// There is no display for a window.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DisplayError {
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "other desktops always have one")
    )]
    #[error(
        "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set); use `porchlight run` and \
         `porchlight watch` in a terminal"
    )]
    None,
    #[cfg(target_os = "linux")]
    #[error("the display {display} can't be opened ({reason}); is it running, and may you use it?")]
    Closed { display: String, reason: String },
}

/// Connects to the display, because a library would abort without one.
#[cfg(target_os = "linux")]
pub(crate) fn check() -> Result<(), DisplayError> {
    let named = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let wayland = named("WAYLAND_DISPLAY").map(|display| match reach_wayland(&display) {
        Ok(()) => Ok(()),
        Err(error) => Err(DisplayError::Closed { display, reason: error.to_string() }),
    });
    let Some(display) = named("DISPLAY") else {
        return wayland.unwrap_or(Err(DisplayError::None));
    };
    if wayland.is_some_and(|reached| reached.is_ok()) {
        return Ok(());
    }
    match x11rb::connect(None) {
        Ok(_) => Ok(()),
        Err(error) => Err(DisplayError::Closed { display, reason: error.to_string() }),
    }
}

/// Connects to the socket of a compositor: an absolute path, or a name in `XDG_RUNTIME_DIR`
/// (`wl_display_connect(3)`).
#[cfg(target_os = "linux")]
fn reach_wayland(display: &str) -> std::io::Result<()> {
    let folder = std::env::var_os("XDG_RUNTIME_DIR").unwrap_or_default();
    let socket = std::path::Path::new(&folder).join(display);
    std::os::unix::net::UnixStream::connect(socket).map(drop)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn check() -> Result<(), DisplayError> {
    Ok(())
}
