//! Requests to a team's hub over HTTP: join, list members, invite, leave.
//!
//! This module contains the requests, and explains refusals in our own words. It stores nothing,
//! which [`crate::membership`] does. The bodies are defined in `porchlight_core::team`.

use std::sync::Arc;

use porchlight_core::id::UserId;
use porchlight_core::input::ConnectionFailure;
use porchlight_core::team::{
    Address, Decision, Invitation, InviteMade, InviteOrder, InviteView, Join, Joined, Member,
    MemberName, Pin, RefusalCode, Request, RequestMade, RequestState, RequestView, Secret,
    TeamView, TokenMade, TokenOrder, TokenView,
};
use porchlight_team::NewRequest;
use rustls::ClientConfig;

use crate::broker::{Tls, Trust};
use crate::membership::{Membership, StoredSecretError};
use crate::proxy::Proxy;
use crate::tls::{self, TlsError};

mod http;
mod refusal;
#[cfg(test)]
mod tests;

use http::{Answer, HubRequest, Method};
pub(crate) use refusal::not_a_member;
pub use refusal::sentence;

const JOIN: &str = "/v1/join";
const REQUESTS: &str = "/v1/requests";
const TEAM: &str = "/v1/team";

/// Why a request to a hub failed. Programs branch on [`TeamError::code`].
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    /// The hub can't be reached.
    #[error(transparent)]
    Link(#[from] ConnectionFailure),
    /// The hub got the request, or part of it, and did not answer. It may have done it.
    #[error("the hub did not answer ({0}); it is not known whether it has done it")]
    NoAnswer(ConnectionFailure),
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// The hub refused.
    #[error("{message}")]
    Refused {
        /// What the hub refuses.
        refusal: RefusalCode,
        /// The code that programs branch on.
        code: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// The team moved. If the hub named a new address, the team was not there either.
    #[error(
        "this team moved to another computer; open Porchlight again, or ask its owner for a new link"
    )]
    Moved {
        /// The new addresses.
        at: Vec<Address>,
    },
    /// What answers is not a hub, or a much newer one.
    #[error(
        "{address} does not answer as the hub of a team ({what}); update Porchlight, or ask for a new link"
    )]
    NoHub {
        /// Host and port.
        address: String,
        /// What it answered.
        what: String,
    },
    /// The device's credential can't be read.
    #[error(transparent)]
    Credential(#[from] StoredSecretError),
}

/// TLS can't be set up.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TlsSetupError(TlsError);

impl TeamError {
    /// The code that programs branch on.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Link(failure) | Self::NoAnswer(failure) => failure.code(),
            Self::Tls(_) => "tls",
            Self::Refused { code, .. } => code,
            Self::Moved { .. } => "moved",
            Self::NoHub { .. } => "no_hub",
            Self::Credential(error) => error.code(),
        }
    }
}

/// Redeems an invitation through `proxy`. From then on `credential` lets this device in. To the
/// same credential the hub answers the same again.
///
/// # Errors
///
/// * [`TeamError::Link`] if the hub can't be reached or has another certificate than the
///   invitation;
/// * [`TeamError::NoAnswer`] if it may have redeemed the invitation or not;
/// * [`TeamError::Refused`], [`TeamError::Moved`] or [`TeamError::NoHub`], depending on the answer;
/// * [`TeamError::Tls`] if TLS can't be set up.
pub async fn join(
    invitation: &Invitation,
    name: &str,
    kind: Option<&str>,
    credential: &Secret,
    proxy: &Proxy,
) -> Result<Joined, TeamError> {
    let hub = HubEndpoint::pinned(invitation.at.clone(), invitation.pin, proxy)?;
    let join = Join {
        token: invitation.token.clone(),
        name: name.to_owned(),
        kind: kind.map(str::to_owned),
        credential: Some(credential.clone()),
    };
    Ok(hub.send(HubRequest::post(JOIN, &join)).await?.body)
}

/// Takes back what [`join`] did, also if that is not known.
///
/// # Errors
///
/// As with [`join`].
pub async fn undo_join(
    invitation: &Invitation,
    credential: &Secret,
    proxy: &Proxy,
) -> Result<(), TeamError> {
    let hub = HubEndpoint::pinned(invitation.at.clone(), invitation.pin, proxy)?;
    hub.send_only(HubRequest::new(Method::DELETE, JOIN).basic(credential)).await
}

/// A request to join that a member has to approve.
#[derive(Debug)]
pub struct JoinRequest {
    hub: HubEndpoint,
    ticket: Secret,
}

impl JoinRequest {
    /// The request, whether or not a hub has it. Once it has been sent, only the certificate is
    /// trusted that the hub had then, because a later answer lets this device in.
    ///
    /// # Errors
    ///
    /// [`TeamError::Tls`] if TLS can't be set up.
    pub fn new(request: &NewRequest) -> Result<Self, TeamError> {
        // It was found on the local network, where no proxy is in between.
        let (at, direct) = (request.at.clone(), Proxy::default());
        let hub = match &request.asked {
            Some(asked) => HubEndpoint::pinned(at, asked.pin, &direct)?,
            None => {
                let tls = tls::prefix_config(request.prefix).map_err(TlsSetupError)?;
                HubEndpoint { at, proxy: direct, tls: Some(tls) }
            }
        };
        Ok(Self { hub, ticket: request.ticket.clone() })
    }

