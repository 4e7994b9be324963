//! The one place where clocks are read.

use std::time::{Duration, SystemTime};

use porchlight_core::time::{Monotonic, Now, Timestamp};

/// The present moment. A calendar set before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the file that reads the clocks")]
#[must_use]
pub fn now() -> Now {
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let wall = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
    Now {
        mono: Monotonic::from_origin(since_boot()),
        wall: Timestamp::from_ms(wall).unwrap_or(Timestamp::MAX),
    }
}

/// `CLOCK_MONOTONIC`, which stands still while the machine sleeps: what systemd counts by.
#[cfg(unix)]
#[must_use]
pub fn monotonic() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// No service manager counts by one here.
#[cfg(not(unix))]
#[must_use]
pub fn monotonic() -> Duration {
    Duration::ZERO
}

/// `CLOCK_BOOTTIME` goes on while the machine sleeps (`clock_gettime(2)`).
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

/// A moment as people here read it: `14:02` today, `Mon 14:02` within the last days, else with the date.
#[must_use]
pub fn local(at: Timestamp) -> String {
    use jiff::tz::TimeZone;
    let zone = TimeZone::system();
    let zoned = |at: Timestamp| {
        let ms = i64::try_from(at.as_ms()).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(ms).map(|at| at.to_zoned(zone.clone()))
    };
    let (Ok(then), Ok(today)) = (zoned(at), zoned(now().wall)) else {
        return "far away".to_owned();
    };
    let days = today.date().since(then.date()).map_or(i32::MAX, |span| span.get_days());
    let format = match days {
        0 => "%H:%M",
        -6..=6 => "%a %H:%M",
        _ => "%Y-%m-%d %H:%M",
    };
    then.strftime(format).to_string()
}

/// The IANA name of the time zone here, where the system tells.
#[must_use]
pub fn zone() -> Option<String> {
    jiff::tz::TimeZone::system().iana_name().map(str::to_owned)
}
