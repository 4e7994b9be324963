//! Who may read at a team's hub: programs with a token, and members with what lets them in.

use super::extract;
use crate::access::Peer;
use crate::clock;
use crate::rest::guard::{Asker, Guard, Permission, Reader};
use crate::team::Team;
use porchlight_core::team::Secret;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

/// When to ask again after too many that were wrong.
const LATER: Duration = Duration::from_secs(60);

/// See the module's page.
pub(crate) struct Readers(pub(crate) Arc<Team>);

/// What a request shows to be let in.
enum Credentials {
    /// A member's name and secret.
    Member(String, String),
    Token(Secret),
}

impl Credentials {
    fn of(asker: &Asker) -> Option<Self> {
        let member = asker.authorization.as_deref().and_then(extract::basic);
        match member {
            Some((id, secret)) => Some(Self::Member(id, secret)),
            None => asker.bearer()?.parse().ok().map(Self::Token),
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Member(id, _) => id,
            Self::Token(token) => token.id(),
        }
    }
}

impl Guard for Readers {
    fn may_read(&self, asker: &Asker) -> Permission {
        let now = clock::now();
        let nowhere = || Peer::from(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let peer = asker.peer.unwrap_or_else(nowhere);
        let shown = Credentials::of(asker);
        if !self.0.may_try(now.mono, peer, shown.as_ref().map(Credentials::id)) {
            return Permission::Later(LATER);
        }
        let reader = match &shown {
            Some(Credentials::Member(id, secret)) => {
                self.0.log_in(now.mono, peer, id, secret).map(|login| Reader::Person(login.user))
            }
            Some(Credentials::Token(token)) => {
                self.0.may_read(now, peer, token).then(|| Reader::Program(token.id().to_owned()))
            }
            None => None,
        };
        reader.map_or(Permission::Denied, Permission::Granted)
    }

    fn may_still_read(&self, asker: &Asker) -> bool {
        let shown = Credentials::of(asker);
        let may = self.0.ledger().read(|team| match &shown {
            Some(Credentials::Member(id, secret)) => team.log_in(id, secret).is_some(),
            Some(Credentials::Token(token)) => team.may_read(token),
            None => false,
        });
        if let (true, Some(Credentials::Token(token))) = (may, &shown) {
            self.0.note_reading(clock::now().wall, token.id());
        }
        may
    }

    fn takes_basic(&self) -> bool {
        true
    }
}
