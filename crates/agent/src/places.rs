//! The folders for the app's files: the XDG folders, or one folder if the person names it.

use std::path::{Path, PathBuf};

/// The app's folders (XDG Base Directory Specification; the native folders on other systems).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// For what the person wrote: `config.toml`.
    pub config: PathBuf,
    /// For what the app keeps between runs: ids, the hub's store.
    pub state: PathBuf,
    /// For what lasts only while a user is logged in: the hub's address.
    pub runtime: PathBuf,
}

/// This account has no home folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this account has no home folder for the config; name a folder with --config-dir")]
pub struct NoHomeError;

/// Checks that files can be written to a folder, and creates it if necessary.
///
/// # Errors
///
/// The system's [`std::io::Error`], if the folder or a file in it can't be created.
pub fn writable(folder: &Path) -> std::io::Result<()> {
    porchlight_files::create_folder(folder)?;
    porchlight_files::AtomicFile::create(&folder.join("probe")).map(drop)
}

impl Dirs {
    /// The folders of this account, or below `config_dir` if it is given.
    ///
    /// # Errors
    ///
    /// [`NoHomeError`] if `config_dir` is `None` and the account has no home folder.
    pub fn find(config_dir: Option<&Path>) -> Result<Self, NoHomeError> {
        if let Some(dir) = config_dir {
            let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
            return Ok(Self { state: dir.join("state"), runtime: dir.join("run"), config: dir });
        }
        let config = dirs::config_dir().ok_or(NoHomeError)?.join("porchlight");
        let state = dirs::state_dir().or_else(dirs::data_local_dir).ok_or(NoHomeError)?;
        let state = state.join("porchlight");
        let runtime =
            dirs::runtime_dir().map_or_else(|| state.join("run"), |dir| dir.join("porchlight"));
        Ok(Self { config, state, runtime })
    }

    /// The config file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The file of the person's preferences.
    #[must_use]
    pub fn preferences_file(&self) -> PathBuf {
        self.config.join("preferences.toml")
    }

    /// The icon theme for panels.
    #[must_use]
    pub fn icon_theme(&self) -> PathBuf {
        self.runtime.join("icons")
    }

    /// The file in which a hub on this machine publishes its address.
    #[must_use]
    pub fn hub_file(&self) -> PathBuf {
        self.runtime.join("hub.json")
    }

    /// The folder in which an open hub on this machine keeps its retained messages.
    #[must_use]
    pub fn hub_store(&self) -> PathBuf {
        self.state.join("hub")
    }

    /// The folder of a hub that hosts a team on this machine. It is a subfolder of the open hub's,
    /// so that neither hub reads the files of the other.
    #[must_use]
    pub fn team_store(&self) -> PathBuf {
        self.hub_store().join("team")
    }
}
