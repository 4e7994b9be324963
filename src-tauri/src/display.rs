//! Is there a display at all?

/// There is nothing to show a window on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoDisplay {
    #[error(
        "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set); use `porchlight run` and \
         `porchlight watch` in a terminal"
    )]
    None,
    #[cfg(target_os = "linux")]
    #[error("the display {display} can't be opened ({reason}); is it running, and may you use it?")]
    Closed { display: String, reason: String },
}

/// Proves that there is a display before a library takes one for granted and aborts.
#[cfg(target_os = "linux")]
pub(crate) fn check() -> Result<(), NoDisplay> {
    let named = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    if named("WAYLAND_DISPLAY").is_some() {
        return Ok(());
    }
    let display = named("DISPLAY").ok_or(NoDisplay::None)?;
    match x11rb::connect(None) {
        Ok(_) => Ok(()),
        Err(error) => Err(NoDisplay::Closed { display, reason: error.to_string() }),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn check() -> Result<(), NoDisplay> {
    Ok(())
}
