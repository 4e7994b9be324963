//! The clocks and the calendar of this computer.
//!
//! Owns the only code that reads a clock: everywhere else the time is an argument, and Clippy refuses to read it.

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

/// `CLOCK_MONOTONIC`, which stops while the machine sleeps. systemd counts by it.
#[cfg(unix)]
#[must_use]
pub fn monotonic() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Always zero: no service manager of this system needs it.
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

/// A moment in local time: the day, relative to today, and the time of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Which day.
    pub day: Day,
    /// `14:02`.
    pub time: String,
}

/// A day, relative to today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// Today.
    Today,
    /// A day of the week, within six days of today: 1 is Monday (ISO 8601).
    Weekday(u8),
    /// Year, month from 1, day from 1.
    Date(i16, u8, u8),
}

/// A moment in local time; `None` if the calendar of this computer cannot represent it.
#[must_use]
pub fn here(at: Timestamp) -> Option<Local> {
    let zone = jiff::tz::TimeZone::system();
    let zoned = |at: Timestamp| {
        let at = jiff::Timestamp::from_millisecond(i64::try_from(at.as_ms()).ok()?).ok()?;
        Some(at.to_zoned(zone.clone()))
    };
    let (then, today) = (zoned(at)?, zoned(now().wall)?);
    let days = today.date().since(then.date()).map_or(i32::MAX, |span| span.get_days());
    let (year, month, day) = (then.year(), then.month().unsigned_abs(), then.day().unsigned_abs());
    let day = match days {
        0 => Day::Today,
        -6..=6 => Day::Weekday(then.weekday().to_monday_one_offset().unsigned_abs()),
        _ => Day::Date(year, month, day),
    };
    Some(Local { day, time: then.strftime("%H:%M").to_string() })
}

/// A moment in local time, in English: `14:02` today, `Mon 14:02` within six days, otherwise with the date.
#[must_use]
pub fn local(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let Some(Local { day, time }) = here(at) else {
        return "far away".to_owned();
    };
    match day {
        Day::Today => time,
        Day::Weekday(day) => format!("{} {time}", DAYS[usize::from(day.clamp(1, 7) - 1)]),
        Day::Date(year, month, day) => format!("{year:04}-{month:02}-{day:02} {time}"),
    }
}

/// The time until the next day begins here. From then on [`local`] shows today's moments with their day.
#[must_use]
pub fn until_tomorrow() -> Duration {
    let now = jiff::Timestamp::from_millisecond(i64::try_from(now().wall.as_ms()).unwrap_or(0));
    let now = now.map(|now| now.to_zoned(jiff::tz::TimeZone::system()));
    let until = now.and_then(|now| Ok(now.duration_until(&now.tomorrow()?.start_of_day()?)));
    // If the calendar has no tomorrow, ask again in an hour.
    until.ok().and_then(|until| until.try_into().ok()).unwrap_or(Duration::from_secs(3600))
}

/// The present offset of local time from UTC, in seconds.
#[must_use]
pub fn offset_s() -> i32 {
    let now = i64::try_from(now().wall.as_ms()).ok();
    let now = now.and_then(|now| jiff::Timestamp::from_millisecond(now).ok());
    now.map_or(0, |now| jiff::tz::TimeZone::system().to_offset(now).seconds())
}

/// The IANA name of the local time zone, if the system knows it.
#[must_use]
pub fn zone() -> Option<String> {
    jiff::tz::TimeZone::system().iana_name().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tomorrow_is_at_most_a_long_day_away() {
        let until = until_tomorrow();
        assert!(until > Duration::ZERO && until <= Duration::from_secs(25 * 3600), "{until:?}");
    }
}
