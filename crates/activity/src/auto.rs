//! Chooses the sources that fit the operating system.
//!
//! The first source that works is used. If none works, activity is unknown and the reason is
//! reported: a source that only seems to work would show a person as active for ever.

use crate::settings::{SessionEnv, Settings};
use crate::supervise::Supervisor;

#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) fn run(supervisor: &mut Supervisor, settings: Settings, env: &SessionEnv) {
    #[cfg(target_os = "linux")]
    crate::session::open(supervisor, &env.places, &settings);
    supervisor.run(crate::unix::Idle::new(settings, env.clone()));
}

#[cfg(windows)]
#[expect(clippy::needless_pass_by_value, reason = "other systems' sources keep the probe in it")]
pub(crate) fn run(supervisor: &mut Supervisor, settings: Settings, _env: &SessionEnv) {
    let goodbye = supervisor.goodbye();
    supervisor.run(crate::windows::Session { away_after: settings.away_after(), goodbye });
}

#[cfg(target_os = "macos")]
#[expect(clippy::needless_pass_by_value, reason = "other systems' sources keep the probe in it")]
pub(crate) fn run(supervisor: &mut Supervisor, settings: Settings, env: &SessionEnv) {
    let goodbye = supervisor.goodbye();
    let main_loop = env.main_loop;
    supervisor.run(crate::macos::Session { away_after: settings.away_after(), main_loop, goodbye });
}

#[cfg(not(any(unix, windows)))]
pub(crate) fn run(supervisor: &mut Supervisor, _settings: Settings, _env: &SessionEnv) {
    supervisor.never(
        crate::description::Subject::Idle,
        crate::description::Missing::new(
            "there is no source on this system yet",
            "set your status by hand, or feed the source `stdin`",
        ),
    );
}
