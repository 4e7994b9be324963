//! Private files that are replaced whole or not at all.
//!
//! Owns the one way in which Porchlight writes, renames and removes a file that must survive a crash, a power loss and
//! a full disk. A write is a temporary file in the same folder, synced, then renamed into place, then the folder synced. Readers see the old
//! content or the new content, never a part. Everything is for this account alone (mode 0600, folders 0700).
//!
//! Deliberately knows neither what is in the files nor where they are. It blocks on the disk.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Replaces the file at `path`, or creates it. Its folder has to exist.
///
/// # Errors
/// The system's reason. The old file is then still there, unless only the last step, syncing the folder, went wrong:
/// the new file is then in place, but a power loss may bring the old one back.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut draft = AtomicFile::create(path)?;
    draft.write_all(content)?;
    draft.commit().map(drop)
}

/// As [`write()`], but creates the folder first where it is missing.
///
/// # Errors
/// As [`write()`] and [`create_folder`].
pub fn write_creating_folder(path: &Path, content: &[u8]) -> io::Result<()> {
    create_folder(folder_of(path))?;
    write(path, content)
}

/// Removes the file at `path`. A file that does not exist is no error.
///
/// # Errors
/// The system's reason. The file is then still there, unless only the last step, syncing the folder, went wrong.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = fs::remove_file(path);
    durable_unless_missing(removed, path)
}

/// Renames the file at `path` to `new_name` in the same folder. It replaces a file of that name. A file that does not
/// exist is no error.
///
/// # Errors
/// As [`remove`].
pub fn rename(path: &Path, new_name: &str) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "this is the crate that syncs what it renames")]
    let renamed = fs::rename(path, path.with_file_name(new_name));
    durable_unless_missing(renamed, path)
}

fn durable_unless_missing(done: io::Result<()>, path: &Path) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.and_then(|()| sync_folder(folder_of(path))),
    }
}

/// Creates a folder, and those above it, that only this account can enter. Does not change one that exists.
///
/// # Errors
/// The system's reason.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing: Vec<_> = folder.ancestors().take_while(is_missing).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    // A folder that a power loss takes away takes its files along.
    missing.into_iter().try_for_each(|created| sync_folder(folder_of(created)))
}

/// The new content of a file while it is being written. Dropping it before [`AtomicFile::commit`] removes it.
#[derive(Debug)]
pub struct AtomicFile {
    // The library creates it with a random name, O_EXCL and mode 0600, and removes it on drop.
    file: NamedTempFile,
    path: PathBuf,
}

impl AtomicFile {
    /// Begins the new content of the file at `path`. Its folder has to exist.
    ///
    /// # Errors
    /// The system's reason.
    pub fn create(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        // The name says whose it is if a killed process leaves it behind.
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder_of(path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Waits until all that was written is on the disk.
    ///
    /// # Errors
    /// The system's reason.
    pub fn sync(&self) -> io::Result<()> {
        self.file.as_file().sync_all()
    }

    /// Puts it in the place of the old file and returns it, open for further writing.
    ///
    /// # Errors
    /// As [`write()`].
    pub fn commit(self) -> io::Result<File> {
        self.sync()?;
        let file = self.file.persist(&self.path).map_err(|error| error.error)?;
        sync_folder(folder_of(&self.path))?;
        Ok(file)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// The folder that a path without one is relative to is the current one.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

// A rename survives a power loss once its folder is synced.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        // Some file systems cannot sync a folder, and one that may be written may still not be opened for reading.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

// Windows cannot open a folder, and needs no such thing.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_stays_in_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep").join("down").join("file");
        assert!(write(&path, b"no folder").is_err());
        write_creating_folder(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(path.parent().unwrap()), ["file"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().unwrap()), 0o700);
            assert_eq!(mode(&dir.path().join("deep")), 0o700);
        }
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_no_draft() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, b"old").unwrap();
        let mut draft = AtomicFile::create(&path).unwrap();
        draft.write_all(b"half").unwrap();
        drop(draft);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["file"]);
        // A folder in the way cannot be replaced.
        let in_the_way = dir.path().join("folder");
        fs::create_dir(&in_the_way).unwrap();
        assert!(write(&in_the_way, b"new").is_err());
        let mut left = names(dir.path());
        left.sort();
        assert_eq!(left, ["file", "folder"]);
    }

    #[test]
    fn a_file_is_renamed_and_removed_and_a_missing_one_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        rename(&path, "aside").unwrap();
        remove(&path).unwrap();
        write(&path, b"content").unwrap();
        rename(&path, "aside").unwrap();
        assert_eq!(names(dir.path()), ["aside"]);
        remove(&dir.path().join("aside")).unwrap();
        assert!(names(dir.path()).is_empty());
        assert!(remove(dir.path()).is_err(), "a folder is no file");
    }

    #[test]
    fn a_draft_follows_no_link_that_somebody_put_in_its_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        // The names that earlier versions used, which could be guessed.
        for guessed in [format!(".file.{}", std::process::id()), "file.new".to_owned()] {
            fs::write(dir.path().join(&guessed), b"theirs").unwrap();
            write(&path, b"ours").unwrap();
            assert_eq!(fs::read(dir.path().join(&guessed)).unwrap(), b"theirs");
        }
    }

    #[test]
    fn two_that_write_at_once_leave_the_whole_file_of_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let content = |letter: u8| vec![letter; 100_000];
        std::thread::scope(|scope| {
            for letter in [b'a', b'b'] {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        write(path, &content(letter)).unwrap();
                    }
                });
            }
        });
        let left = fs::read(&path).unwrap();
        assert!(left == content(b'a') || left == content(b'b'));
        assert_eq!(names(dir.path()), ["file"]);
    }
}
