//! Carries out the requests of members and strangers to a team's hub.
//!
//! Each operation changes the accounts first. Then it updates connections, sessions and retained records to
//! match. `http.rs` checks permissions, and `accounts.rs` and `access.rs` contain the rules.

use crate::HubEvent;
use crate::access::{Access, Cleanup};
use crate::accounts::{
    Accounts, Admission, Invite, Ledger, Login, Membership, Order, Purpose, Refusal, SaveError,
};
use crate::broker::Broker;
use crate::certificate::Certificate;
use crate::connections::ConnectionTable;
use crate::custody::Custody;
use crate::peer::Peer;
use mqtt5::QoS;
use mqtt5::broker::storage::StorageBackend as _;
use mqtt5::packet::publish::PublishPacket;
use porchlight_core::id::UserId;
use porchlight_core::team::{
    Address, DeviceOfMember, Host, Invitation, InviteMade, InviteOrder, InviteView, InvitedBy,
    Join, Joined, Member, MemberName, Pin, Role, Secret, TeamView, TokenMade, TokenView,
};
use porchlight_core::time::{Monotonic, Now, Timestamp};
use requests::Requests;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

mod arrivals;
mod backup;
mod backup_device;
mod backup_stream;
mod hand_over;
mod place;
mod relocation;
mod removal;
mod requests;

pub use backup::{BackupError, backup, restore, restore_arriving};
pub(crate) use backup_device::AgreeRefusal;
pub(crate) use place::{Place, addresses, hub_record};
pub(crate) use relocation::MoveRefusal;
use removal::until_saved;
pub(crate) use removal::{EndAccessError, UndoJoinError};
pub(crate) use requests::{DecideError, RequestRefusal};

/// A team on its hub, with all operations on it.
pub(crate) struct Team {
    access: Arc<Access>,
    broker: Arc<Broker>,
    pin: Pin,
    certificate: Certificate,
    place: RwLock<Place>,
    announce: watch::Sender<Vec<u8>>,
    requests: Mutex<Requests>,
    /// The backup computer that follows, and the hand-over to it.
    hand_over: hand_over::HandOverState,
    /// What came from the other hub of the team.
    arrivals: arrivals::Arrivals,
    /// Locked while the team moves.
    moving: tokio::sync::Mutex<()>,
    /// Events for the host.
    news: mpsc::UnboundedSender<HubEvent>,
}

/// The reasons why a person could not join.
#[derive(Debug)]
pub(crate) enum JoinRefusal {
    Refused(Refusal),
    NotSaved(SaveError),
}

impl From<Refusal> for JoinRefusal {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<SaveError> for JoinRefusal {
    fn from(e: SaveError) -> Self {
        Self::NotSaved(e)
    }
}

impl Team {
    pub(crate) fn new(
        access: Arc<Access>,
        broker: Arc<Broker>,
        certificate: Certificate,
        pin: Pin,
        place: Place,
        news: mpsc::UnboundedSender<HubEvent>,
    ) -> (Arc<Self>, watch::Receiver<Vec<u8>>) {
        let (announce, announced) = watch::channel(Vec::new());
        let team = Self {
            access,
            broker,
            pin,
            certificate,
            place: RwLock::new(place),
            announce,
            requests: Mutex::new(Requests::default()),
            hand_over: hand_over::HandOverState::default(),
            arrivals: arrivals::Arrivals::default(),
            moving: tokio::sync::Mutex::default(),
            news,
        };
        team.publish_place();
        team.mark_back();
        (Arc::new(team), announced)
    }

    pub(crate) fn access(&self) -> &Arc<Access> {
        &self.access
    }

    pub(crate) fn custody(&self) -> &Custody {
        &self.access.custody
    }

    pub(crate) fn connections(&self) -> &Arc<ConnectionTable> {
        &self.access.connections
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.access.ledger
    }

    pub(crate) const fn pin(&self) -> Pin {
        self.pin
    }

