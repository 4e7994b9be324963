//! Lists the commands for Tauri, and converts the tray icons into the pixel format of D-Bus.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

const COMMANDS: &[&str] = &[
    "snapshot",
    "choose",
    "clear_chosen",
    "reconnect_now",
    "knock",
    "wave",
    "answer",
    "see",
    "withdraw",
    "type_to",
    "stop_typing",
    "tell_when_back",
    "mute",
    "favourite",
    "nickname",
    "notices_of",
    "hide_offline",
    "keep_presets",
    "pause_notices",
    "settings",
    "change_settings",
    "checks",
    "open_link",
    "diagnostics",
    "version",
    "look_for_newer",
    "take_newer",
    "look_around",
    "start_team",
    "take_link",
    "read_link",
    "join",
    "look_nearby",
    "ask_to_join",
    "stop_asking",
    "team",
    "invite",
    "revoke_invite",
    "decide",
    "remove_member",
    "forget_device",
    "leave_team",
    "move_here",
];
const STATES: [&str; 7] =
    ["online", "unknown", "away", "dnd", "invisible", "connecting", "offline"];
/// The sizes that panels ask for, and twice those.
const SIZES: [u32; 7] = [16, 22, 24, 32, 44, 48, 64];

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))
        .expect("tauri.conf.json and capabilities/ are sound");
    tray_icons();
}

/// Writes `tray_icons.rs`: for each state, its pixels in each size as ARGB32 in network byte order
/// (freedesktop StatusNotifierItem, *IconPixmap*).
fn tray_icons() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let folder = Path::new("../icons/tray");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut code = String::new();
    for state in STATES {
        let name = state.to_uppercase();
        writeln!(code, "static {name}: [(i32, &[u8]); {}] = [", SIZES.len())
            .expect("a String takes all");
        for size in SIZES {
            let file = format!("{state}-{size}");
            fs::write(out.join(&file), argb(&folder.join(format!("{file}.png")), size))
                .expect("OUT_DIR can be written");
            writeln!(
                code,
                "    ({size}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\"))),"
            )
            .expect("a String takes all");
        }
        code.push_str("];\n");
    }
    fs::write(out.join("tray_icons.rs"), code).expect("OUT_DIR can be written");
}

fn argb(path: &Path, size: u32) -> Vec<u8> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut decoder = png::Decoder::new(BufReader::new(file));
    decoder.set_transformations(
        png::Transformations::normalize_to_color8() | png::Transformations::ALPHA,
    );
    let mut reader =
        decoder.read_info().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut pixels = vec![0; reader.output_buffer_size().expect("an icon is small")];
    let frame = reader
        .next_frame(&mut pixels)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        frame.width == size && frame.height == size && frame.color_type == png::ColorType::Rgba,
        "{} is {size} pixels wide and high, with alpha",
        path.display()
    );
    pixels.truncate(frame.buffer_size());
    for pixel in pixels.chunks_exact_mut(4) {
        pixel.rotate_right(1);
    }
    pixels
}
