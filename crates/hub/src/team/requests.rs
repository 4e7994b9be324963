//! People who ask to be let in without an invitation. They live in memory, and not for long.

use super::{JoinRefusal, Team};
use crate::HubEvent;
use crate::accounts::{
    Accounts, Hash, Key, Kind, Login, Refusal, SaveError, random_below, random_secret,
};
use crate::peer::Peer;
use porchlight_core::id::UserId;
use porchlight_core::team::{Request, RequestMade, RequestState, RequestView, Secret};
use porchlight_core::text::{MAX_NAME, display_text};
use porchlight_core::time::{Monotonic, Now, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many wait at a time: of all, and of one peer.
const MAX_WAITING: usize = 20;
const MAX_OF_ONE: usize = 3;
/// How many are kept, with those that were decided.
const MAX_KEPT: usize = 100;
/// For how long one is kept.
const LASTS: Duration = Duration::from_secs(10 * 60);
const MAX_KIND: usize = 48;

/// All requests.
#[derive(Default)]
pub(super) struct Requests {
    /// Of this run of the hub.
    key: Option<Key>,
    waiting: BTreeMap<String, Waiting>,
}

struct Waiting {
    hash: Hash,
    peer: Peer,
    name: String,
    kind: Option<String>,
    code: String,
    at: Timestamp,
    since: Monotonic,
    decision: Option<Decided>,
    /// The credential that the device has made. With it the answer to an approved request is the same again.
    credential: Option<Secret>,
}

/// What a member decided.
enum Decided {
    /// This member approved.
    Yes(Login),
    No,
}

/// Why nothing was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecideError {
    /// There is no such request, or it was decided.
    Unknown,
    /// The member who decides was removed in the meantime.
    NotAMember,
}

/// Why a request was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestRefusal {
    BadName,
    TooMany,
}

impl Requests {
    pub(super) fn expire(&mut self, now: Monotonic) {
        self.waiting.retain(|_, request| now.since(request.since) < LASTS);
    }

    fn ask(
        &mut self,
        now: Now,
        peer: Peer,
        request: &Request,
    ) -> Result<RequestMade, RequestRefusal> {
        self.expire(now.mono);
        if let Some(ticket) = &request.ticket
            && let Some(known) = self.of(ticket)
        {
            return Ok(RequestMade { ticket: ticket.clone(), code: known.code.clone() });
        }
        let name = display_text(&request.name, MAX_NAME).ok_or(RequestRefusal::BadName)?;
        UserId::for_name(&name).ok_or(RequestRefusal::BadName)?;
        // A person who was refused has to wait, too.
        let approved = |waiting: &&Waiting| matches!(waiting.decision, Some(Decided::Yes(_)));
        let waiting = || self.waiting.values().filter(|waiting| !approved(waiting));
        let of_one = waiting().filter(|waiting| waiting.peer == peer).count();
        let is_full = waiting().count() >= MAX_WAITING || self.waiting.len() >= MAX_KEPT;
        if is_full || of_one >= MAX_OF_ONE {
            return Err(RequestRefusal::TooMany);
        }
        let ticket = match &request.ticket {
            Some(ticket) if self.waiting.contains_key(ticket.id()) => {
                return Err(RequestRefusal::TooMany);
            }
            Some(ticket) => ticket.clone(),
            None => random_secret(|id| self.waiting.contains_key(id)),
        };
        let code = format!("{:04}", random_below(10_000));
        let waiting = Waiting {
            hash: self.key.get_or_insert_with(Key::random).hash(Kind::Request, &ticket),
            peer,
            name,
            kind: request.kind.as_deref().and_then(|kind| display_text(kind, MAX_KIND)),
            code: code.clone(),
            at: now.wall,
            since: now.mono,
            decision: None,
            credential: request.credential.clone(),
        };
        self.waiting.insert(ticket.id().to_owned(), waiting);
        Ok(RequestMade { ticket, code })
    }

    fn of(&self, ticket: &Secret) -> Option<&Waiting> {
        let (key, waiting) = (self.key.as_ref()?, self.waiting.get(ticket.id())?);
        key.verifies(Kind::Request, ticket.id(), ticket.secret(), &waiting.hash).then_some(waiting)
    }
}

