//! What is asked of the disk, and what is left where it is full. The test program runs itself as a child: under
//! `strace`, which tells the system calls, and with a limit on the size of files, which fails as a full disk does.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};
use std::{env, fs};

const PATH: &str = "PORCHLIGHT_TEST_FILE";
const REMOVED: &str = "PORCHLIGHT_TEST_REMOVED";
const OLD: &[u8] = b"old";

/// What the child does, and nothing where it is no child.
#[test]
fn child() {
    if let Some(path) = env::var_os(REMOVED) {
        let path = Path::new(&path);
        porchlight_files::rename(path, "aside").unwrap();
        porchlight_files::remove(&path.with_file_name("aside")).unwrap();
    } else if let Some(path) = env::var_os(PATH) {
        let written = porchlight_files::write(Path::new(&path), &[b'x'; 4096]);
        println!("written: {written:?}");
    }
}

/// Runs the child by this wrapper, which gets the program and its arguments behind its own.
fn run_child(variable: &str, path: &Path, wrapper: &[&str]) -> Output {
    let program = env::current_exe().expect("a test program knows its file");
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(program).args(["child", "--exact", "--nocapture"]);
    command.env(variable, path).output().unwrap_or_else(|error| panic!("{}: {error}", wrapper[0]))
}

#[test]
fn a_full_disk_leaves_the_old_file_whole_and_no_draft() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, OLD).unwrap();
    // Half of what the child writes, in blocks of 512 bytes; it is told by an error instead of a signal.
    let limit = "trap '' XFSZ; ulimit -f 4; exec \"$@\"";
    let child = run_child(PATH, &path, &["sh", "-c", limit, "sh"]);
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("written: Err("), "{said}");
    assert_eq!(fs::read(&path).unwrap(), OLD);
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(left, [path]);
}

#[test]
fn the_file_is_on_the_disk_before_its_name_and_the_name_before_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, OLD).unwrap();
    let calls = "trace=openat,write,fsync,rename,renameat,renameat2";
    let child = run_child(PATH, &path, &["strace", "-f", "-y", "-s", "8", "-e", calls]);
    let told = String::from_utf8_lossy(&child.stderr);
    let folder = dir.path().to_str().unwrap();
    let calls: Vec<&str> = told.lines().filter(|line| line.contains(folder)).collect();
    let position = |what: &str, part: &str| {
        let found = calls.iter().position(|call| call.contains(what) && call.contains(part));
        found.unwrap_or_else(|| panic!("no {what} of {part} in {calls:#?}"))
    };
    let draft = format!("{folder}/.file.");
    let order = [
        position("O_EXCL", &draft),
        position("write(", &draft),
        position("fsync(", &draft),
        position("rename", &draft),
        position("fsync(", &format!("{folder}>")),
    ];
    assert!(order.is_sorted(), "{calls:#?}");
    let created = calls[order[0]];
    assert!(created.contains("O_CREAT") && created.contains("0600"), "{created}");
}

#[test]
fn a_name_is_gone_from_the_disk_before_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, OLD).unwrap();
    let calls = "trace=fsync,rename,renameat,renameat2,unlink,unlinkat";
    let child = run_child(REMOVED, &path, &["strace", "-f", "-y", "-e", calls]);
    let told = String::from_utf8_lossy(&child.stderr);
    let folder = dir.path().to_str().unwrap();
    let calls: Vec<&str> = told.lines().filter(|line| line.contains(folder)).collect();
    let is_of = |at: usize, what: &str| calls.get(at).is_some_and(|call| call.contains(what));
    assert_eq!(calls.len(), 4, "{calls:#?}");
    assert!(
        is_of(0, "rename") && is_of(1, "fsync(") && is_of(2, "unlink") && is_of(3, "fsync("),
        "{calls:#?}"
    );
}
