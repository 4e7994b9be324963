//! Encodes a text as a QR code (ISO/IEC 18004), for a camera that looks at a screen.
//!
//! This module only computes the code. The window and the terminal each draw it in their own way.

use qrcode::{Color, EcLevel, QrCode};

/// The width of the light margin around a code, in modules (ISO/IEC 18004, section 5.3.8).
pub const QUIET_ZONE: usize = 4;

/// A QR code: a square of dark and light modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qr {
    width: usize,
    dark: Vec<bool>,
}

/// The text is too long for any QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this link is too long for a QR code; copy it instead")]
pub struct QrError;

impl Qr {
    /// The smallest code for a text. A screen is not scratched or smudged, so the code has the
    /// least redundancy and the largest modules.
    ///
    /// # Errors
    ///
    /// [`QrError`] if the text has more than 2,953 bytes.
    pub fn of(text: &str) -> Result<Self, QrError> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| QrError)?;
        let width = code.width();
        let dark = code.into_colors().into_iter().map(|color| color == Color::Dark).collect();
        Ok(Self { width, dark })
    }

    /// One text per row, `1` for a dark module and `0` for a light one, without the quiet zone.
    #[must_use]
    pub fn rows(&self) -> Vec<String> {
        self.dark
            .chunks(self.width)
            .map(|row| row.iter().map(|dark| if *dark { '1' } else { '0' }).collect())
            .collect()
    }

    /// The code with its quiet zone as lines of text, two rows per line. It writes the light
    /// modules, because most terminals write light on dark. Cameras read the opposite, too.
    #[must_use]
    pub fn half_blocks(&self) -> String {
        let side = self.width + 2 * QUIET_ZONE;
        let light = |x: usize, y: usize| {
            let inside = |at: usize| at.checked_sub(QUIET_ZONE).filter(|at| *at < self.width);
            y < side
                && match (inside(x), inside(y)) {
                    (Some(x), Some(y)) => !self.dark[y * self.width + x],
                    _ => true,
                }
        };
        let mut text = String::new();
        for y in (0..side).step_by(2) {
            text.extend((0..side).map(|x| match (light(x, y), light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            }));
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "porchlight://join?v=1&team=Anna%27s+team&at=192.168.1.5%3A18831&at=%5Bfd00%3A%3A5%5D%3A18831\
        &pin=p6enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6c&token=k3V9xQ2aB7.sssssssssssssssssssssssssss";

    /// Reads an image of light and dark as a camera's program does, with three pixels per module.
    fn read(side: usize, dark: impl Fn(usize, usize) -> bool) -> String {
        const SCALE: usize = 3;
        let mut picture =
            rqrr::PreparedImage::prepare_from_bitmap(side * SCALE, side * SCALE, |x, y| {
                dark(x / SCALE, y / SCALE)
            });
        let found = picture.detect_grids();
        assert_eq!(found.len(), 1, "one code is seen");
        found[0].decode().expect("a code that can be read").1
    }

    #[test]
    fn a_link_is_read_from_the_windows_rows() {
        let rows = Qr::of(LINK).unwrap().rows();
        let side = rows.len();
        assert!(rows.iter().all(|row| row.len() == side));
        let dark = |x: usize, y: usize| {
            let row = y.checked_sub(QUIET_ZONE).and_then(|y| rows.get(y));
            let column = x.checked_sub(QUIET_ZONE);
            row.zip(column).and_then(|(row, x)| row.as_bytes().get(x)) == Some(&b'1')
        };
        assert_eq!(read(side + 2 * QUIET_ZONE, dark), LINK);
    }

    #[test]
    fn a_link_is_read_from_the_terminals_lines() {
        let text = Qr::of(LINK).unwrap().half_blocks();
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        let side = lines[0].len();
        assert!(lines.iter().all(|line| line.len() == side));
        let dark = |x: usize, y: usize| {
            let lit = if y.is_multiple_of(2) { ['█', '▀'] } else { ['█', '▄'] };
            !lit.contains(&lines[y / 2][x])
        };
        assert_eq!(read(side, dark), LINK);
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        assert!(Qr::of(&"a".repeat(2_953)).is_ok());
        assert_eq!(Qr::of(&"a".repeat(2_954)), Err(QrError));
    }
}
