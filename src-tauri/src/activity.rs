//! What tells whether somebody is there: the crate `porchlight-activity`, and a probe for where X11 has no
//! idle events.

use porchlight_activity::{Probe, SessionEnv, Settings, Watch};

pub(crate) async fn open(settings: Settings) -> Watch {
    let settings = Settings { probe: probe(), ..settings };
    let env = SessionEnv::from_env();
    #[cfg(target_os = "macos")]
    let env = SessionEnv { main_loop: true, ..env };
    porchlight_activity::start(settings, &env).await
}

/// The time since the last input by polling. It is asked only once a display was proven to exist: the library
/// crashes without one.
#[cfg(target_os = "linux")]
fn probe() -> Option<Probe> {
    Some(Box::new(|| user_idle::UserIdle::get_time().ok().map(|idle| idle.duration())))
}

#[cfg(not(target_os = "linux"))]
fn probe() -> Option<Probe> {
    None
}
