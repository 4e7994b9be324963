//! The team as its hub reports it, for the window.
//!
//! This module sends the requests of each page. It stores nothing: each answer is the hub's, at
//! that moment.

use porchlight_agent::membership::Membership;
use porchlight_agent::qr::Qr;
use porchlight_agent::team::{Team, TeamError};
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::team::{Host, InviteOrder};
use porchlight_core::view::Problem;
use porchlight_core::view::team::{InviteShown, TeamHost, TeamPane, tell_members_apart};

/// The membership with which to ask the hub.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) membership: Membership,
    /// This device, if the app runs a hub of the team.
    pub(crate) hosting: Option<DeviceId>,
}

/// A hub's refusal as a problem for the window.
pub(crate) fn refused(error: &TeamError) -> Problem {
    Problem { code: error.code().to_owned(), message: error.to_string() }
}

impl Standing {
    async fn team(&self) -> Result<Team, Problem> {
        Team::of(&self.membership).await.map_err(|error| refused(&error))
    }

    pub(crate) async fn pane(self) -> Result<TeamPane, Problem> {
        let team = self.team().await?;
        let asked = tokio::try_join!(
            team.view(),
            team.members(),
            team.invites(),
            team.requests(),
            team.tokens()
        );
        let (view, mut members, invites, requests, programs) =
            asked.map_err(|error| refused(&error))?;
        tell_members_apart(&mut members);
        // A hub that the team has moved away from runs until the app restarts, to redirect devices
        // that come later.
        let host = view.host.as_ref().and_then(|host| host.device.as_ref());
        let hosting = self.hosting.is_some_and(|own| host.is_none_or(|host| *host == own));
        Ok(TeamPane {
            team: view.team,
            role: view.role,
            hosting,
            me: view.user.to_string(),
            host: view.host.map(shown),
            members,
            invites,
            requests,
            programs,
        })
    }

    pub(crate) async fn invite(self, order: InviteOrder) -> Result<InviteShown, Problem> {
        let made = self.team().await?.invite(&order).await.map_err(|error| refused(&error))?;
        Ok(InviteShown {
            // Without a QR code the link can still be copied.
            qr: Qr::of(&made.link).map(|code| code.rows()).unwrap_or_default(),
            id: made.invite.id,
            link: made.link,
            for_me: made.invite.for_user.is_some(),
            uses: made.invite.uses_left,
            ends: made.invite.ends,
        })
    }

    pub(crate) async fn revoke_invite(self, id: &str) -> Result<(), Problem> {
        self.team().await?.uninvite(id).await.map_err(|error| refused(&error))
    }

    pub(crate) async fn decide(self, id: &str, approve: bool) -> Result<(), Problem> {
        self.team().await?.decide(id, approve).await.map_err(|error| refused(&error))
    }

    pub(crate) async fn remove(self, user: &str, with_invited: bool) -> Result<(), Problem> {
        let user = UserId::parse(user).map_err(|error| Problem {
            code: "not_found".to_owned(),
            message: error.to_string(),
        })?;
        self.team().await?.remove(&user, with_invited).await.map_err(|error| refused(&error))
    }

    pub(crate) fn is_this_device(&self, id: &str) -> bool {
        self.membership.credential_id() == id
    }

    pub(crate) async fn forget(self, id: &str) -> Result<(), Problem> {
        self.team().await?.revoke(id).await.map_err(|error| refused(&error))
    }
}

fn shown(host: Host) -> TeamHost {
    TeamHost { name: host.name, user: host.user.map(|user| user.to_string()) }
}
