//! Who may read at a team's hub: programs with a token, and members with the credential of a device.

use crate::authorization::Authorization;
use crate::clock;
use crate::peer::Peer;
use crate::rest::guard::{Guard, Permission, Requester};
use crate::team::Team;
use crate::turns::Reader;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait after too many wrong credentials.
const LATER: Duration = Duration::from_secs(60);

/// The guard of a team's reading API.
pub(crate) struct Readers(pub(crate) Arc<Team>);

impl Guard for Readers {
    fn may_read(&self, requester: &Requester) -> Permission {
        let now = clock::now();
        let nowhere = || Peer::from(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let peer = requester.peer.unwrap_or_else(nowhere);
        let shown = requester.authorization.as_ref();
        if !self.0.may_try(now.mono, peer, shown.map(Authorization::id)) {
            return Permission::Later(LATER);
        }
        let reader = match shown {
            Some(Authorization::Basic(id, secret)) => {
                self.0.log_in(now.mono, peer, id, secret).map(|login| Reader::Person(login.user))
            }
            Some(Authorization::Bearer(token)) => {
                self.0.may_read(now, peer, token).then(|| Reader::Program(token.id().to_owned()))
            }
            None => None,
        };
        reader.map_or(Permission::Denied, Permission::Granted)
    }

    fn may_still_read(&self, requester: &Requester) -> bool {
        let may = self.0.ledger().read(|team| match &requester.authorization {
            Some(Authorization::Basic(id, secret)) => team.log_in(id, secret).is_some(),
            Some(Authorization::Bearer(token)) => team.may_read(token),
            None => false,
        });
        if let (true, Some(Authorization::Bearer(token))) = (may, &requester.authorization) {
            self.0.note_reading(clock::now().wall, token.id());
        }
        may
    }

    fn takes_basic(&self) -> bool {
        true
    }
}
