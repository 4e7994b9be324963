//! The pictures of the documentation: the real app, photographed on desktops of its own.
//!
//! Run it as `make screenshots`, which builds what it needs. The pictures go to `docs/pictures`; `PORCHLIGHT_PICTURES` names
//! another folder. Words behind the program's name select: `window-light`, `tray`.

use std::path::{Path, PathBuf};

mod panel;
mod people;
mod scenes;
mod stage;

/// All pictures, by the names of their files.
const PICTURES: [&str; 10] = [
    "window-light",
    "window-dark",
    "window-empty",
    "window-crowd",
    "window-stale",
    "first-start",
    "settings",
    "knock",
    "tray",
    "notice",
];

#[tokio::main]
async fn main() {
    let selected: Vec<_> = std::env::args().skip(1).collect();
    if let Some(unknown) = selected.iter().find(|name| !PICTURES.contains(&name.as_str())) {
        eprintln!("screenshots: no picture is called {unknown} ({})", PICTURES.join(", "));
        std::process::exit(2);
    }
    let folder = folder();
    std::fs::create_dir_all(&folder).expect("the pictures' folder can be made");
    let folder = folder.canonicalize().expect("a folder that was made");
    for name in PICTURES {
        if selected.is_empty() || selected.iter().any(|selected| selected == name) {
            let file = folder.join(format!("{name}.png"));
            take(name, &file).await;
            println!("{}", file.display());
        }
    }
}

async fn take(name: &str, file: &Path) {
    match name {
        "window-light" => scenes::team(stage::Scheme::Light, file).await,
        "window-dark" => scenes::team(stage::Scheme::Dark, file).await,
        "window-empty" => scenes::nobody(file).await,
        "window-crowd" => scenes::crowd(file).await,
        "window-stale" => scenes::broker_gone(file).await,
        "first-start" => scenes::first_start(file).await,
        "settings" => scenes::settings(file).await,
        "knock" => scenes::knock(file).await,
        "tray" => scenes::tray(file).await,
        "notice" => scenes::notification(file).await,
        _ => unreachable!("a name of the list"),
    }
}

fn folder() -> PathBuf {
    let named = std::env::var_os("PORCHLIGHT_PICTURES").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures"))
}
