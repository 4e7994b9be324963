//! Where the programs are that the tests start.

use std::path::{Path, PathBuf};

/// The path of a program that this workspace builds, beside the test that is running or in the
/// folder that `PORCHLIGHT_PROGRAMS` names.
///
/// # Panics
///
/// When it was not built yet. `cargo test -p porchlight-tests` builds only the tests.
#[must_use]
pub fn bin(name: &str) -> PathBuf {
    let named = std::env::var_os("PORCHLIGHT_PROGRAMS").map(PathBuf::from);
    let path = named.unwrap_or_else(profile_dir).join(name);
    assert!(
        path.is_file(),
        "there is no {}: build it first: cargo build --workspace{}",
        path.display(),
        if path.components().any(|part| part.as_os_str() == "release") { " --release" } else { "" },
    );
    path
}

/// A program from the system, from Cargo's own folder of installed programs, or from the cache
/// folder in which `scripts/install-tools.sh` puts the project's tools.
///
/// # Panics
///
/// When it is in none of them; the message says how to get it.
#[must_use]
pub fn tool(name: &str, how_to_get_it: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    let tools = cache.map(|cache| cache.join("porchlight/tools"));
    std::env::split_paths(&path)
        // Debian keeps daemons where an ordinary user's PATH does not look.
        .chain([PathBuf::from("/usr/sbin")])
        .chain([cargo, tools].into_iter().flatten().map(|dir| dir.join("bin")))
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no {name} found: {how_to_get_it}"))
}

/// `target/debug` or `target/release`: the test itself lies in its `deps`.
fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().expect("the running test has a path");
    let dir = test.parent().expect("a program lies in a folder");
    if dir.ends_with("deps") {
        dir.parent().expect("deps lies in the profile's folder")
    } else {
        dir
    }
    .to_owned()
}

/// The folder of this package in the source tree.
pub(crate) fn package_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where a test leaves what a person may want to look at: `tests/out/{name}`, which Git ignores.
///
/// # Panics
///
/// When the folder can't be made.
#[must_use]
pub fn artifact(name: &str) -> PathBuf {
    let dir = package_dir().join("out");
    std::fs::create_dir_all(&dir).expect("tests/out can be made");
    dir.join(name)
}
