//! Notices, by the desktop's notification daemon.
//!
//! Owns the wording and which notice replaces which. Deliberately decides nothing: what pops up was decided
//! in the core.

#[cfg(target_os = "linux")]
mod freedesktop;
mod text;

#[cfg(target_os = "linux")]
pub(crate) use text::answer;

#[cfg(target_os = "linux")]
pub(crate) use freedesktop::Notices;

#[cfg(not(target_os = "linux"))]
pub(crate) use nowhere::Notices;

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use porchlight_core::notice::Notice;

    use crate::request::Desktop;

    pub(crate) struct Notices;

    impl Notices {
        pub(crate) fn new(_: Desktop) -> Self {
            Self
        }

        pub(crate) fn show(&mut self, notice: &Notice) {
            let said = super::said::say(notice);
            tracing::info!("{}: {}", said.summary, said.body);
        }

        pub(crate) fn withdraw(&mut self, _: String) {}

        pub(crate) fn ask(&mut self, name: &str, code: &str) {
            let said = super::said::ask(name, code);
            tracing::info!("{}: {}", said.summary, said.body);
        }
    }
}
