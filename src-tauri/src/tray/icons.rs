//! The icon as pixels: each state in every size that a panel may ask for.
//!
//! This module maps states to drawings, and adds the mark for a knock. The drawings are in
//! `icons/tray`, which `icons/render.sh` makes; the build script converts them to pixels.

use std::path::Path;
use std::{fs, io};

use ksni::Icon;
use porchlight_core::view::tray::TrayIcon;

include!(concat!(env!("OUT_DIR"), "/tray_icons.rs"));

macro_rules! symbolic {
    ($name:literal) => {
        (
            concat!("porchlight-", $name, "-symbolic"),
            include_str!(concat!(
                "../../../icons/hicolor/symbolic/status/porchlight-",
                $name,
                "-symbolic.svg"
            )),
        )
    };
}

const ALL: [TrayIcon; 7] = [
    TrayIcon::Online,
    TrayIcon::Unknown,
    TrayIcon::Away,
    TrayIcon::Dnd,
    TrayIcon::Invisible,
    TrayIcon::Connecting,
    TrayIcon::Offline,
];

/// The name of a state's symbolic icon and its drawing. It has one colour, which panels replace by
/// their own (freedesktop Icon Naming Specification).
pub(super) const fn symbolic(icon: TrayIcon) -> (&'static str, &'static str) {
    match icon {
        TrayIcon::Online => symbolic!("online"),
        TrayIcon::Unknown => symbolic!("unknown"),
        TrayIcon::Away => symbolic!("away"),
        TrayIcon::Dnd => symbolic!("dnd"),
        TrayIcon::Invisible => symbolic!("invisible"),
        TrayIcon::Connecting => symbolic!("connecting"),
        TrayIcon::Offline => symbolic!("offline"),
    }
}

/// Writes the symbolic icons into `folder` as a part of the theme hicolor (Icon Theme
/// Specification, *Directory Layout*). Panels look there too, so the app need not be installed.
pub(super) fn write_theme(folder: &Path) -> io::Result<()> {
    // Older versions of hicolor have a folder for symbolic apps, but none for symbolic states.
    let place = folder.join("hicolor/symbolic/apps");
    fs::create_dir_all(&place)?;
    for (name, drawing) in ALL.map(symbolic) {
        fs::write(place.join(format!("{name}.svg")), drawing)?;
    }
    Ok(())
}

/// The icon of a state in every size, with a mark during a knock.
pub(super) fn pixmaps(icon: TrayIcon, knock: bool) -> Vec<Icon> {
    let drawn: &[(i32, &[u8])] = match icon {
        TrayIcon::Online => &ONLINE,
        TrayIcon::Unknown => &UNKNOWN,
        TrayIcon::Away => &AWAY,
        TrayIcon::Dnd => &DND,
        TrayIcon::Invisible => &INVISIBLE,
        TrayIcon::Connecting => &CONNECTING,
        TrayIcon::Offline => &OFFLINE,
    };
    drawn
        .iter()
        .map(|(size, pixels)| {
            let mut data = pixels.to_vec();
            if knock {
                mark(*size, &mut data);
            }
            Icon { width: *size, height: *size, data }
        })
        .collect()
}

/// Draws a dot with a rim into the upper right corner, so that a knock changes the shape as well.
fn mark(size: i32, pixels: &mut [u8]) {
    const DOT: [u8; 3] = [0xf5, 0x9e, 0x0b];
    const RIM: [u8; 3] = [0x14, 0x1a, 0x2b];
    // In whole pixels, so that the dot is as sharp at its edges as the drawing below it.
    let outer = (size + 2) / 4;
    let inner = outer - (size / 20).max(1);
    let places = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    for (pixel, (x, y)) in pixels.chunks_exact_mut(4).zip(places) {
        let (right, down) = ((x - (size - outer)) as f32 + 0.5, (y - outer) as f32 + 0.5);
        let away = right.hypot(down);
        blend(pixel, RIM, (outer as f32 + 0.5 - away).clamp(0.0, 1.0));
        blend(pixel, DOT, (inner as f32 + 0.5 - away).clamp(0.0, 1.0));
    }
}