    pub(crate) fn name(&self) -> String {
        self.ledger().read(|team| team.name.clone())
    }

    // --- Authentication

    pub(crate) fn may_try(&self, now: Monotonic, peer: Peer, who: Option<&str>) -> bool {
        self.attempts().may_try(now, peer, who)
    }

    pub(crate) fn was_wrong(&self, now: Monotonic, peer: Peer) {
        self.attempts().was_wrong(now, peer);
    }

    /// Returns the login for this credential. A wrong one counts as a failed attempt.
    pub(crate) fn log_in(
        &self,
        now: Monotonic,
        peer: Peer,
        id: &str,
        secret: &str,
    ) -> Option<Login> {
        let login = self.ledger().read(|team| team.log_in(id, secret));
        let mut attempts = self.attempts();
        match &login {
            Some(login) => attempts.was_right(peer, &login.credential),
            None => attempts.was_wrong(now, peer),
        }
        login
    }

    /// Returns whether the credential of this login is still valid. A request must check again after its body
    /// arrives.
    pub(crate) fn is_valid(&self, login: &Login) -> bool {
        self.ledger().read(|team| team.holds(&login.credential, &login.user))
    }

    /// Returns whether a program with this token may read. A wrong one counts as a failed attempt.
    pub(crate) fn may_read(&self, now: Now, peer: Peer, token: &Secret) -> bool {
        let may = self.ledger().read(|team| team.may_read(token));
        if may {
            self.attempts().was_right(peer, token.id());
            self.note_reading(now.wall, token.id());
        } else {
            self.attempts().was_wrong(now.mono, peer);
        }
        may
    }

    // --- State of the team

    pub(crate) fn view(&self, login: &Login) -> TeamView {
        let place = self.place();
        let backup = self.backup_view(login);
        self.ledger().read(|team| TeamView {
            team: team.name.clone(),
            root: team.root.clone(),
            user: login.user.clone(),
            role: login.role,
            host: place.host.clone(),
            at: place.at.clone(),
            pin: self.pin,
            backup,
        })
    }

    pub(crate) fn members(&self, login: &Login) -> Vec<Member> {
        let used = self.ledger().used().clone();
        self.ledger().read(|team| {
            let device = |id: &String| {
                let credential = &team.credentials()[id];
                DeviceOfMember {
                    id: id.clone(),
                    kind: credential.kind.clone(),
                    since: credential.since,
                    last_here: used.last_here(id),
                    this: *id == login.credential,
                }
            };
            let devices = |user: &UserId| {
                let of = team.credentials().iter().filter(|(_, c)| c.user == *user);
                of.map(|(id, _)| device(id)).collect()
            };
            let along = team.count_invited();
            let member = |(user, member): (&UserId, &Membership)| Member {
                user: user.to_string(),
                name: member.name.clone(),
                role: member.role,
                since: member.since,
                devices: devices(user),
                invited_by: member.invited_by.as_ref().map(|inviter| InvitedBy {
                    user: inviter.user.to_string(),
                    name: inviter.name.clone(),
                    left: inviter.has_left(),
                }),
                invited: along.get(user).copied().unwrap_or_default(),
            };
            team.members().iter().map(member).collect()
        })
    }

    /// Returns the members who joined through this one.
    pub(crate) fn members_invited_by(&self, user: &UserId) -> Vec<MemberName> {
        self.ledger().read(|team| {
            let named = |user: UserId| {
                let name = team.members().get(&user)?.name.clone();
                Some(MemberName { user: user.to_string(), name })
            };
            team.members_invited_by(user).into_iter().filter_map(named).collect()
        })
    }

    // --- Joining

    pub(crate) async fn join(&self, now: Timestamp, join: &Join) -> Result<Joined, JoinRefusal> {
        let join = join.clone();
        let redeem = move |team: &mut Accounts| {
            let kind = join.kind.as_deref();
            let redeemed = match &join.credential {
                Some(made) => team.redeem_with(now, &join.token, &join.name, kind, made),
                None => team.redeem(now, &join.token, &join.name, kind),
            };
            redeemed.map_err(JoinRefusal::Refused)
        };
        let admission = self.ledger().change(redeem).await?;
        tracing::info!(user = %admission.user, credential = admission.credential.id(), "joined");
        Ok(self.joined(admission))
    }

