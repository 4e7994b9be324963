//! A whole machine that a person sits at: a desktop session, a system bus with a login manager, and a screen saver.
//!
//! [`crate::desktop`] is what is seen of it. Here is what the machine tells by itself: that the screen is locked, that
//! it is about to sleep, that it is awake again. Both services behave as the real ones do in what Porchlight asks of
//! them (org.freedesktop.login1(5); the screen saver's `ActiveChanged`), and do as the test says.

mod bus;
mod logind;
mod saver;

use std::ffi::OsString;
use std::panic::Location;
use std::time::Duration;

use crate::desktop::Session;
use crate::until::{poll, uptime};
use bus::Bus;
use logind::{Logind, SESSION_ID};
use saver::Saver;

/// A running machine.
#[derive(Debug)]
pub struct Machine {
    logind: Logind,
    saver: Saver,
    // Behind those who are connected to it.
    system: Bus,
    desktop: Session,
}

impl Machine {
    /// Starts one, awake and unlocked.
    ///
    /// # Panics
    ///
    /// When one of its programs is missing or does not come up.
    pub async fn start() -> Self {
        let desktop = Session::start().await;
        let system = Bus::start().await;
        let logind = Logind::start(system.connection().await).await;
        let saver = Saver::start(desktop.connection().await).await;
        Self { logind, saver, system, desktop }
    }

    /// Its desktop session.
    #[must_use]
    pub fn desktop(&self) -> &Session {
        &self.desktop
    }

    /// The whole environment of a program at this machine.
    #[must_use]
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut environment = self.desktop.environment();
        let own = [
            ("DBUS_SYSTEM_BUS_ADDRESS", self.system.address()),
            ("XDG_SESSION_ID", SESSION_ID.to_owned()),
        ];
        environment.extend(own.map(|(name, value)| (name.into(), value.into())));
        environment
    }

    /// The login session's locker tells the login manager that the screen is locked, or no longer.
    pub async fn lock(&self, locked: bool) {
        self.logind.hint_lock(locked).await;
    }

    /// The screen saver tells that it covers the screen, or no longer.
    pub async fn save_screen(&self, active: bool) {
        self.saver.tell(active).await;
    }

    /// The login manager announces that the machine is about to sleep. It sleeps when nobody delays that any more.
    pub async fn prepare_for_sleep(&self) {
        self.logind.prepare_for_sleep(true).await;
    }

    /// The machine is awake again.
    pub async fn resume(&self) {
        self.logind.prepare_for_sleep(false).await;
    }

    /// Waits until somebody has asked to be told before the machine sleeps, and to have it delayed.
    ///
    /// # Panics
    ///
    /// When nobody does within the time.
    #[track_caller]
    pub fn wait_delayed(&self, within: Duration) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let delayed = poll(within, || self.is_delayed()).await;
            assert!(delayed.is_some(), "{caller}: nobody delays sleep within {within:?}");
        }
    }

    /// Whether somebody delays that the machine sleeps.
    #[must_use]
    pub fn is_delayed(&self) -> bool {
        self.logind.delays() > 0
    }

    /// Waits until nobody delays that the machine sleeps: when that was, on the time line of [`uptime`], and no
    /// earlier than it was.
    ///
    /// # Panics
    ///
    /// When it is still delayed after the time.
    #[track_caller]
    pub fn wait_free_to_sleep(&self, within: Duration) -> impl Future<Output = Duration> {
        let caller = Location::caller();
        async move {
            let free = poll(within, || (!self.is_delayed()).then(uptime)).await;
            free.unwrap_or_else(|| panic!("{caller}: the machine was kept awake for {within:?}"))
        }
    }
}
