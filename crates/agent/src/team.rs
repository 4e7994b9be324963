//! What a team's hub is asked over HTTP: to be let in, who belongs to it, to invite, to leave.
//!
//! Owns the questions, and what is said where they are refused. Deliberately keeps nothing: that is
//! [`crate::membership`]'s work. The bodies are `porchlight_core::team`'s.

use std::str::FromStr;
use std::sync::Arc;

use porchlight_core::id::UserId;
use porchlight_core::input::ConnectionFailure;
use porchlight_core::team::{
    Address, Decision, Invitation, InviteMade, InviteOrder, InviteView, Join, Joined, Member,
    MemberName, Pin, Request, RequestMade, RequestState, RequestView, Secret, TeamView, TokenMade,
    TokenOrder, TokenView,
};
use rustls::ClientConfig;

use crate::broker::{Tls, Trust};
use crate::membership::{Membership, StoredSecretError};
use crate::tls::{self, TlsError};

mod http;
mod refusal;
#[cfg(test)]
mod tests;

use http::{Answer, Ask, Method};
pub(crate) use refusal::not_a_member;
pub use refusal::sentence;

/// How a hub's certificate begins, as it says on the local network: enough to tell whether what answers is what was
/// found, too little for a link. Sixteen hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FingerprintPrefix(pub(crate) [u8; 8]);

/// A text is no [`FingerprintPrefix`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the beginning of a fingerprint; write 16 hexadecimal digits")]
pub struct HintError;

impl FromStr for FingerprintPrefix {
    type Err = HintError;

    fn from_str(text: &str) -> Result<Self, HintError> {
        if text.len() != 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(HintError);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| HintError)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// Why a hub did not do it. Programs branch on [`TeamError::code`].
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    /// There is no way to it.
    #[error(transparent)]
    Link(#[from] ConnectionFailure),
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// It said no.
    #[error("{message}")]
    Refused {
        /// What programs branch on.
        code: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// The team is elsewhere now, and not there either where that was said.
    #[error(
        "this team moved to another computer; open Porchlight again, or ask its owner for a new link"
    )]
    Moved {
        /// Where it went.
        at: Vec<Address>,
    },
    /// What answers is no hub, or a much newer one.
    #[error(
        "{address} does not answer as the hub of a team ({what}); update Porchlight, or ask for a new link"
    )]
    NoHub {
        /// Host and port.
        address: String,
        /// What it answered.
        what: String,
    },
    /// What lets us in can't be had.
    #[error(transparent)]
    Credential(#[from] StoredSecretError),
}

/// TLS can't be set up.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TlsSetupError(TlsError);

impl TeamError {
    /// What programs branch on.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Link(failure) => failure.code(),
            Self::Tls(_) => "tls",
            Self::Refused { code, .. } => code,
            Self::Moved { .. } => "moved",
            Self::NoHub { .. } => "no_hub",
            Self::Credential(error) => error.code(),
        }
    }
}

/// Redeems an invitation.
///
/// # Errors
/// Where the hub can't be reached, is not the one of the link, or says no.
pub async fn join(
    invitation: &Invitation,
    name: &str,
    kind: Option<&str>,
) -> Result<Joined, TeamError> {
    let door = Door::pinned(invitation.at.clone(), invitation.pin)?;
    let join = Join {
        token: invitation.token.clone(),
        name: name.to_owned(),
        kind: kind.map(str::to_owned),
    };
    Ok(door.ask(Ask::post("/v1/join", &join)).await?.body)
}

/// A request to be let in, that some member has to approve.
#[derive(Debug)]
pub struct Requested {
    door: Door,
    ticket: Secret,
    /// Four digits that the member reads, too.
    pub code: String,
}

/// Asks a hub that was found on the local network to be let in.
///
/// # Errors
/// Where it can't be reached, is not the one that was found, or takes no requests now.
pub async fn request(
    at: Vec<Address>,
    hint: FingerprintPrefix,
    name: &str,
    kind: Option<&str>,
) -> Result<Requested, TeamError> {
    let request = Request { name: name.to_owned(), kind: kind.map(str::to_owned) };
    let door = Door::new(at, Some(tls::hinted_config(hint).map_err(TlsSetupError)?));
    let Answer { body, certificate } =
        door.ask::<RequestMade>(Ask::post("/v1/requests", &request)).await?;
    // From here on only this one: who asks later is told the credential.
    let door = match certificate {
        Some(pin) => Door::pinned(door.at, pin)?,
        None => door,
    };
    let RequestMade { ticket, code } = body;
    Ok(Requested { door, ticket, code })
}

impl Requested {
    /// How it stands. To be asked every few seconds.
    ///
    /// # Errors
    /// Where the hub can't be reached, or knows the request no longer: its time is over.
    pub async fn state(&self) -> Result<RequestState, TeamError> {
        let path = format!("/v1/requests/{}", self.ticket.id());
        let ask = Ask::new(Method::GET, &path).bearer(&self.ticket);
        Ok(self.door.ask(ask).await?.body)
    }
}

/// A hub, as a member of its team sees it.
#[derive(Debug)]
pub struct Team {
    door: Door,
    credential: Secret,
    user: UserId,
}

