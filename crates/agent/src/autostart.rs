//! Autostart: whether the app starts with the session (freedesktop Desktop Application Autostart
//! Specification).
//!
//! This module owns one entry in the account's own autostart folder. It changes nothing that the
//! system installed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The autostart entry of this account.
#[derive(Debug, Clone)]
pub struct Autostart {
    file: PathBuf,
}

impl Autostart {
    /// The entry's place; `None` on a system that works otherwise, or without a home folder.
    #[must_use]
    pub fn here() -> Option<Self> {
        let folder = if cfg!(target_os = "linux") { dirs::config_dir()? } else { return None };
        Some(Self::below(&folder))
    }

    fn below(config: &Path) -> Self {
        Self { file: config.join("autostart").join("app.porchlight.Porchlight.desktop") }
    }

    /// Whether the app starts with the session. The desktop's own settings may have switched the
    /// entry off.
    #[must_use]
    pub fn is_on(&self) -> bool {
        let off = |line: &str| {
            let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
            line == "Hidden=true" || line == "X-GNOME-Autostart-enabled=false"
        };
        fs::read_to_string(&self.file).is_ok_and(|text| !text.lines().any(off))
    }

    /// Makes `program` start with the session, or removes the entry.
    ///
    /// # Errors
    ///
    /// An [`io::Error`] that names the file, if it can't be written or removed.
    pub fn set(&self, program: &Path, on: bool) -> io::Result<()> {
        let done = if on {
            let folder = self.file.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder).and_then(|()| {
                porchlight_files::write_creating_folder(&self.file, entry(program).as_bytes())
            })
        } else {
            porchlight_files::remove(&self.file)
        };
        done.map_err(|error| {
            let file = self.file.display();
            let words =
                format!("{file} can't be changed ({error}); check the folder's permissions");
            io::Error::new(error.kind(), words)
        })
    }
}

fn entry(program: &Path) -> String {
    format!(
        "[Desktop Entry]\nType=Application\nName=Porchlight\nComment=Who of your team is around\n\
         Exec={}\nIcon=app.porchlight.Porchlight\nTerminal=false\n",
        exec(&program.to_string_lossy())
    )
}

/// A program for the key `Exec` (Desktop Entry Specification, *The Exec key*): quoted, then escaped
/// as any string.
fn exec(program: &str) -> String {
    let mut quoted = String::from("\"");
    for c in program.chars() {
        match c {
            // Escaped twice: for the quotes, and then each backslash for the string.
            '"' | '`' | '$' => quoted.push_str(&format!("\\\\{c}")),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autostart_is_on_between_switching_it_on_and_off() {
        let dir = tempfile::tempdir().unwrap();
        let autostart = Autostart::below(dir.path());
        let program = Path::new("/usr/bin/porchlight-desktop");
        assert!(!autostart.is_on());
        autostart.set(program, false).unwrap();
        autostart.set(program, true).unwrap();
        assert!(autostart.is_on());
        let text = fs::read_to_string(&autostart.file).unwrap();
        assert!(text.contains("\nExec=\"/usr/bin/porchlight-desktop\"\n"), "{text}");
        fs::write(&autostart.file, text + "Hidden = true\n").unwrap();
        assert!(!autostart.is_on(), "the desktop switched it off");
        autostart.set(program, false).unwrap();
        assert!(!autostart.file.exists());
    }

    #[test]
    fn a_program_s_name_is_one_word_whatever_is_in_it() {
        assert_eq!(exec("/opt/my apps/p"), "\"/opt/my apps/p\"");
        assert_eq!(exec("/a\"$`%\\b"), "\"/a\\\\\"\\\\$\\\\`%%\\\\\\\\b\"");
    }

    #[test]
    fn an_error_names_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Autostart::below(&file).set(Path::new("/p"), true).unwrap_err().to_string();
        assert!(error.contains("autostart") && error.contains("permissions"), "{error}");
    }
}
