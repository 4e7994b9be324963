//! Who may read at a team's hub: programs with a token, and members with what lets them in.

use super::asked;
use crate::access::Peer;
use crate::clock;
use crate::rest::guard::{Asker, Guard, Permission};
use crate::team::Team;
use porchlight_core::team::Secret;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

/// When to ask again after too many that were wrong.
const LATER: Duration = Duration::from_secs(60);

/// See the module's page.
pub(crate) struct Readers(pub(crate) Arc<Team>);

impl Guard for Readers {
    fn may_read(&self, asker: &Asker) -> Permission {
        let now = clock::now().mono;
        let peer = Peer::from(asker.peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
        let said = asker.authorization.as_deref();
        let member = said.and_then(asked::basic);
        if !self.0.may_try(now, peer, member.as_ref().map(|(id, _)| id.as_str())) {
            return Permission::Later(LATER);
        }
        let may = match (&member, asker.bearer().map(str::parse::<Secret>)) {
            (Some((id, secret)), _) => self.0.log_in(now, peer, id, secret).is_some(),
            (None, Some(Ok(token))) => self.0.may_read(now, peer, &token),
            (None, Some(Err(_)) | None) => false,
        };
        if may { Permission::Granted } else { Permission::Denied }
    }

    fn takes_basic(&self) -> bool {
        true
    }
}