impl Team {
    /// The team that this account belongs to.
    ///
    /// # Errors
    /// Where what lets this device in can't be had.
    pub async fn of(membership: &Membership) -> Result<Self, TeamError> {
        Ok(Self {
            door: Door::pinned(membership.at().to_vec(), membership.pin())?,
            credential: membership.credential().await?,
            user: membership.user().clone(),
        })
    }

    async fn ask<A: serde::de::DeserializeOwned>(&self, ask: Ask) -> Result<A, TeamError> {
        Ok(self.door.ask(ask.basic(&self.credential)).await?.body)
    }

    async fn delete(&self, path: &str) -> Result<(), TeamError> {
        self.door.tell(Ask::new(Method::DELETE, path).basic(&self.credential)).await
    }

    /// The team, as this member sees it.
    ///
    /// # Errors
    /// [`TeamError`], as with all that follows.
    pub async fn view(&self) -> Result<TeamView, TeamError> {
        self.ask(Ask::new(Method::GET, "/v1/team")).await
    }

    /// Everybody who belongs to it.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn members(&self) -> Result<Vec<Member>, TeamError> {
        self.ask(Ask::new(Method::GET, "/v1/members")).await
    }

    /// Removes a member. Only the starter may. `with_invited` also removes everybody who joined through that member.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn remove(&self, user: &UserId, with_invited: bool) -> Result<(), TeamError> {
        let along = if with_invited { "?with_invited=true" } else { "" };
        self.delete(&format!("/v1/members/{}{along}", http::level(user.as_str()))).await
    }

    /// Those who would go along with a member.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn invited(&self, user: &UserId) -> Result<Vec<MemberName>, TeamError> {
        let path = format!("/v1/members/{}/invited", http::level(user.as_str()));
        self.ask(Ask::new(Method::GET, &path)).await
    }

    /// Leaves the team: with all devices.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn leave(&self) -> Result<(), TeamError> {
        self.remove(&self.user, false).await
    }

    /// Everything that a hub on another computer needs to begin with, as the hub there reads it. Only a starter is told.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn hand_over(&self) -> Result<Vec<u8>, TeamError> {
        let ask = Ask::new(Method::POST, "/v1/move").for_a_team();
        self.door.whole(ask.basic(&self.credential)).await
    }

    /// A hub that was begun with [`Team::hand_over`] runs at these addresses: the old one sends everybody there, and
    /// answers what stood there at the end.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn moved_to(&self, at: &[Address]) -> Result<Vec<u8>, TeamError> {
        let ask = Ask::post("/v1/move/done", &Moved { at }).for_a_team();
        self.door.whole(ask.basic(&self.credential)).await
    }

    /// Revokes one device, which its owner and the starter may.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn revoke(&self, credential: &str) -> Result<(), TeamError> {
        self.delete(&format!("/v1/devices/{}", http::level(credential))).await
    }

    /// Makes an invitation.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn invite(&self, order: &InviteOrder) -> Result<InviteMade, TeamError> {
        self.ask(Ask::post("/v1/invites", order)).await
    }

    /// The invitations that hold.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn invites(&self) -> Result<Vec<InviteView>, TeamError> {
        self.ask(Ask::new(Method::GET, "/v1/invites")).await
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn uninvite(&self, id: &str) -> Result<(), TeamError> {
        self.delete(&format!("/v1/invites/{}", http::level(id))).await
    }

    /// Who asks to be let in.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn requests(&self) -> Result<Vec<RequestView>, TeamError> {
        self.ask(Ask::new(Method::GET, "/v1/requests")).await
    }

    /// Lets somebody in who asks, or not.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn decide(&self, id: &str, approve: bool) -> Result<(), TeamError> {
        let path = format!("/v1/requests/{}", http::level(id));
        let ask = Ask::post(&path, &Decision { approve });
        self.door.tell(ask.basic(&self.credential)).await
    }

    /// Makes a token with which a program may read.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn make_token(&self, label: &str) -> Result<TokenMade, TeamError> {
        self.ask(Ask::post("/v1/tokens", &TokenOrder { label: label.to_owned() })).await
    }

    /// The programs that may read the team over HTTP. `None`: the hub is older and shows them to its starter alone.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn tokens(&self) -> Result<Option<Vec<TokenView>>, TeamError> {
        match self.ask(Ask::new(Method::GET, "/v1/tokens")).await {
            Ok(tokens) => Ok(Some(tokens)),
            Err(TeamError::Refused { code: "not_allowed", .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn revoke_token(&self, id: &str) -> Result<(), TeamError> {
        self.delete(&format!("/v1/tokens/{}", http::level(id))).await
    }
}

/// `POST /v1/move/done`.
#[derive(serde::Serialize)]
struct Moved<'a> {
    at: &'a [Address],
}

/// Where a hub listens, and which one it is.
struct Door {
    at: Vec<Address>,
    /// `None` only for a hub on this machine.
    tls: Option<Arc<ClientConfig>>,
}

impl Door {
    fn new(at: Vec<Address>, tls: Option<Arc<ClientConfig>>) -> Self {
        Self { at, tls }
    }

    fn pinned(at: Vec<Address>, pin: Pin) -> Result<Self, TeamError> {
        let tls = Tls { trust: Trust::Pinned(pin), certificate: None };
        Ok(Self::new(at, Some(tls::client_config(&tls).map_err(TlsSetupError)?)))
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Door").field(&self.at).finish()
    }
}