    fn joined(&self, admission: Admission) -> Joined {
        let Admission { user, name, role, credential } = admission;
        let at = self.place().at;
        let (team, root) = self.ledger().read(|team| (team.name.clone(), team.root.clone()));
        Joined { team, root, user, name, role, credential, at, pin: self.pin }
    }

    /// Creates an invitation for a member.
    pub(crate) async fn invite(
        &self,
        now: Timestamp,
        login: &Login,
        order: &InviteOrder,
    ) -> Result<InviteMade, JoinRefusal> {
        let (login, user) = (login.clone(), login.user.clone());
        let order = Order {
            purpose: if order.for_me { Purpose::Device(user.clone()) } else { Purpose::Member },
            by: Some(user),
            credential: Some(login.credential.clone()),
            uses: order.uses,
            lasts: order.lasts_s.map(Duration::from_secs),
        };
        let invite = move |team: &mut Accounts| {
            team.require_valid(&login)?;
            team.invite(now, order).map_err(JoinRefusal::from)
        };
        let (token, invite) = self.ledger().change(invite).await?;
        let invite = invite_view(token.id(), &invite);
        Ok(InviteMade { invite, link: self.invitation(token).to_string() })
    }

    /// Creates an invitation for the owner of the team, and revokes the previous ones.
    pub(crate) async fn invite_owner(&self, now: Timestamp) -> Result<Invitation, SaveError> {
        let order =
            Order { purpose: Purpose::Owner, by: None, credential: None, uses: None, lasts: None };
        let invite = move |team: &mut Accounts| {
            team.take_back_owner_links();
            Ok::<_, SaveError>(
                team.invite(now, order).expect("the hub itself has no other invitations"),
            )
        };
        let (token, _) = self.ledger().change(invite).await?;
        Ok(self.invitation(token))
    }

    fn invitation(&self, token: Secret) -> Invitation {
        Invitation { team: self.name(), at: self.place().at, pin: self.pin, token }
    }

    /// Returns the valid invitations that this member may revoke.
    pub(crate) fn invites(&self, now: Timestamp, login: &Login) -> Vec<InviteView> {
        let all = login.role == Role::Owner;
        self.ledger().read(|team| {
            let shown = team.invites().iter().filter(|(_, invite)| {
                invite.holds(now)
                    && invite.purpose != Purpose::Owner
                    && (all || invite.by.as_ref() == Some(&login.user))
            });
            shown.map(|(id, invite)| invite_view(id, invite)).collect()
        })
    }

    pub(crate) async fn take_back(&self, login: &Login, id: &str) -> Result<(), EndAccessError> {
        let all = login.role == Role::Owner;
        let (ended, saving) =
            self.ledger().revoke_access(|team| team.take_back(id, &login.user, all));
        until_saved(ended, saving).await.map(drop)
    }

    // --- Program tokens

    pub(crate) async fn make_token(
        &self,
        now: Timestamp,
        login: &Login,
        label: &str,
    ) -> Result<TokenMade, JoinRefusal> {
        let (login, label) = (login.clone(), label.to_owned());
        let make = move |team: &mut Accounts| {
            team.require_valid(&login)?;
            team.make_token(now, Some(&login.user), &label)
                .ok_or(JoinRefusal::Refused(Refusal::TokensFull))
        };
        let (token, made) = self.ledger().change(make).await?;
        Ok(TokenMade { made: made.view(token.id(), None), token })
    }

    /// Returns the tokens of programs, without secrets.
    pub(crate) fn tokens(&self) -> Vec<TokenView> {
        let used = self.ledger().used().clone();
        self.ledger().read(|team| {
            let tokens = team.tokens().iter();
            tokens.map(|(id, token)| token.view(id, used.last_here(id))).collect()
        })
    }

