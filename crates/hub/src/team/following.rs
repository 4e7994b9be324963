//! The backup computer follows its host: a stream of all that it needs to serve in the host's place.
//!
//! Owns who may follow, what is sent and when, and how the host hands the team over before it sleeps or ends. The list of
//! members goes out with each revision, the retained messages every few seconds, and something at least as often, so that
//! silence means that the host is gone (`docs/protocol.md`, *The backup computer*).

use super::relocation::reach;
use super::{Place, Team};
use crate::accounts::{Agreed, BackupRefusal, Login, SaveError};
use crate::clock;
use crate::standby::{CopiedMessage, StandbyState, copy_of, is_key};
use axum::body::{Body, Bytes};
use data_encoding::BASE64URL_NOPAD;
use hyper::body::{Body as HttpBody, Frame};
use mqtt5::broker::storage::StorageBackend as _;
use porchlight_core::team::{
    Address, Backup, BackupAgree, BackupStage, BackupView, Role, StandsIn, WhyAway,
};
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How often something is sent.
const BEAT: Duration = Duration::from_secs(3);
/// How often the delegation is renewed, which holds for a week.
const RENEWAL: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the host waits until the backup serves: the system gives a program some seconds before it sleeps.
const CONFIRMED: Duration = Duration::from_millis(1_500);
/// How long it waits for a change of the accounts that is under way.
const FREEZE: Duration = Duration::from_millis(400);
/// How many pieces wait for the backup to read.
const PIECES: usize = 8;

/// The backup that follows at present.
#[derive(Default)]
pub(super) struct Following {
    current: Mutex<Option<Follower>>,
    next: AtomicU64,
}

struct Follower {
    id: u64,
    credential: String,
    ear: Ear,
}

/// How the backup hears that the host goes away.
#[derive(Clone)]
struct Ear {
    /// Why, once it does.
    away: watch::Sender<Option<WhyAway>>,
    /// Whether it has been told, and has everything.
    told: watch::Receiver<bool>,
    /// Closed once nobody reads.
    pieces: mpsc::WeakSender<Bytes>,
}

/// Why a computer does not become the backup.
#[derive(Debug)]
pub(crate) enum AgreeRefusal {
    NotAsked,
    BadRequest(&'static str),
    /// The host does not reach it at these addresses.
    NotReachable(Vec<Address>),
    NotSaved(SaveError),
}

impl From<SaveError> for AgreeRefusal {
    fn from(e: SaveError) -> Self {
        Self::NotSaved(e)
    }
}

impl From<BackupRefusal> for AgreeRefusal {
    fn from(refusal: BackupRefusal) -> Self {
        match refusal {
            BackupRefusal::BadAddresses => Self::BadRequest("give 1 to 8 addresses"),
            BackupRefusal::Unknown | BackupRefusal::NotAsked => Self::NotAsked,
        }
    }
}

impl Team {
    // --- Who is the backup

    /// Asks the device with this credential to be the backup. Returns whether there is such a device.
    pub(crate) async fn ask_backup(&self, credential: String) -> Result<bool, SaveError> {
        let asked = move |team: &mut crate::accounts::Accounts| {
            Ok::<_, SaveError>(team.ask_backup(&credential).is_ok())
        };
        self.ledger().change(asked).await
    }

    /// The user of the device agreed. The host must reach it, or members would not either.
    pub(crate) async fn agree_to_back_up(
        &self,
        login: &Login,
        agree: BackupAgree,
    ) -> Result<(), AgreeRefusal> {
        let BackupAgree { key, at, device } = agree;
        let asked = |team: &crate::accounts::Accounts| {
            team.backup().is_some_and(|backup| backup.credential == login.credential)
        };
        if !self.ledger().read(asked) {
            return Err(AgreeRefusal::NotAsked);
        }
        if !is_key(&key) {
            return Err(AgreeRefusal::BadRequest("the key is no public key of P-256"));
        }
        let spki = BASE64URL_NOPAD.decode(key.as_bytes()).unwrap_or_default();
        if !at.is_empty() && !reach::leads_to(&at, reach::Peer::Key(spki)).await {
            return Err(AgreeRefusal::NotReachable(at));
        }
        let credential = login.credential.clone();
        self.ledger()
            .change(move |team| {
                let agreed = Agreed { key, at, device, serial: 0 };
                team.agree_to_back_up(clock::now().wall, &credential, agreed)
                    .map_err(AgreeRefusal::from)
            })
            .await?;
        tracing::info!(user = %login.user, "agreed to be the backup");
        Ok(())
    }

