//! The link that makes somebody the owner of the team: where it is shown.
//!
//! Owns the rule that the link reaches a person and no log. A terminal shows it; any other output may be a journal that
//! others read and that keeps it for years, so there it goes into a file that only this account can read. The file
//! disappears once the link is worth nothing.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use porchlight_core::team::Invitation;
use porchlight_hub::Hub;

use crate::output;

/// The file's name, in the hub's store.
pub(super) const FILE: &str = "owner-invitation";

/// How often to look whether the link was used. Only while there is a file.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A link in a file. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct OwnerLink {
    path: PathBuf,
    invitation: Invitation,
}

impl OwnerLink {
    /// Prints the link on a terminal; anywhere else writes it into the file at `path` and prints its name.
    pub(super) fn show(invitation: Invitation, path: PathBuf) -> Option<Self> {
        let team = &invitation.team;
        if std::io::stdout().is_terminal() {
            output::print(&format!(
                "The first person to open this link becomes the owner of \"{team}\" and can invite the others. It works for 7 days. \
                 For another link, start the hub with --invite."
            ));
            output::print(&invitation.to_string());
            return None;
        }
        let file = path.display();
        let content = format!("{invitation}\n");
        match porchlight_files::write_creating_folder(&path, content.as_bytes()) {
            Ok(()) => {
                output::print(&format!(
                    "The first person to open the link in {file} becomes the owner of \"{team}\" and can invite the others. It works \
                     for 7 days; the file disappears once it is used. For another link, start the hub with --invite."
                ));
                Some(Self { path, invitation })
            }
            Err(error) => {
                tracing::debug!("{file}: {error}");
                output::warn(&format!(
                    "the link that makes somebody the owner of the team can't be written to {file}; make room or make the \
                     folder writable and start the hub with --invite, or start it in a terminal, which shows the link"
                ));
                None
            }
        }
    }

    /// Waits until it is time to look whether the link was used; forever where there is none. Cancel-safe.
    pub(super) async fn is_due(link: Option<&Self>) {
        match link {
            Some(_) => tokio::time::sleep(LOOK_AGAIN).await,
            None => std::future::pending().await,
        }
    }

    /// Whether the link still lets somebody in.
    pub(super) fn is_good(&self, hub: &Hub) -> bool {
        hub.can_be_redeemed(&self.invitation)
    }
}

impl Drop for OwnerLink {
    /// Also when the hub stops: its next start makes another link.
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Removes the file, if it is there.
pub(super) fn remove(path: &Path) {
    if let Err(error) = porchlight_files::remove(path) {
        tracing::debug!("{}: {error}", path.display());
        output::warn(&format!("the old invitation {} can't be removed; remove it", path.display()));
    }
}