/// Blends a colour over an ARGB pixel with straight alpha. `share` is how much of the pixel it
/// covers.
fn blend(pixel: &mut [u8], colour: [u8; 3], share: f32) {
    let below = f32::from(pixel[0]) / 255.0 * (1.0 - share);
    let alpha = share + below;
    if alpha <= 0.0 {
        return;
    }
    for (old, new) in pixel[1..].iter_mut().zip(colour) {
        *old = ((f32::from(new) * share + f32::from(*old) * below) / alpha).round() as u8;
    }
    pixel[0] = (alpha * 255.0).round() as u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The darkest and the lightest panel that is common.
    const PANELS: [u8; 2] = [0x2b, 0xf2];

    /// How much two grey values must differ to be distinguishable, of 255.
    const MIN_DIFFERENCE: i32 = 48;

    /// How many of the 256 pixels of the smallest icon must differ between two states: as many as
    /// the bar has that distinguishes do-not-disturb from online.
    const MIN_DIFFERENT_PIXELS: usize = 16;

    /// The smallest icon in grey, on a panel of that grey.
    fn greys(icon: &Icon, panel: u8) -> Vec<i32> {
        let grey = |pixel: &[u8]| {
            let (a, r, g, b) = (pixel[0], pixel[1], pixel[2], pixel[3]);
            let drawn = (299 * i32::from(r) + 587 * i32::from(g) + 114 * i32::from(b)) / 1000;
            let alpha = i32::from(a);
            (drawn * alpha + i32::from(panel) * (255 - alpha)) / 255
        };
        icon.data.chunks_exact(4).map(grey).collect()
    }

    /// How many pixels differ visibly, on the panel where fewer do.
    fn difference(one: &Icon, other: &Icon) -> usize {
        let on = |panel| {
            let (one, other) = (greys(one, panel), greys(other, panel));
            one.iter()
                .zip(&other)
                .filter(|(one, other)| (*one - *other).abs() >= MIN_DIFFERENCE)
                .count()
        };
        PANELS.map(on).into_iter().min().unwrap_or_default()
    }

    #[test]
    fn each_state_has_every_size_from_small_to_large() {
        for icon in ALL {
            for knock in [false, true] {
                let icons = pixmaps(icon, knock);
                let sizes: Vec<_> = icons.iter().map(|icon| (icon.width, icon.height)).collect();
                assert_eq!(sizes, [16, 22, 24, 32, 44, 48, 64].map(|size| (size, size)));
                for Icon { width, height, data } in icons {
                    assert_eq!(data.len(), usize::try_from(4 * width * height).unwrap());
                }
            }
        }
    }

    #[test]
    fn any_two_states_differ_without_colour_in_the_smallest_size() {
        for (at, one) in ALL.iter().enumerate() {
            for other in &ALL[at + 1..] {
                for knock in [false, true] {
                    let differ = difference(&pixmaps(*one, knock)[0], &pixmaps(*other, knock)[0]);
                    assert!(
                        differ >= MIN_DIFFERENT_PIXELS,
                        "{one:?} and {other:?}: {differ} pixels"
                    );
                }
            }
        }
    }

    #[test]
    fn each_state_has_a_symbolic_drawing_of_its_own_in_the_panels_colour() {
        let folder = tempfile::tempdir().unwrap();
        write_theme(folder.path()).unwrap();
        let mut drawings: Vec<_> = ALL
            .iter()
            .map(|icon| {
                let file = format!("hicolor/symbolic/apps/{}.svg", symbolic(*icon).0);
                std::fs::read_to_string(folder.path().join(file)).unwrap()
            })
            .collect();
        // GTK replaces the current colour, Plasma the colour of this class.
        assert!(drawings.iter().all(|it| {
            it.contains("currentColor") && it.contains("class=\"ColorScheme-Text\"")
        }));
        drawings.sort();
        drawings.dedup();
        assert_eq!(drawings.len(), ALL.len());
    }

    #[test]
    fn a_knock_is_seen_without_colour_whatever_the_state() {
        for icon in ALL {
            let differ = difference(&pixmaps(icon, false)[0], &pixmaps(icon, true)[0]);
            assert!(differ >= MIN_DIFFERENT_PIXELS, "{icon:?}: {differ} pixels");
        }
    }

    /// The outline is darker than any panel and may end at the border; what it surrounds may not.
    #[test]
    fn nothing_but_the_outline_touches_the_border() {
        for icon in ALL {
            for knock in [false, true] {
                for Icon { width, data, .. } in pixmaps(icon, knock) {
                    let width = usize::try_from(width).unwrap();
                    for (at, pixel) in data.chunks_exact(4).enumerate() {
                        let (x, y) = (at % width, at / width);
                        let border = [x, y].iter().any(|it| [0, width - 1].contains(it));
                        let light = pixel[1..].iter().any(|part| *part > 0x60);
                        assert!(
                            !(border && light && pixel[0] > 0x20),
                            "{icon:?} {width}: {pixel:x?} at {x}, {y}"
                        );
                    }
                }
            }
        }
    }
}
