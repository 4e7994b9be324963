//! Translates the messages of Windows into observations.
//!
//! It calls no system function, so that its tests run everywhere. On Windows, `window` compares the
//! numbers with the system's own at compile time.

use porchlight_core::observation::Observation;

pub(crate) const WM_ENDSESSION: u32 = 0x0016;
pub(crate) const WM_POWERBROADCAST: u32 = 0x0218;
pub(crate) const WM_WTSSESSION_CHANGE: u32 = 0x02B1;

pub(crate) const PBT_APMSUSPEND: u32 = 0x04;
pub(crate) const PBT_APMRESUMESUSPEND: u32 = 0x07;
pub(crate) const PBT_APMRESUMEAUTOMATIC: u32 = 0x12;

pub(crate) const WTS_CONSOLE_CONNECT: u32 = 1;
pub(crate) const WTS_CONSOLE_DISCONNECT: u32 = 2;
pub(crate) const WTS_REMOTE_CONNECT: u32 = 3;
pub(crate) const WTS_REMOTE_DISCONNECT: u32 = 4;
pub(crate) const WTS_SESSION_LOCK: u32 = 7;
pub(crate) const WTS_SESSION_UNLOCK: u32 = 8;

pub(crate) const WTS_ACTIVE: i32 = 0;
pub(crate) const WTS_SESSIONSTATE_LOCK: u32 = 0;
pub(crate) const WTS_SESSIONSTATE_UNLOCK: u32 = 1;

/// Translates a window message, given its number and its `wParam`; `None` if it says nothing about
/// the person.
///
/// The session ends with `WM_ENDSESSION`, not with `WM_QUERYENDSESSION`: after the latter, anybody
/// can still stop the end.
pub(crate) fn observation(message: u32, wparam: usize) -> Option<Observation> {
    let what = u32::try_from(wparam).ok();
    match message {
        WM_ENDSESSION => (wparam != 0).then_some(Observation::ShuttingDown),
        WM_POWERBROADCAST => power(what?),
        WM_WTSSESSION_CHANGE => session_change(what?),
        _ => None,
    }
}

fn power(event: u32) -> Option<Observation> {
    match event {
        PBT_APMSUSPEND => Some(Observation::Suspending),
        // Always sent. `PBT_APMRESUMESUSPEND` follows if there was input, and adds nothing.
        PBT_APMRESUMEAUTOMATIC => Some(Observation::Resumed),
        _ => None,
    }
}

fn session_change(event: u32) -> Option<Observation> {
    match event {
        WTS_SESSION_LOCK => Some(Observation::Locked(true)),
        WTS_SESSION_UNLOCK => Some(Observation::Locked(false)),
        WTS_CONSOLE_CONNECT | WTS_REMOTE_CONNECT => Some(Observation::Switched(false)),
        WTS_CONSOLE_DISCONNECT | WTS_REMOTE_DISCONNECT => Some(Observation::Switched(true)),
        _ => None,
    }
}

/// The state at the start of the watch, from `WTSINFOEX_LEVEL1`: its `SessionState` and
/// `SessionFlags`.
pub(crate) fn at_the_start(state: i32, flags: u32) -> impl Iterator<Item = Observation> {
    let locked = match flags {
        WTS_SESSIONSTATE_LOCK => Some(true),
        WTS_SESSIONSTATE_UNLOCK => Some(false),
        _ => None,
    };
    [Some(Observation::Switched(state != WTS_ACTIVE)), locked.map(Observation::Locked)]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_of_interest_is_understood() {
        let table = [
            (WM_POWERBROADCAST, PBT_APMSUSPEND, Some(Observation::Suspending)),
            (WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC, Some(Observation::Resumed)),
            (WM_POWERBROADCAST, PBT_APMRESUMESUSPEND, None),
            (WM_WTSSESSION_CHANGE, WTS_SESSION_LOCK, Some(Observation::Locked(true))),
            (WM_WTSSESSION_CHANGE, WTS_SESSION_UNLOCK, Some(Observation::Locked(false))),
            (WM_WTSSESSION_CHANGE, WTS_CONSOLE_CONNECT, Some(Observation::Switched(false))),
            (WM_WTSSESSION_CHANGE, WTS_REMOTE_CONNECT, Some(Observation::Switched(false))),
            (WM_WTSSESSION_CHANGE, WTS_CONSOLE_DISCONNECT, Some(Observation::Switched(true))),
            (WM_WTSSESSION_CHANGE, WTS_REMOTE_DISCONNECT, Some(Observation::Switched(true))),
            (WM_ENDSESSION, 1, Some(Observation::ShuttingDown)),
        ];
        for (message, what, meant) in table {
            assert_eq!(observation(message, what as usize), meant, "{message:#x} {what:#x}");
        }
    }

    #[test]
    fn a_cancelled_end_of_the_session_and_other_messages_are_ignored() {
        const WM_QUERYENDSESSION: u32 = 0x0011;
        assert_eq!(observation(WM_ENDSESSION, 0), None);
        assert_eq!(observation(WM_QUERYENDSESSION, 0), None);
        assert_eq!(observation(WM_WTSSESSION_CHANGE, 99), None);
        assert_eq!(observation(WM_POWERBROADCAST, usize::MAX), None);
    }

    #[test]
    fn the_start_tells_of_the_lock_only_where_it_is_known() {
        let told = |state, flags| at_the_start(state, flags).collect::<Vec<_>>();
        let disconnected = 4;
        assert_eq!(told(WTS_ACTIVE, 0), [Observation::Switched(false), Observation::Locked(true)]);
        assert_eq!(told(WTS_ACTIVE, 1), [Observation::Switched(false), Observation::Locked(false)]);
        assert_eq!(told(disconnected, u32::MAX), [Observation::Switched(true)]);
    }
}
