//! Which source fits which session.
//!
//! First that works. Where none does, the watch is blind and says why: a source that merely seems to work
//! would show somebody as active for ever.

use std::time::Duration;

use crate::settings::{Probe, SessionEnv};
use crate::watch::Watch;

#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) async fn watch(away_after: Duration, probe: Option<Probe>, env: &SessionEnv) -> Watch {
    use crate::poll::Poller;
    use crate::x11::{self, Unusable};

    const BY_HAND: &str = "set your status by hand, or feed the source `stdin`";

    if env.is_wayland() {
        return Watch::blind("this session is Wayland, and there is no source for it yet", BY_HAND);
    }
    let Some(display) = env.x11_display() else {
        return Watch::blind(
            "there is no display, neither DISPLAY nor WAYLAND_DISPLAY is set",
            BY_HAND,
        );
    };
    match (x11::open(display, away_after).await, probe) {
        (Ok(alarms), _) => Watch::over(alarms),
        (Err(Unusable::Uncounted { display, why }), Some(probe)) => {
            tracing::info!(why, "no idle alarms on this X server: polling");
            Watch::over(Poller { probe, away_after, guard: display.gone() })
        }
        (Err(why), _) => Watch::blind(why.to_string(), BY_HAND),
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
#[expect(clippy::unused_async, reason = "sources of other systems have something to wait for")]
pub(crate) async fn watch(
    _away_after: Duration,
    _probe: Option<Probe>,
    _env: &SessionEnv,
) -> Watch {
    Watch::blind(
        "there is no source on this system yet",
        "set your status by hand, or feed the source `stdin`",
    )
}
