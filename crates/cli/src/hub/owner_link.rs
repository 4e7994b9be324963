//! The link that makes a person the owner of the team, and where it is shown.
//!
//! Owns the rule that no log contains the link. A terminal shows it. Any other output may be a journal that others can
//! read for years, so the link goes to a file that only this account can read. The file is removed once the link no
//! longer works.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use porchlight_core::team::Invitation;
use porchlight_hub::Hub;

use crate::output;

/// The file's name, in the hub's store.
pub(super) const FILE: &str = "owner-invitation";

/// How often to check whether the link was used, while there is a file.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A link in a file. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct OwnerLink {
    path: PathBuf,
    invitation: Invitation,
}

impl OwnerLink {
    /// Prints the link on a terminal; otherwise writes it to the file at `path` and prints the name of the file.
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
                    "the link for the owner of the team can't be written to {file}. Free some space or make the folder writable \
                     and start the hub with --invite; or start it in a terminal, which shows the link"
                ));
                None
            }
        }
    }

    /// Waits until it is time to check whether the link was used; forever without a link. Cancel-safe.
    pub(super) async fn is_due(link: Option<&Self>) {
        match link {
            Some(_) => tokio::time::sleep(LOOK_AGAIN).await,
            None => std::future::pending().await,
        }
    }

    /// Whether the link still works.
    pub(super) fn is_good(&self, hub: &Hub) -> bool {
        hub.can_be_redeemed(&self.invitation)
    }
}

impl Drop for OwnerLink {
    /// This includes the stop of the hub, because its next start makes a new link.
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Removes the file, if it is there.
pub(super) fn remove(path: &Path) {
    if let Err(error) = porchlight_files::remove(path) {
        tracing::debug!("{}: {error}", path.display());
        output::warn(&format!(
            "the old invitation {} can't be removed; remove it by hand",
            path.display()
        ));
    }
}
