//! Which sources fit which session.
//!
//! First that works. Where none does, nobody knows, and it says why: a source that merely seems to work
//! would show somebody as active for ever.

use crate::settings::{SessionEnv, Settings};
use crate::supervise::Supervisor;

#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) fn run(supervisor: &mut Supervisor, settings: Settings, env: &SessionEnv) {
    #[cfg(target_os = "linux")]
    crate::session::open(supervisor, &env.places, &settings);
    supervisor.run(crate::unix::Idle::new(settings, env.clone()));
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(crate) fn run(supervisor: &mut Supervisor, _settings: Settings, _env: &SessionEnv) {
    supervisor.never(
        crate::description::Subject::Idle,
        crate::description::Missing::new(
            "there is no source on this system yet",
            "set your status by hand, or feed the source `stdin`",
        ),
    );
}