impl Team {
    pub(crate) fn ask(
        &self,
        now: Now,
        peer: Peer,
        request: &Request,
    ) -> Result<RequestMade, RequestRefusal> {
        let is_known = {
            let requests = self.requests();
            request.ticket.as_ref().is_some_and(|ticket| requests.of(ticket).is_some())
        };
        let made = self.requests().ask(now, peer, request)?;
        if is_known {
            return Ok(made);
        }
        let name = display_text(&request.name, MAX_NAME).unwrap_or_default();
        // Nobody listens to a hub that is about to end.
        let _ = self.news.send(HubEvent::Asked { name, code: made.code.clone() });
        Ok(made)
    }

    /// Returns the state of this ticket's request, or none if there is none. Admits the person if a member approved.
    pub(crate) async fn request_state(
        &self,
        now: Now,
        ticket: &Secret,
    ) -> Result<Option<RequestState>, SaveError> {
        let (by, credential) = {
            let mut requests = self.requests();
            requests.expire(now.mono);
            let Some(waiting) = requests.of(ticket) else {
                return Ok(None);
            };
            match &waiting.decision {
                None => return Ok(Some(RequestState::Waiting)),
                Some(Decided::No) => return Ok(Some(RequestState::Refused)),
                Some(Decided::Yes(by)) => (by.clone(), waiting.credential.clone()),
            }
        };
        if let Some(credential) = credential {
            return self.collect(now, ticket, credential, by).await;
        }
        // Taken out at once: nobody is let in twice.
        let Some(waiting) = self.requests().waiting.remove(ticket.id()) else {
            return Ok(None);
        };
        // Only now, so that nobody belongs to the team who never came back for it.
        let (name, kind) = (waiting.name.clone(), waiting.kind.clone());
        let admit = move |team: &mut Accounts| {
            let admission = team
                .require_valid(&by)
                .and_then(|()| team.admit_by(now.wall, &name, kind.as_deref(), &by.user));
            Ok::<_, SaveError>(admission)
        };
        match self.ledger().change(admit).await {
            Ok(Ok(admission)) => Ok(Some(RequestState::Approved(Box::new(self.joined(admission))))),
            Ok(Err(Refusal::NotAMember)) => {
                let waiting = Waiting { decision: None, ..waiting };
                self.requests().waiting.insert(ticket.id().to_owned(), waiting);
                Ok(Some(RequestState::Waiting))
            }
            // The team has become full.
            Ok(Err(_)) => Ok(Some(RequestState::Refused)),
            Err(e) => {
                // They may ask again.
                self.requests().waiting.insert(ticket.id().to_owned(), waiting);
                Err(e)
            }
        }
    }

    /// Those who wait to be let in.
    pub(crate) fn waiting(&self, now: Monotonic) -> Vec<RequestView> {
        let mut requests = self.requests();
        requests.expire(now);
        let undecided = requests.waiting.iter().filter(|(_, waiting)| waiting.decision.is_none());
        undecided
            .map(|(id, waiting)| RequestView {
                id: id.clone(),
                name: waiting.name.clone(),
                kind: waiting.kind.clone(),
                code: waiting.code.clone(),
                at: waiting.at,
            })
            .collect()
    }

    /// Lets somebody in, or not.
    pub(crate) fn decide(
        &self,
        now: Monotonic,
        login: &Login,
        id: &str,
        approve: bool,
    ) -> Result<(), DecideError> {
        let mut requests = self.requests();
        requests.expire(now);
        // Under the lock of the requests, so that a removal takes back every earlier approval.
        if !self.is_valid(login) {
            return Err(DecideError::NotAMember);
        }
        match requests.waiting.get_mut(id) {
            Some(waiting) if waiting.decision.is_none() => {
                let by = login.clone();
                if approve {
                    // From now on there is time to collect it.
                    waiting.since = now;
                }
                waiting.decision = Some(if approve { Decided::Yes(by) } else { Decided::No });
                Ok(())
            }
            _ => Err(DecideError::Unknown),
        }
    }

