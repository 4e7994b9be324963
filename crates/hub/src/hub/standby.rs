//! The backup computer in the place of the host, and the host that hands over to it.

use super::team_hub::Beginning;
use super::{Access, Hub, HubSettings, Store, TeamSettings};
use crate::accounts::AccountsFile;
use crate::custody::Custody;
use crate::standby::{RetainedCopy, StandbyError, StandbyFolder};
use crate::team::Place;
use crate::{HubError, Listen, clock};
use porchlight_core::id::Root;
use porchlight_core::team::{StandsIn, WhyAway};
use porchlight_core::web_origin::WebOrigin;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// How a backup serves in the place of the host.
#[derive(Debug, Clone)]
pub struct StandbySettings {
    /// What the host sent.
    pub folder: StandbyFolder,
    /// The listening address for the team: the one that the host reached when this computer agreed.
    pub listen: Listen,
    /// The origins whose web pages have access.
    pub origins: Vec<WebOrigin>,
    /// Why the host is away, and since when.
    pub stands_in: StandsIn,
    /// The retained messages of the host.
    pub retained: RetainedCopy,
}

impl Hub {
    /// Serves the team in the place of its host, from memory. It admits and removes nobody.
    ///
    /// A device whose record the host had, and which does not come within some seconds, is shown as lost.
    ///
    /// # Errors
    ///
    /// [`HubError::Standby`] if there is nothing to serve with, or if the delegation has ended;
    /// [`HubError::PortTaken`] and [`HubError::CannotListen`] if it can't listen.
    pub async fn stand_in(settings: StandbySettings) -> Result<Self, HubError> {
        let StandbySettings { folder, listen, origins, stands_in, retained } = settings;
        let opened = tokio::task::spawn_blocking(move || {
            let verified = folder.open(clock::now().wall)?.ok_or(StandbyError::NothingYet)?;
            Ok::<_, StandbyError>((verified, folder.certificate()?))
        });
        let (verified, certificate) = opened.await.map_err(super::broker_error)??;
        let place = Place { host: verified.summary.host.clone(), at: verified.summary.at.clone() };
        let sheet: AccountsFile = verified.into_sheet();
        let wanted = TeamSettings {
            name: sheet.accounts.name.clone(),
            root: Root::default(),
            host: None,
            listen,
            at: Vec::new(),
            public: None,
            announce: false,
            origins,
        };
        let settings = HubSettings {
            listen: Listen::Exactly(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            store: Store::Memory,
            runtime_file: None,
            access: Access::Team(Box::new(wanted.clone())),
        };
        let beginning = Beginning {
            folder: None,
            disk: None,
            kept: retained.messages().cloned().collect(),
            sheet,
            certificate,
            custody: Arc::new(Custody::standing_in(stands_in)),
            place: Some(place),
            public_certificate: None,
        };
        Box::pin(Self::serve_team(beginning, settings, wanted, Vec::new())).await
    }

    /// What changed since this backup serves, for the host (`POST /v1/backup/back`), as JSON.
    pub async fn changes_for_host(&self) -> String {
        let Some(hosting) = &self.hosting else { return "[]".to_owned() };
        let changed = hosting.team.changed_since_arrival(clock::now().wall).await;
        serde_json::to_string(&changed).unwrap_or_else(|_| "[]".to_owned())
    }

    /// Ends a backup's hub because the host is back. Members are closed and publish no Will: nobody is seen to leave.
    ///
    /// # Errors
    ///
    /// As [`Hub::stop`].
    pub async fn stand_down(self) -> Result<(), HubError> {
        if let Some(hosting) = &self.hosting {
            hosting.team.custody().close();
            hosting.team.connections().close_members(|_| true);
        }
        self.stop().await
    }

    /// Sends the team to its backup, because this computer sleeps or Porchlight ends here. Returns whether it did: without
    /// a backup that follows, nothing changes. It takes 2 s at most, also if the backup does not answer.
    ///
    /// Call [`Hub::take_back`] after the sleep. If neither sleep nor end comes, this hub serves again by itself.
    pub async fn hand_over(&self, why: WhyAway) -> bool {
        match &self.hosting {
            Some(hosting) => hosting.team.hand_over(why).await,
            None => false,
        }
    }

    /// Serves again after [`Hub::hand_over`]. Returns whether it had handed over.
    pub fn take_back(&self) -> bool {
        self.hosting.as_ref().is_some_and(|hosting| hosting.team.end_hand_over())
    }

    /// Whether the backup follows now, so that this hub could hand over.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.hosting.as_ref().is_some_and(|hosting| hosting.team.is_followed())
    }

    /// Whether this hub serves in the place of the host.
    #[must_use]
    pub fn is_standing_in(&self) -> bool {
        let stands_in = |hosting: &super::Hosting| hosting.team.custody().stands_in();
        self.hosting.as_ref().and_then(stands_in).is_some()
    }
}
