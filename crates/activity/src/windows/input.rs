//! Asks Windows for the last input of this session.

#![expect(unsafe_code, reason = "the system's functions are foreign")]

use windows_sys::Win32::System::SystemInformation::GetTickCount64;
use windows_sys::Win32::UI::Input::KeyboardAndMouse::{GetLastInputInfo, LASTINPUTINFO};

use crate::settings::Probe;

use super::ticks::LastInput;

pub(crate) fn probe() -> Probe {
    let mut last = LastInput::default();
    Box::new(move || {
        let stamp_ms = stamp_ms()?;
        // SAFETY: `GetTickCount64` has no preconditions.
        let now_ms = unsafe { GetTickCount64() };
        Some(last.idle(stamp_ms, now_ms))
    })
}

fn stamp_ms() -> Option<u32> {
    let mut info = LASTINPUTINFO { cbSize: size_of::<LASTINPUTINFO>() as u32, dwTime: 0 };
    // SAFETY: `info` is valid for writes and contains its own size.
    let succeeded = unsafe { GetLastInputInfo(&raw mut info) };
    (succeeded != 0).then_some(info.dwTime)
}
