//! Detects unannounced sleep: the clock that counts sleep runs ahead of the one that does not.
//!
//! It compares the clocks only when needed. A timer on the calendar's clock that never expires is
//! cancelled by each jump of that clock, and the kernel counts a resume as a jump
//! (timerfd_create(2), `TFD_TIMER_CANCEL_ON_SET`). So nothing wakes up while nothing happens.

use std::io;
use std::time::Duration;

use porchlight_core::observation::Observation;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::net::unix::pipe;

use crate::description::{Description, Missing, Tells};
use crate::source::{Reports, Source, SourceError};

/// The clocks are read one after the other, so a smaller difference is no sleep.
const ASLEEP: Duration = Duration::from_secs(1);

/// The source: compares two clocks when the calendar's clock jumps.
#[derive(Debug)]
pub(crate) struct Awake {
    /// A timer, not a pipe, but it is waited for and read like one.
    jumps: pipe::Receiver,
    slept: Slept,
    why: String,
}

impl Awake {
    /// Sets the timer. `why` is the reason why nobody announces sleep.
    pub(super) fn open(why: &str) -> io::Result<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Realtime,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let never = Timespec { tv_sec: i64::MAX / 2_000_000_000, tv_nsec: 0 };
        let once = Itimerspec { it_interval: Timespec::default(), it_value: never };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(&timer, flags, &once)?;
        let jumps = pipe::Receiver::from_owned_fd_unchecked(timer)?;
        Ok(Self { jumps, slept: Slept::since(ahead()), why: why.to_owned() })
    }

    /// Waits for a jump of the calendar's clock.
    async fn jump(&self) -> io::Result<()> {
        loop {
            self.jumps.readable().await?;
            match self.jumps.try_read(&mut [0; 8]) {
                Ok(_) => return Ok(()),
                Err(error) if error.raw_os_error() == Some(CANCELLED) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

const CANCELLED: i32 = rustix::io::Errno::CANCELED.raw_os_error();

impl Source for Awake {
    fn description(&self) -> Description {
        Description {
            name: "clocks",
            tells: Tells::NOTHING,
            missing: Some(Missing::new(
                format!("sleep is seen only once it is over: {}", self.why),
                "run systemd-logind or elogind to have a goodbye said before it",
            )),
        }
    }

    async fn run(mut self, to: &Reports) -> SourceError {
        loop {
            if let Err(error) = self.jump().await {
                return SourceError(format!("the timer fails: {error}"));
            }
            if self.slept.now(ahead()) {
                to.send(Observation::Resumed).await;
            }
        }
    }
}

/// How far the clock that counts sleep is ahead of the one that does not.
fn ahead() -> Duration {
    let read = |clock| {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
        // Neither clock is negative.
        Duration::new(tv_sec.unsigned_abs(), u32::try_from(tv_nsec).unwrap_or(0))
    };
    let awake = read(ClockId::Monotonic);
    read(ClockId::Boottime).saturating_sub(awake)
}

/// The total time asleep when it was last read.
#[derive(Debug)]
struct Slept(Duration);

impl Slept {
    const fn since(ahead: Duration) -> Self {
        Self(ahead)
    }

    /// Whether the machine slept since the last call.
    fn now(&mut self, ahead: Duration) -> bool {
        let slept = ahead.saturating_sub(self.0) >= ASLEEP;
        if slept {
            self.0 = ahead;
        }
        slept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_ran_ahead_is_a_sleep_and_each_is_reported_once() {
        let ms = Duration::from_millis;
        let mut slept = Slept::since(ms(500));
        assert!(!slept.now(ms(501)), "the clocks are not read at the same time");
        assert!(slept.now(ms(5_501)));
        assert!(!slept.now(ms(5_502)));
        assert!(!slept.now(ms(5_400)), "and never backwards");
        assert!(slept.now(ms(6_501)));
    }

    #[tokio::test]
    async fn a_timer_that_never_rings_is_quiet() {
        let awake = Awake::open("there is no logind").unwrap();
        let quiet = tokio::time::timeout(Duration::from_millis(50), awake.jump()).await;
        assert!(quiet.is_err(), "{quiet:?}");
    }
}
