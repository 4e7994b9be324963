//! Asks the window server for the time since the last input, and for the state of the session.

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
        // Counts input of this session, including Screen Sharing.
        let state = CGEventSourceStateID::CombinedSessionState;
        meaning::idle(CGEventSource::seconds_since_last_event_type(state, ANY_INPUT))
    })
}

/// The state of the session; `None` if it has no screen, as over SSH.
pub(crate) fn session() -> Option<Session> {
    let dictionary = CGSessionCopyCurrentDictionary()?;
    // SAFETY: the keys are strings, and the values are Core Foundation objects (`CGSession.h`).
    let dictionary = unsafe { dictionary.cast_unchecked::<CFString, CFType>() };
    let is = |key| flag(dictionary, key);
    Some(Session {
        on_console: is("kCGSSessionOnConsoleKey"),
        locked: is("CGSSessionScreenIsLocked"),
    })
}

fn flag(dictionary: &CFDictionary<CFString, CFType>, key: &'static str) -> Option<bool> {
    let value = dictionary.get(&CFString::from_static_str(key))?;
    value.downcast_ref::<CFBoolean>().map(CFBoolean::as_bool)
}
