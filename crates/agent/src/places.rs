//! Where files are: the XDG places, or one folder when told so.

use std::path::{Path, PathBuf};

/// The folders of this app (XDG Base Directory Specification; the system's own places elsewhere).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// What the person wrote: `config.toml`.
    pub config: PathBuf,
    /// What the app keeps between runs: ids, the hub's store.
    pub state: PathBuf,
    /// What holds only while somebody is logged in: the hub's address.
    pub runtime: PathBuf,
}

/// This account has no home folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this account has no home folder for the config; name a folder with --config-dir")]
pub struct NoHomeError;

/// Whether files can be kept in that folder, which is made where it is not there.
///
/// # Errors
/// The system's reason why not.
pub fn writable(folder: &Path) -> std::io::Result<()> {
    porchlight_files::create_folder(folder)?;
    porchlight_files::AtomicFile::create(&folder.join("probe")).map(drop)
}

impl Dirs {
    /// The places of this account; everything below `config_dir` where one is named.
    ///
    /// # Errors
    /// [`NoHomeError`] where no folder is named and the account has no home.
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

    /// What the person wants of this app for themselves.
    #[must_use]
    pub fn preferences_file(&self) -> PathBuf {
        self.config.join("preferences.toml")
    }

    /// The icon theme that panels are pointed to.
    #[must_use]
    pub fn icon_theme(&self) -> PathBuf {
        self.runtime.join("icons")
    }

    /// Where a hub on this machine says which address it has.
    #[must_use]
    pub fn hub_file(&self) -> PathBuf {
        self.runtime.join("hub.json")
    }

    /// Where an open hub on this machine keeps its retained messages.
    #[must_use]
    pub fn hub_store(&self) -> PathBuf {
        self.state.join("hub")
    }

    /// Where the hub of a team on this machine keeps all that is the team's: below that of open hubs, so that neither
    /// ever reads what the other keeps.
    #[must_use]
    pub fn team_store(&self) -> PathBuf {
        self.hub_store().join("team")
    }
}
