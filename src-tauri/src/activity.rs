//! Starts the activity sources of `porchlight-activity`, with a probe for X servers without idle
//! events.

use porchlight_activity::{Probe, SessionEnv, Settings, Watch};

pub(crate) async fn open(settings: Settings) -> Watch {
    let settings = Settings { probe: probe(), ..settings };
    let env = SessionEnv::from_env();
    #[cfg(target_os = "macos")]
    let env = SessionEnv { main_loop: true, ..env };
    porchlight_activity::start(settings, &env).await
}

/// A probe for the time since the last input. It must be called only after a display was proven to
/// exist, because the library crashes without one.
#[cfg(target_os = "linux")]
fn probe() -> Option<Probe> {
    Some(Box::new(|| user_idle::UserIdle::get_time().ok().map(|idle| idle.duration())))
}

#[cfg(not(target_os = "linux"))]
fn probe() -> Option<Probe> {
    None
}
