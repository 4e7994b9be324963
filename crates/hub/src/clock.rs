//! The one place of this crate where clocks are read.

use porchlight_core::time::{Monotonic, Now, Timestamp};
use std::time::{Duration, SystemTime};

/// The present moment. A calendar set before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the file that reads the clocks")]
pub(crate) fn now() -> Now {
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let wall = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
    Now {
        mono: Monotonic::from_origin(since_boot()),
        wall: Timestamp::from_ms(wall).unwrap_or(Timestamp::MAX),
    }
}

/// `CLOCK_BOOTTIME` goes on while the machine sleeps (`clock_gettime(2)`), as choices and leases do.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::disallowed_methods, reason = "this is the file that reads the clocks")]
fn since_boot() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed()
}