    /// Ends the backup. Returns whether there was one that this member may end.
    pub(crate) async fn end_backup(&self, login: &Login) -> Result<bool, SaveError> {
        let login = login.clone();
        let end = move |team: &mut crate::accounts::Accounts| {
            Ok::<_, SaveError>(team.end_backup(&login.user, login.role == Role::Owner))
        };
        self.ledger().change(end).await
    }

    /// The backup as `_hub` announces it.
    pub(super) fn announced_backup(&self) -> Option<Backup> {
        self.ledger().read(|team| {
            let backup = team.backup()?;
            let user = team.credentials().get(&backup.credential)?.user.clone();
            let Agreed { at, device, serial, .. } = backup.agreed.clone()?;
            let name = team.members().get(&user)?.name.clone();
            Some(Backup { user, device, name, at, serial })
        })
    }

    /// The backup as this member sees it.
    pub(super) fn backup_view(&self, login: &Login) -> Option<BackupView> {
        let follows = self.following.follower();
        self.ledger().read(|team| {
            let backup = team.backup()?;
            let credential = team.credentials().get(&backup.credential)?;
            let stage = match &backup.agreed {
                None => BackupStage::Asked,
                Some(_) if follows.as_ref() == Some(&backup.credential) => BackupStage::Ready,
                Some(_) => BackupStage::Away,
            };
            Some(BackupView {
                user: credential.user.to_string(),
                name: team.members().get(&credential.user)?.name.clone(),
                kind: credential.kind.clone(),
                stage,
                this: backup.credential == login.credential,
                outside: backup.agreed.iter().flat_map(|a| &a.at).any(is_outside),
            })
        })
    }

    // --- The stream

    /// The stream for this device, if it is the backup. It ends the one before.
    pub(crate) fn follow(self: &Arc<Self>, login: &Login) -> Option<Body> {
        if !self.is_backup(&login.credential) {
            return None;
        }
        let (pieces, read) = mpsc::channel(PIECES);
        let (away, goes_away) = watch::channel(None);
        let (tell, told) = watch::channel(false);
        let id = self.following.next.fetch_add(1, Ordering::Relaxed);
        let credential = login.credential.clone();
        let ear = Ear { away, told, pieces: pieces.downgrade() };
        self.following.set(Some(Follower { id, credential: credential.clone(), ear }));
        let stream = Stream {
            team: Arc::clone(self),
            credential,
            pieces,
            sent: HashMap::new(),
            revision: self.ledger().revision(),
        };
        tokio::spawn(async move {
            let team = Arc::clone(&stream.team);
            stream.run(goes_away, tell).await;
            team.following.left(id);
        });
        Some(Body::new(Pieces(read)))
    }

    fn is_backup(&self, credential: &str) -> bool {
        self.ledger().read(|team| {
            team.backup().is_some_and(|b| b.credential == credential && b.agreed.is_some())
        })
    }

    /// Whether this device is the backup, and has agreed.
    pub(crate) fn is_backup_device(&self, login: &Login) -> bool {
        self.is_backup(&login.credential)
    }

    /// Sends everybody to the backup, because this computer goes away. Returns whether the backup serves. If it does not,
    /// nothing has changed.
    pub(crate) async fn hand_over(&self, why: WhyAway) -> bool {
        let Some(Ear { away, mut told, pieces }) = self.following.ear() else {
            return false;
        };
        let Some(pieces) = pieces.upgrade() else {
            return false;
        };
        let stands_in = StandsIn { why, since: clock::now().wall };
        if !self.custody().hand_over(stands_in) {
            return false;
        }
        if tokio::time::timeout(FREEZE, self.ledger().freeze()).await.is_err() {
            tracing::debug!("a change of the team is under way");
        }
        let confirmed = async {
            away.send_replace(Some(why));
            told.wait_for(|told| *told).await.is_ok() && {
                pieces.closed().await;
                true
            }
        };
        if !matches!(tokio::time::timeout(CONFIRMED, confirmed).await, Ok(true)) {
            tracing::warn!("the backup computer did not answer in time");
            self.custody().take_back();
            self.ledger().thaw();
            return false;
        }
        self.custody().close();
        self.connections().close_members(|_| true);
        tracing::info!(?why, "the backup computer serves the team");
        true
    }

    /// Serves again after a hand-over. Returns whether there was one.
    pub(crate) fn take_back_from_backup(&self) -> bool {
        let back = self.custody().take_back();
        if back {
            self.mark_back();
            self.ledger().thaw();
            tracing::info!("this computer serves the team again");
        }
        back
    }

    /// Whether the backup follows.
    pub(crate) fn is_followed(&self) -> bool {
        self.following.follower().is_some()
    }

    /// Publishes what `_hub` says with each new revision, while it is polled.
    pub(crate) async fn announce_revisions(&self) {
        let mut revision = self.ledger().revision();
        while revision.changed().await.is_ok() {
            self.publish_place();
        }
    }
}

impl Following {
    fn set(&self, follower: Option<Follower>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = follower;
    }