    /// Asks to join. Once a member approves, `credential` lets this device in. Returns the hub's
    /// certificate, and the digits that both sides show.
    ///
    /// # Errors
    ///
    /// As with [`join`].
    pub async fn send(
        &self,
        name: &str,
        kind: Option<&str>,
        credential: &Secret,
    ) -> Result<(Pin, String), TeamError> {
        let request = Request {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            ticket: Some(self.ticket.clone()),
            credential: Some(credential.clone()),
        };
        let Answer { body: RequestMade { code, .. }, certificate } =
            self.hub.send(HubRequest::post(REQUESTS, &request)).await?;
        let no_certificate = || {
            let what = "it has no certificate".to_owned();
            TeamError::NoHub { address: self.hub.first(), what }
        };
        Ok((certificate.ok_or_else(no_certificate)?, code))
    }

    /// Asks the hub for the state of the request. Call it every few seconds.
    ///
    /// # Errors
    ///
    /// * [`TeamError::Link`] or [`TeamError::NoAnswer`] if the hub does not answer;
    /// * [`TeamError::Refused`] if the hub does not know the request any more, because it has
    ///   expired;
    /// * [`TeamError::Moved`] or [`TeamError::NoHub`], depending on the answer.
    pub async fn state(&self) -> Result<RequestState, TeamError> {
        let request = HubRequest::new(Method::GET, &self.path()).bearer(&self.ticket);
        Ok(self.hub.send(request).await?.body)
    }

    /// The team, if the credential lets this device in.
    ///
    /// # Errors
    ///
    /// As with [`JoinRequest::state`]; [`TeamError::Refused`] if it does not.
    pub async fn view(&self, credential: &Secret) -> Result<TeamView, TeamError> {
        let request = HubRequest::new(Method::GET, TEAM).basic(credential);
        Ok(self.hub.send(request).await?.body)
    }

    /// Withdraws the request, and takes back what a member may have approved meanwhile.
    ///
    /// # Errors
    ///
    /// As with [`JoinRequest::state`].
    pub async fn withdraw(&self, credential: &Secret) -> Result<(), TeamError> {
        let request = HubRequest::new(Method::DELETE, &self.path()).bearer(&self.ticket);
        self.hub.send_only(request).await?;
        self.hub.send_only(HubRequest::new(Method::DELETE, JOIN).basic(credential)).await
    }

    fn path(&self) -> String {
        format!("{REQUESTS}/{}", self.ticket.id())
    }
}

/// A hub's HTTP interface, with the credential of a member. Each request opens its own connection.
#[derive(Debug)]
pub struct Team {
    hub: HubEndpoint,
    credential: Secret,
    user: UserId,
}

impl Team {
    /// The hub of the team that this account belongs to.
    ///
    /// # Errors
    ///
    /// * [`TeamError::Credential`] if the device's credential can't be read;
    /// * [`TeamError::Tls`] if TLS can't be set up.
    pub async fn of(membership: &Membership) -> Result<Self, TeamError> {
        Self::at(membership, &[]).await
    }

    /// The same, looked for at these addresses first.
    ///
    /// # Errors
    ///
    /// As with [`Team::of`].
    pub async fn at(membership: &Membership, first: &[Address]) -> Result<Self, TeamError> {
        let others = membership.at().iter().filter(|at| !first.contains(at));
        let at = first.iter().chain(others).cloned().collect();
        Ok(Self {
            hub: HubEndpoint::pinned(at, membership.pin(), &membership.proxy)?,
            credential: membership.credential().await?,
            user: membership.user().clone(),
        })
    }

    async fn send<A: serde::de::DeserializeOwned>(
        &self,
        request: HubRequest,
    ) -> Result<A, TeamError> {
        Ok(self.hub.send(request.basic(&self.credential)).await?.body)
    }

    async fn delete(&self, path: &str) -> Result<(), TeamError> {
        self.hub.send_only(HubRequest::new(Method::DELETE, path).basic(&self.credential)).await
    }

    /// The team, as this member sees it.
    ///
    /// # Errors
    ///
    /// This and the following requests return [`TeamError::Link`], [`TeamError::Refused`],
    /// [`TeamError::Moved`] or [`TeamError::NoHub`].
    pub async fn view(&self) -> Result<TeamView, TeamError> {
        self.send(HubRequest::new(Method::GET, TEAM)).await
    }

