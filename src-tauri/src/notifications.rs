//! Notifications by the desktop's notification daemon.
//!
//! This module decides their wording, and which notification replaces which. Whether something pops
//! up is decided in the core.

#[cfg(target_os = "linux")]
mod freedesktop;
mod text;

#[cfg(target_os = "linux")]
pub(crate) use text::answer;

#[cfg(target_os = "linux")]
pub(crate) use freedesktop::Notifications;

#[cfg(not(target_os = "linux"))]
pub(crate) use unsupported::Notifications;

#[cfg(not(target_os = "linux"))]
mod unsupported {
    use porchlight_core::notification::Notification;

    use crate::request::Desktop;

    pub(crate) struct Notifications;

    impl Notifications {
        pub(crate) fn new(_: Desktop) -> Self {
            Self
        }

        pub(crate) fn show(&mut self, notification: &Notification) {
            let said = super::text::say(notification);
            tracing::info!("{}: {}", said.summary, said.body);
        }

        pub(crate) fn withdraw(&mut self, _: String) {}

        pub(crate) fn ask(&mut self, name: &str, code: &str) {
            let said = super::text::ask(name, code);
            tracing::info!("{}: {}", said.summary, said.body);
        }
    }
}