    fn left(&self, id: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|follower| follower.id == id);
    }

    /// The credential of the device that follows.
    fn follower(&self) -> Option<String> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map(|follower| follower.credential.clone())
    }

    /// How to tell the backup that the host goes away; none if no backup follows.
    fn ear(&self) -> Option<Ear> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map(|follower| follower.ear.clone())
    }
}

/// What one backup gets.
struct Stream {
    team: Arc<Team>,
    credential: String,
    pieces: mpsc::Sender<Bytes>,
    /// When each retained message that was sent was stored, and its payload.
    sent: HashMap<String, (u64, Vec<u8>)>,
    revision: watch::Receiver<u64>,
}

impl Stream {
    async fn run(mut self, mut away: watch::Receiver<Option<WhyAway>>, told: watch::Sender<bool>) {
        if !self.send_state().await {
            return;
        }
        let mut renewed = Instant::now();
        loop {
            let quiet = !self.send_retained().await;
            if quiet && !self.send(Bytes::from_static(b":\n\n")).await {
                return;
            }
            tokio::select! {
                () = self.pieces.closed() => return,
                changed = self.revision.changed() => {
                    if changed.is_err() || !self.send_state().await {
                        return;
                    }
                }
                changed = away.changed() => {
                    let why = *away.borrow();
                    // Another stream has taken the place of this one.
                    let (Ok(()), Some(why)) = (changed, why) else { return };
                    if self.revision.has_changed().unwrap_or(false) && !self.send_state().await {
                        return;
                    }
                    self.send_retained().await;
                    let away = serde_json::json!({ "why": why });
                    if !self.send(event("hands_over", &away.to_string())).await {
                        return;
                    }
                    told.send_replace(true);
                }
                () = tokio::time::sleep(BEAT) => {}
            }
            if renewed.elapsed() >= RENEWAL {
                renewed = Instant::now();
                if !self.send_state().await {
                    return;
                }
            }
        }
    }

    /// Sends the list of members and the delegation. Returns false if this is no longer the backup, or nobody reads.
    async fn send_state(&mut self) -> bool {
        self.revision.mark_unchanged();
        let Place { host, at } = self.team.place();
        let team = &self.team;
        let state = team.ledger().read(|accounts| {
            let backup = accounts.backup().filter(|b| b.credential == self.credential)?;
            let key = &backup.agreed.as_ref()?.key;
            let place = (host, at);
            Some(StandbyState::sign(accounts, key, &team.certificate, place, clock::now().wall))
        });
        match state {
            Some(Ok(state)) => self.send(event("state", &state.to_json())).await,
            Some(Err(e)) => {
                tracing::warn!("the backup computer can't be told of the team: {e}");
                false
            }
            None => false,
        }
    }

    /// Sends the retained messages that changed. Returns whether any did.
    async fn send_retained(&mut self) -> bool {
        let changed = self.changed().await;
        if changed.is_empty() {
            return false;
        }
        let json = serde_json::to_string(&changed).unwrap_or_default();
        self.send(event("retained", &json)).await;
        true
    }

    async fn changed(&mut self) -> Vec<CopiedMessage> {
        let stored = self.team.broker.storage.get_retained_messages("#").await.unwrap_or_default();
        let (root, now) = (self.team.access.root(), clock::now().wall);
        let mut gone: HashMap<_, _> = std::mem::take(&mut self.sent);
        let mut changed = Vec::new();
        for (topic, message) in stored {
            let Some(copy) = copy_of(&message, root, now) else { continue };
            let is = (message.stored_at_secs, message.payload);
            if gone.remove(&topic).as_ref() != Some(&is) {
                changed.push(copy);
            }
            self.sent.insert(topic, is);
        }
        changed.extend(gone.keys().map(|topic| CopiedMessage::cleared(topic)));
        changed
    }

    async fn send(&self, piece: Bytes) -> bool {
        self.pieces.send(piece).await.is_ok()
    }
}

/// A server-sent event (WHATWG HTML, section 9.2). JSON has no line breaks.
fn event(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// The pieces of an answer, as they are sent.
struct Pieces(mpsc::Receiver<Bytes>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// Whether an address may lead here from another network: a name, or an address that is not private (RFC 1918, RFC 4193).
fn is_outside(at: &Address) -> bool {
    match at.host().parse() {
        Ok(std::net::IpAddr::V4(ip)) => {
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local())
        }
        Ok(std::net::IpAddr::V6(ip)) => {
            !(ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local())
        }
        Err(_) => !at.host().ends_with(".local"),
    }
}