    /// Lets in the device that asked, with its own credential: once, and the answer is the same again.
    async fn collect(
        &self,
        now: Now,
        ticket: &Secret,
        credential: Secret,
        by: Login,
    ) -> Result<Option<RequestState>, SaveError> {
        let (name, kind) = match self.requests().of(ticket) {
            Some(waiting) => (waiting.name.clone(), waiting.kind.clone()),
            None => return Ok(None),
        };
        // An error discards the whole change, so a refused credential leaves no member behind.
        let admit = move |team: &mut Accounts| {
            if let Some(known) = team.admission_of(&credential) {
                return Ok::<_, JoinRefusal>(known);
            }
            team.require_valid(&by)?;
            let mut admission = team.admit_by(now.wall, &name, kind.as_deref(), &by.user)?;
            team.use_credential(&mut admission, &credential)?;
            Ok(admission)
        };
        match self.ledger().change(admit).await {
            Ok(admission) => Ok(Some(RequestState::Approved(Box::new(self.joined(admission))))),
            Err(JoinRefusal::Refused(Refusal::NotAMember)) => {
                if let Some(waiting) = self.requests().waiting.get_mut(ticket.id()) {
                    waiting.decision = None;
                }
                Ok(Some(RequestState::Waiting))
            }
            // The team is full, or the credential was removed.
            Err(JoinRefusal::Refused(_)) => Ok(Some(RequestState::Refused)),
            Err(JoinRefusal::NotSaved(e)) => Err(e),
        }
    }

    /// Forgets a request. False: there is none with this ticket.
    pub(crate) fn withdraw(&self, ticket: &Secret) -> bool {
        let mut requests = self.requests();
        let is_known = requests.of(ticket).is_some();
        if is_known {
            requests.waiting.remove(ticket.id());
        }
        is_known
    }

    /// Makes requests undecided again that were approved with these credentials and not yet collected.
    pub(super) fn forget_approvals(&self, by: &[(UserId, String)]) {
        let by: BTreeSet<&str> = by.iter().map(|(_, credential)| credential.as_str()).collect();
        for waiting in self.requests().waiting.values_mut() {
            if let Some(Decided::Yes(login)) = &waiting.decision
                && by.contains(login.credential.as_str())
            {
                waiting.decision = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn peer(n: u8) -> Peer {
        Peer::from(IpAddr::from([10, 0, 0, n]))
    }

    fn at(seconds: u64) -> Now {
        let mono = Monotonic::from_origin(Duration::from_secs(seconds));
        Now { mono, wall: Timestamp::default() }
    }

    #[test]
    fn requests_are_bounded_and_end() {
        let mut requests = Requests::default();
        let asking = Request { name: "Bob".to_owned(), kind: None, ticket: None, credential: None };
        for _ in 0..MAX_OF_ONE {
            requests.ask(at(0), peer(1), &asking).unwrap();
        }
        let more = requests.ask(at(0), peer(1), &asking);
        assert_eq!(more.unwrap_err(), RequestRefusal::TooMany);
        for n in 3..20 {
            requests.ask(at(0), peer(n), &asking).unwrap();
        }
        let more = requests.ask(at(0), peer(99), &asking);
        assert_eq!(more.unwrap_err(), RequestRefusal::TooMany);
        requests.ask(at(600), peer(1), &asking).unwrap();
        assert_eq!(requests.waiting.len(), 1);
    }

    #[test]
    fn only_its_own_ticket_asks_for_a_request() {
        let mut requests = Requests::default();
        let asking = Request { name: "Bob".to_owned(), kind: None, ticket: None, credential: None };
        let made = requests.ask(at(0), peer(1), &asking).unwrap();
        assert!(made.code.len() == 4 && requests.of(&made.ticket).is_some());
        let guessed = Secret::of_parts(made.ticket.id(), &"x".repeat(27)).unwrap();
        assert!(requests.of(&guessed).is_none());
        let nameless = Request { name: "!".to_owned(), kind: None, ticket: None, credential: None };
        let refused = requests.ask(at(0), peer(1), &nameless);
        assert_eq!(refused.unwrap_err(), RequestRefusal::BadName);
    }
}