    pub(crate) async fn revoke_token(&self, id: &str) -> Result<(), EndAccessError> {
        let (ended, saving) = self.ledger().revoke_access(|team| team.revoke_token(id));
        self.ledger().used().forget(id);
        until_saved(ended, saving).await.map(drop)
    }

    /// Notes that a program read with this token.
    pub(crate) fn note_reading(&self, now: Timestamp, token: &str) {
        if self.ledger().used().came(token, now) {
            self.ledger().note();
        }
    }

    /// Clears a retained message, for readers and on disk.
    async fn clear(&self, topic: &str) {
        let packet = PublishPacket::new(topic, Vec::new(), QoS::AtLeastOnce).with_retain(true);
        self.broker.router.route_message(&packet, None).await;
    }

    // --- Background tasks

    /// Runs cleanups while it is polled.
    pub(crate) async fn run_cleanups(&self, mut cleanups: mpsc::UnboundedReceiver<Cleanup>) {
        while let Some(cleanup) = cleanups.recv().await {
            match cleanup {
                Cleanup::Clear(topic) => {
                    tracing::info!(topic, "cleared: nobody may have this");
                    self.clear(&topic).await;
                }
                Cleanup::EndSession(client_id) => self.broker.end_session(&client_id).await,
                Cleanup::Left(client_id) => {
                    self.ledger().used().left(&client_id);
                    self.release(&client_id).await;
                    let forgotten = self.ledger().used().forget_idle(&client_id);
                    if let Some(forgotten) = forgotten {
                        self.broker.end_session(&forgotten).await;
                    }
                }
            }
        }
    }

    /// Removes client ids whose sessions have ended, and requests that nobody answered.
    pub(crate) async fn expire(&self) {
        let idle = self.ledger().used().idle();
        for client_id in idle {
            self.release(&client_id).await;
        }
        self.requests().expire(crate::clock::now().mono);
    }

    async fn release(&self, client_id: &str) {
        let session = self.broker.storage.get_session(client_id).await;
        if matches!(session, Ok(None)) {
            self.ledger().used().release(client_id);
        }
    }

    // --- Host and addresses

    /// Sets the person and the computer that run the hub.
    pub(crate) fn set_host(&self, host: Option<Host>) {
        self.change_place(|place| place.host = host);
    }

    /// Sets the addresses of the hub.
    pub(crate) fn set_addresses(&self, at: Vec<Address>) {
        self.change_place(|place| place.at = at);
    }

    pub(crate) fn place(&self) -> Place {
        self.place.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change_place(&self, change: impl FnOnce(&mut Place)) {
        change(&mut self.place.write().unwrap_or_else(PoisonError::into_inner));
        self.publish_place();
    }

    /// Publishes what `_hub` says with each new revision, while it is polled.
    pub(crate) async fn announce_revisions(&self) {
        let mut revision = self.ledger().revision();
        while revision.changed().await.is_ok() {
            self.publish_place();
        }
    }

    fn publish_place(&self) {
        let revision = self.ledger().read(Accounts::revision);
        let (backup, stands_in) = (self.announced_backup(), self.custody().stands_in());
        let record = hub_record(self.name(), self.place(), revision, backup, stands_in);
        self.announce.send_if_modified(|said| {
            let news = *said != record;
            *said = record;
            news
        });
    }

    fn attempts(&self) -> MutexGuard<'_, crate::access::Attempts> {
        self.access.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn invite_view(id: &str, invite: &Invite) -> InviteView {
    let for_user = match &invite.purpose {
        Purpose::Device(user) => Some(user.to_string()),
        Purpose::Member | Purpose::Owner => None,
    };
    InviteView {
        id: id.to_owned(),
        for_user,
        by: invite.by.as_ref().map(UserId::to_string),
        uses_left: invite.uses_left,
        ends: invite.ends,
    }
}
