//! An invisible window on its own thread, and the messages that it receives.
//!
//! It is a top-level window: a message-only window receives neither `WM_POWERBROADCAST` nor
//! `WM_ENDSESSION`.

#![expect(unsafe_code, reason = "the system's functions are foreign")]

use std::cell::OnceCell;
use std::io;
use std::ptr::{null, null_mut};

use tokio::sync::oneshot;
use windows_sys::Win32::Foundation::{ERROR_CLASS_ALREADY_EXISTS, HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::Power::{
    HPOWERNOTIFY, RegisterSuspendResumeNotification, UnregisterSuspendResumeNotification,
};
use windows_sys::Win32::System::RemoteDesktop::{
    self as wts, NOTIFY_FOR_THIS_SESSION, WTS_CURRENT_SERVER_HANDLE, WTS_CURRENT_SESSION,
    WTSFreeMemory, WTSINFOEXW, WTSQuerySessionInformationW, WTSRegisterSessionNotification,
    WTSSessionInfoEx, WTSUnRegisterSessionNotification,
};
use windows_sys::Win32::System::Threading::GetCurrentThreadId;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    self as wm, CreateWindowExW, DEVICE_NOTIFY_WINDOW_HANDLE, DefWindowProcW, DestroyWindow,
    DispatchMessageW, GetMessageW, MSG, PostQuitMessage, PostThreadMessageW, RegisterClassW,
    WM_DESTROY, WM_QUIT, WNDCLASSW,
};
use windows_sys::core::{PCWSTR, w};

use crate::desktop::EventSender;

use super::message;

const CLASS: PCWSTR = w!("PorchlightActivity");

// The numbers in `message` equal the system's own.
const _: () = {
    assert!(message::WM_ENDSESSION == wm::WM_ENDSESSION);
    assert!(message::WM_POWERBROADCAST == wm::WM_POWERBROADCAST);
    assert!(message::WM_WTSSESSION_CHANGE == wm::WM_WTSSESSION_CHANGE);
    assert!(message::PBT_APMSUSPEND == wm::PBT_APMSUSPEND);
    assert!(message::PBT_APMRESUMESUSPEND == wm::PBT_APMRESUMESUSPEND);
    assert!(message::PBT_APMRESUMEAUTOMATIC == wm::PBT_APMRESUMEAUTOMATIC);
    assert!(message::WTS_CONSOLE_CONNECT == wm::WTS_CONSOLE_CONNECT);
    assert!(message::WTS_CONSOLE_DISCONNECT == wm::WTS_CONSOLE_DISCONNECT);
    assert!(message::WTS_REMOTE_CONNECT == wm::WTS_REMOTE_CONNECT);
    assert!(message::WTS_REMOTE_DISCONNECT == wm::WTS_REMOTE_DISCONNECT);
    assert!(message::WTS_SESSION_LOCK == wm::WTS_SESSION_LOCK);
    assert!(message::WTS_SESSION_UNLOCK == wm::WTS_SESSION_UNLOCK);
    assert!(message::WTS_ACTIVE == wts::WTSActive);
    assert!(message::WTS_SESSIONSTATE_LOCK == wts::WTS_SESSIONSTATE_LOCK);
    assert!(message::WTS_SESSIONSTATE_UNLOCK == wts::WTS_SESSIONSTATE_UNLOCK);
};

thread_local! {
    // The window procedure gets no state but a raw pointer, and its thread serves one window only.
    static EVENTS: OnceCell<EventSender> = const { OnceCell::new() };
}

/// A handle of the window. Dropping it ends the window's thread.
#[derive(Debug)]
pub(crate) struct Window {
    thread: u32,
    /// Why the system does not report locks and seats, if it refused to.
    sessions_refused: Option<String>,
}

impl Window {
    /// Opens the window and reports the present state.
    pub(crate) async fn open(events: EventSender) -> io::Result<Self> {
        let (answer, answered) = oneshot::channel();
        std::thread::Builder::new()
            .name("session-events".to_owned())
            .spawn(move || serve(events, answer))?;
        answered.await.map_err(|_| io::Error::other("its thread stopped unexpectedly"))?
    }

    /// Why the system does not report locks and seats, if it refused to.
    pub(crate) fn sessions_refused(&self) -> Option<&str> {
        self.sessions_refused.as_deref()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // The drop does not wait: the thread may be waiting for a goodbye.
        // SAFETY: it has no preconditions. An error means that the thread has ended, so nothing is
        // left to do.
        unsafe { PostThreadMessageW(self.thread, WM_QUIT, 0, 0) };
    }
}

/// Runs on the window's thread.
fn serve(events: EventSender, answer: oneshot::Sender<io::Result<Window>>) {
    EVENTS.with(|cell| {
        cell.set(events.clone()).expect("the thread is new");
    });
    let handle = match Handle::open() {
        Ok(handle) => handle,
        Err(error) => {
            let _ = answer.send(Err(error));
            return;
        }
    };
    // Subscribes first and reads then, so that a change in between is reported.
    let sessions_refused = handle.sessions.as_ref().err().map(io::Error::to_string);
    // SAFETY: it has no preconditions.
    let thread = unsafe { GetCurrentThreadId() };
    // Created before it is sent, so that dropping it ends this thread even if nobody receives it.
    let window = Window { thread, sessions_refused };
    if let Some((state, flags)) = session_state() {
        message::at_the_start(state, flags).for_each(|observation| events.send(observation));
    }
    drop(events);
    if answer.send(Ok(window)).is_ok() {
        read_messages();
    }
}

