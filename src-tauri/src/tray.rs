//! The tray: an icon, a line, and a menu that is the roster.
//!
//! Owns the seam between the view and whatever shows it on this system. Elsewhere than on Linux there is none
//! yet, and the window stands in for it.

#[cfg(target_os = "linux")]
mod icons;
#[cfg(target_os = "linux")]
mod item;
#[cfg(target_os = "linux")]
mod menu;

#[cfg(target_os = "linux")]
pub(crate) use item::Tray;

#[cfg(not(target_os = "linux"))]
pub(crate) use nowhere::Tray;

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use porchlight_core::view::tray::TrayView;

    use crate::request::Desktop;

    pub(crate) struct Tray;

    impl Tray {
        pub(crate) fn open(_: &Desktop) -> std::future::Ready<Self> {
            std::future::ready(Self)
        }

        pub(crate) fn show(&mut self, _: TrayView) {}

        pub(crate) fn dress(&mut self, _: Option<std::path::PathBuf>) {}
    }
}