    /// All members of the team.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn members(&self) -> Result<Vec<Member>, TeamError> {
        self.send(HubRequest::new(Method::GET, "/v1/members")).await
    }

    /// Removes a member, which only an owner may do. `with_invited` also removes everybody who
    /// joined through that member.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn remove(&self, user: &UserId, with_invited: bool) -> Result<(), TeamError> {
        let query = if with_invited { "?with_invited=true" } else { "" };
        self.delete(&format!("/v1/members/{}{query}", http::path_segment(user.as_str()))).await
    }

    /// The people who joined through a member.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn invited(&self, user: &UserId) -> Result<Vec<MemberName>, TeamError> {
        let path = format!("/v1/members/{}/invited", http::path_segment(user.as_str()));
        self.send(HubRequest::new(Method::GET, &path)).await
    }

    /// Leaves the team with all devices of this person.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn leave(&self) -> Result<(), TeamError> {
        self.remove(&self.user, false).await
    }

    /// Everything that a hub on another computer needs to take over the team, in the form that the
    /// new hub reads. Only an owner may ask for it.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn hand_over(&self) -> Result<Vec<u8>, TeamError> {
        let request = HubRequest::new(Method::POST, "/v1/move").allow_whole_team();
        self.hub.send_raw(request.basic(&self.credential)).await
    }

    /// Tells the old hub that a hub with the state from [`Team::hand_over`] runs at these
    /// addresses. The old hub redirects everybody there, and returns its final state. To the same
    /// `key` (16 to 64 letters and digits) it answers the same again.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn moved_to(&self, key: &str, at: &[Address]) -> Result<Vec<u8>, TeamError> {
        let request = HubRequest::post("/v1/move/done", &Moved { key, at }).allow_whole_team();
        self.hub.send_raw(request.basic(&self.credential)).await
    }

    /// Revokes one device. Its user and the team's owners may do this.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn revoke(&self, credential: &str) -> Result<(), TeamError> {
        self.delete(&format!("/v1/devices/{}", http::path_segment(credential))).await
    }

    /// Leaves the team with this device only.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn revoke_this_device(&self) -> Result<(), TeamError> {
        self.revoke(self.credential.id()).await
    }

    /// Creates an invitation.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn invite(&self, order: &InviteOrder) -> Result<InviteMade, TeamError> {
        self.send(HubRequest::post("/v1/invites", order)).await
    }

    /// The valid invitations.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn invites(&self) -> Result<Vec<InviteView>, TeamError> {
        self.send(HubRequest::new(Method::GET, "/v1/invites")).await
    }

    /// Revokes an invitation.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn uninvite(&self, id: &str) -> Result<(), TeamError> {
        self.delete(&format!("/v1/invites/{}", http::path_segment(id))).await
    }

    /// The open requests to join.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn requests(&self) -> Result<Vec<RequestView>, TeamError> {
        self.send(HubRequest::new(Method::GET, "/v1/requests")).await
    }

    /// Approves or declines a request to join.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn decide(&self, id: &str, approve: bool) -> Result<(), TeamError> {
        let path = format!("/v1/requests/{}", http::path_segment(id));
        let request = HubRequest::post(&path, &Decision { approve });
        self.hub.send_only(request.basic(&self.credential)).await
    }

    /// Creates a token with which a program may read the team.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn make_token(&self, label: &str) -> Result<TokenMade, TeamError> {
        self.send(HubRequest::post("/v1/tokens", &TokenOrder { label: label.to_owned() })).await
    }

    /// The programs that may read the team over HTTP. `None` means that the hub is older and shows
    /// them only to its owner.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn tokens(&self) -> Result<Option<Vec<TokenView>>, TeamError> {
        match self.send(HubRequest::new(Method::GET, "/v1/tokens")).await {
            Ok(tokens) => Ok(Some(tokens)),
            Err(TeamError::Refused { refusal: RefusalCode::NotAllowed, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Revokes a token.
    ///
    /// # Errors
    ///
    /// As with [`Team::view`].
    pub async fn revoke_token(&self, id: &str) -> Result<(), TeamError> {
        self.delete(&format!("/v1/tokens/{}", http::path_segment(id))).await
    }
}

/// The body of `POST /v1/move/done`.
#[derive(serde::Serialize)]
struct Moved<'a> {
    key: &'a str,
    at: &'a [Address],
}

/// The addresses of a hub, the way there, and the TLS settings that identify it.
struct HubEndpoint {
    at: Vec<Address>,
    proxy: Proxy,
    /// `None` only for a hub on this machine.
    tls: Option<Arc<ClientConfig>>,
}

impl HubEndpoint {
    /// The first address, for messages.
    fn first(&self) -> String {
        self.at.first().map(Address::to_string).unwrap_or_default()
    }

    fn pinned(at: Vec<Address>, pin: Pin, proxy: &Proxy) -> Result<Self, TeamError> {
        let tls = Tls { trust: Trust::Pinned(pin), certificate: None };
        let tls = Some(tls::client_config(&tls).map_err(TlsSetupError)?);
        Ok(Self { at, proxy: proxy.clone(), tls })
    }
}

impl std::fmt::Debug for HubEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HubEndpoint").field(&self.at).finish()
    }
}