/// Dispatches messages until `WM_QUIT`.
fn read_messages() {
    let mut message = MSG::default();
    // SAFETY: `message` is valid for writes; no window means every window of this thread.
    while unsafe { GetMessageW(&raw mut message, null_mut(), 0, 0) } > 0 {
        // SAFETY: `GetMessageW` filled it.
        unsafe { DispatchMessageW(&raw const message) };
    }
}

/// The window and its subscriptions, on the window's own thread.
struct Handle {
    window: HWND,
    sessions: io::Result<()>,
    power: HPOWERNOTIFY,
}

impl Handle {
    fn open() -> io::Result<Self> {
        // SAFETY: null means the file of this program.
        let module = unsafe { GetModuleHandleW(null()) };
        let class = WNDCLASSW {
            lpfnWndProc: Some(procedure),
            hInstance: module,
            lpszClassName: CLASS,
            ..WNDCLASSW::default()
        };
        // SAFETY: the class name is static, and the procedure is a function of this program.
        if unsafe { RegisterClassW(&raw const class) } == 0 {
            let error = io::Error::last_os_error();
            // An earlier window registered the class.
            if error.raw_os_error() != Some(ERROR_CLASS_ALREADY_EXISTS.cast_signed()) {
                return Err(error);
            }
        }
        // SAFETY: the class is registered, and the other pointers may be null. Style 0 keeps it
        // invisible.
        let window = unsafe {
            CreateWindowExW(0, CLASS, CLASS, 0, 0, 0, 0, 0, null_mut(), null_mut(), module, null())
        };
        if window.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the window belongs to this thread.
        let sessions =
            match unsafe { WTSRegisterSessionNotification(window, NOTIFY_FOR_THIS_SESSION) } {
                0 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            };
        // With modern standby, Windows reports sleep only to windows that registered. Without it,
        // every window is told, so a refusal is no loss.
        // SAFETY: the window belongs to this thread, and the flag says that the handle is a window.
        let power =
            unsafe { RegisterSuspendResumeNotification(window, DEVICE_NOTIFY_WINDOW_HANDLE) };
        Ok(Self { window, sessions, power })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: all three belong to this thread and are released once, the window last.
        unsafe {
            if self.power != 0 {
                UnregisterSuspendResumeNotification(self.power);
            }
            if self.sessions.is_ok() {
                WTSUnRegisterSessionNotification(self.window);
            }
            DestroyWindow(self.window);
        }
    }
}

/// The window procedure. The system calls it on the window's thread.
unsafe extern "system" fn procedure(
    window: HWND,
    number: u32,
    wparam: WPARAM,
    lparam: LPARAM,
) -> LRESULT {
    if number == WM_DESTROY {
        // A program that politely ends another one closes all its windows. Without this window no
        // event arrives any more, so its thread ends and the source is lost.
        // SAFETY: it has no preconditions.
        unsafe { PostQuitMessage(0) };
    }
    if let Some(observation) = message::observation(number, wparam) {
        EVENTS.with(|events| {
            if let Some(events) = events.get() {
                events.send(observation);
            }
        });
    }
    // SAFETY: these are the arguments that the system passed.
    unsafe { DefWindowProcW(window, number, wparam, lparam) }
}

/// `SessionState` and `SessionFlags` of this session; `None` if the system does not answer.
fn session_state() -> Option<(i32, u32)> {
    let mut buffer = null_mut();
    let mut bytes = 0;
    // SAFETY: both places are valid for writes.
    let succeeded = unsafe {
        WTSQuerySessionInformationW(
            WTS_CURRENT_SERVER_HANDLE,
            WTS_CURRENT_SESSION,
            WTSSessionInfoEx,
            &raw mut buffer,
            &raw mut bytes,
        )
    };
    if succeeded == 0 || buffer.is_null() {
        return None;
    }
    let info = buffer.cast::<WTSINFOEXW>();
    let large_enough = usize::try_from(bytes).is_ok_and(|bytes| bytes >= size_of::<WTSINFOEXW>());
    // SAFETY: the system filled `bytes` bytes, and the read requires no alignment. At level 1 this
    // arm of the union is the valid one, and each of its fields may have any value.
    let state = unsafe {
        let level = large_enough.then(|| (&raw const (*info).Level).read_unaligned());
        level.filter(|level| *level == 1).map(|_| {
            let session = (&raw const (*info).Data.WTSInfoExLevel1).read_unaligned();
            (session.SessionState, session.SessionFlags.cast_unsigned())
        })
    };
    // SAFETY: the system allocated the buffer, and nothing reads it after this.
    unsafe { WTSFreeMemory(buffer.cast()) };
    state
}
