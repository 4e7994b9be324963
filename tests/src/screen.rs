//! What a session's screen shows: where things stand, their pixels, and pictures of them.
//!
//! A picture is taken once what it shows stands still: nothing there has changed for a while.

use std::path::Path;
use std::time::Duration;

use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, ImageFormat, MapState, Window,
};

use crate::binary::tool;
use crate::desktop::Session;
use crate::process::run;
use crate::until::{START, Stopwatch, until};

/// How long nothing may change for an area to stand still: longer than a frame on a busy machine,
/// shorter than a clock's second.
const STILL: Duration = Duration::from_millis(500);

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// How far it is from the left.
    pub x: u16,
    /// How far it is from the top.
    pub y: u16,
    /// Its width.
    pub width: u16,
    /// Its height.
    pub height: u16,
}

impl Area {
    /// The smallest area that has both in it.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Self { x, y, width: right - x, height: bottom - y }
    }

    /// With so many pixels more on each side, as far as the screen goes.
    #[must_use]
    pub fn grown(self, by: u16, screen: Self) -> Self {
        let (x, y) = (self.x.saturating_sub(by), self.y.saturating_sub(by));
        let right = (self.x + self.width + by).min(screen.width);
        let bottom = (self.y + self.height + by).min(screen.height);
        Self { x, y, width: right - x, height: bottom - y }
    }

    /// The pixel in its middle.
    #[must_use]
    pub fn middle(self) -> (u16, u16) {
        (self.x + self.width / 2, self.y + self.height / 2)
    }
}

impl Session {
    /// The whole screen.
    ///
    /// # Panics
    ///
    /// This and every other function here, when the X server has gone.
    #[must_use]
    pub fn screen(&self) -> Area {
        self.place(self.x().1).expect("a screen")
    }

    /// Where a window stands, without its frame.
    ///
    /// # Panics
    ///
    /// When it has gone, or sticks out of the screen at the left or the top.
    #[must_use]
    pub fn area(&self, window: u32) -> Area {
        self.place(window).unwrap_or_else(|| panic!("window {window} is not on the screen"))
    }

    /// The areas of menus and notifications: windows that the window manager does not manage.
    #[must_use]
    pub fn popups(&self) -> Vec<Area> {
        let (x, root) = self.x();
        let children = x.query_tree(root).expect("a request goes out");
        let children = children.reply().expect("the X server answers").children;
        children
            .into_iter()
            .filter(|&child| self.pops_up(child))
            .filter_map(|it| self.place(it))
            .collect()
    }

    /// Gives the desktop behind all windows this colour.
    pub fn paint(&self, colour: u32) {
        let (x, root) = self.x();
        let aux = ChangeWindowAttributesAux::new().background_pixel(colour);
        x.change_window_attributes(root, &aux).expect("a request goes out");
        x.clear_area(false, root, 0, 0, 0, 0).expect("a request goes out");
        let _ = x.get_input_focus().expect("a request goes out").reply();
    }

    /// Gives a window this size, without its frame.
    pub fn resize_window(&self, window: u32, width: u16, height: u16) {
        let (window, width, height) = (window.to_string(), width.to_string(), height.to_string());
        self.xdotool(&["windowsize", "--sync", &window, &width, &height]);
    }

    /// The colours of an area's pixels, row by row.
    #[must_use]
    pub fn pixels(&self, area: Area) -> Vec<u32> {
        let (x, root) = self.x();
        let (left, top) = (at(area.x), at(area.y));
        let image =
            x.get_image(ImageFormat::Z_PIXMAP, root, left, top, area.width, area.height, !0);
        let image = image.expect("a request goes out").reply().expect("an area of the screen");
        let pixels = image.data.chunks_exact(4);
        pixels.map(|it| u32::from_le_bytes([it[0], it[1], it[2], 0])).collect()
    }

    /// The smallest area within this one that holds all pixels of exactly this colour.
    #[must_use]
    pub fn coloured(&self, within: Area, colour: u32) -> Option<Area> {
        let pixels = self.pixels(within);
        let rows = pixels.chunks_exact(usize::from(within.width)).zip(within.y..);
        let places =
            rows.flat_map(|(row, y)| row.iter().zip(within.x..).map(move |(it, x)| (it, x, y)));
        let pixels = places.filter(|(pixel, ..)| **pixel == colour);
        pixels.map(|(_, x, y)| Area { x, y, width: 1, height: 1 }).reduce(Area::with)
    }

    /// Waits until nothing in the area has changed for half a second.
    ///
    /// # Panics
    ///
    /// When it does not come to rest.
    pub async fn still(&self, area: Area) {
        let (mut last, mut since) = (Vec::new(), Stopwatch::start());
        until("the screen to stand still", START, || {
            let now = self.pixels(area);
            if now != last {
                (last, since) = (now, Stopwatch::start());
            }
            since.elapsed() >= STILL
        })
        .await;
    }

    /// Takes a picture of an area that stands still into this file, a PNG.
    ///
    /// # Panics
    ///
    /// When it does not come to rest, or ImageMagick is missing.
    pub async fn picture(&self, area: Area, path: &Path) {
        self.still(area).await;
        let Area { x, y, width, height } = area;
        let mut command = self.command(tool("import", "install the package imagemagick"));
        command.args(["-window", "root", "-crop", &format!("{width}x{height}+{x}+{y}"), "+repage"]);
        // Without what changes from run to run though the picture does not.
        command.args(["-strip", "-define", "png:exclude-chunks=date,time"]);
        command.args(["-depth", "8", "-define", "png:compression-level=9"]);
        run(command.arg(path));
    }

    fn place(&self, window: Window) -> Option<Area> {
        let (x, root) = self.x();
        let geometry = x.get_geometry(window).expect("a request goes out").reply().ok()?;
        let corner = x.translate_coordinates(window, root, 0, 0).expect("a request goes out");
        let corner = corner.reply().ok()?;
        let (x, y) = (corner.dst_x.try_into().ok()?, corner.dst_y.try_into().ok()?);
        Some(Area { x, y, width: geometry.width, height: geometry.height })
    }

    fn pops_up(&self, window: Window) -> bool {
        let attributes = self.x().0.get_window_attributes(window).expect("a request goes out");
        let attributes = attributes.reply();
        attributes.is_ok_and(|it| it.override_redirect && it.map_state == MapState::VIEWABLE)
    }
}

fn at(pixel: u16) -> i16 {
    pixel.try_into().expect("a screen of less than 32768 pixels")
}
