//! The tray: an icon, a tooltip, and a menu with the roster.
//!
//! This module hides how the system shows it. Systems other than Linux have no tray yet, and show
//! the window instead.

#[cfg(target_os = "linux")]
mod icons;
#[cfg(target_os = "linux")]
mod item;
#[cfg(target_os = "linux")]
mod menu;

#[cfg(target_os = "linux")]
pub(crate) use item::Tray;

#[cfg(not(target_os = "linux"))]
pub(crate) use unsupported::Tray;

#[cfg(not(target_os = "linux"))]
mod unsupported {
    use porchlight_core::view::tray::TrayView;

    use crate::request::Desktop;

    pub(crate) struct Tray;

    impl Tray {
        pub(crate) fn open(_: &Desktop) -> std::future::Ready<Self> {
            std::future::ready(Self)
        }

        pub(crate) fn show(&mut self, _: TrayView) {}

        pub(crate) fn set_theme(&mut self, _: Option<std::path::PathBuf>) {}
    }
}
