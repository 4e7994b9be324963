//! Asks the window server: for the last input of this session, and how the session stands.

#![expect(unsafe_code, reason = "the dictionary's types are known to its documentation only")]

use objc2_core_foundation::{CFBoolean, CFDictionary, CFString, CFType};
use objc2_core_graphics::{
    CGEventSource, CGEventSourceStateID, CGEventType, CGSessionCopyCurrentDictionary,
};

use crate::settings::Probe;

use super::meaning::{self, Session};

/// `kCGAnyInputEventType`, which is a macro of the header `CGEventTypes.h`.
const ANY_INPUT: CGEventType = CGEventType(!0);

pub(crate) fn probe() -> Probe {
    Box::new(|| {
        // This session's own, and with what somebody types from far away by Screen Sharing.
        let state = CGEventSourceStateID::CombinedSessionState;
        meaning::idle(CGEventSource::seconds_since_last_event_type(state, ANY_INPUT))
    })
}

/// `None` where the session has no screen, as over SSH.
pub(crate) fn session() -> Option<Session> {
    let told = CGSessionCopyCurrentDictionary()?;
    // SAFETY: its keys are strings, and its values objects of Core Foundation (`CGSession.h`).
    let told = unsafe { told.cast_unchecked::<CFString, CFType>() };
    let is = |key| flag(told, key);
    Some(Session {
        on_console: is("kCGSSessionOnConsoleKey"),
        locked: is("CGSSessionScreenIsLocked"),
    })
}

fn flag(told: &CFDictionary<CFString, CFType>, key: &'static str) -> Option<bool> {
    let value = told.get(&CFString::from_static_str(key))?;
    value.downcast_ref::<CFBoolean>().map(CFBoolean::as_bool)
}
