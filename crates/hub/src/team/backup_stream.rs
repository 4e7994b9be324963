//! What the host sends to its backup: all that it needs to serve in the host's place.
//!
//! The list of members goes out with each revision, the retained messages every few seconds, and something at least as
//! often, so that silence means that the host is gone (`docs/protocol.md`, *The backup computer*).

use super::{Place, Team};
use crate::accounts::Login;
use crate::clock;
use crate::event_stream::EventStream;
use crate::standby::{CopiedMessage, SignedState, copy_of};
use axum::body::{Body, Bytes};
use mqtt5::broker::storage::StorageBackend as _;
use porchlight_core::team::WhyAway;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often something is sent.
const BEAT: Duration = Duration::from_secs(3);
/// How often the delegation is renewed, which holds for a week.
const RENEWAL: Duration = Duration::from_secs(24 * 60 * 60);
/// How long to wait for a change of the accounts that is under way when the host goes away.
const FREEZE: Duration = Duration::from_millis(400);

/// The stream of one backup.
struct BackupStream {
    team: Arc<Team>,
    id: u64,
    credential: String,
    revision: watch::Receiver<u64>,
    hands_over: watch::Receiver<Option<WhyAway>>,
    /// What it was told of that.
    told: Option<WhyAway>,
    /// The revision of the list that was sent with a delegation, and when.
    signed: Option<(u64, Instant)>,
    /// When each retained message that was sent was stored, and its payload.
    sent: HashMap<String, (u64, Vec<u8>)>,
    outbox: VecDeque<Bytes>,
}

impl Team {
    /// The stream for this device, if it is the backup. It ends the one before.
    pub(crate) fn follow(self: &Arc<Self>, login: &Login) -> Option<Body> {
        if !self.is_backup(&login.credential) {
            return None;
        }
        let (id, hands_over) = self.followed(&login.credential);
        let stream = BackupStream {
            team: Arc::clone(self),
            id,
            credential: login.credential.clone(),
            revision: self.ledger().revision(),
            hands_over,
            told: None,
            signed: None,
            sent: HashMap::new(),
            outbox: VecDeque::new(),
        };
        Some(EventStream::body(stream, BackupStream::next))
    }
}

impl Drop for BackupStream {
    fn drop(&mut self) {
        self.team.unfollowed(self.id);
    }
}

impl BackupStream {
    /// The next piece; none if this is the backup no more, or another stream has taken the place of this one.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            if let Some(piece) = self.outbox.pop_front() {
                return Some((piece, self));
            }
            let away = *self.hands_over.borrow();
            let news = away.filter(|_| away != self.told);
            self.told = away;
            if news.is_some() {
                // What is under way is still in the list that the backup gets.
                let _ = tokio::time::timeout(FREEZE, self.team.ledger().freeze()).await;
            }
            self.gather().await?;
            if let Some(why) = news {
                let why = serde_json::json!({ "why": why });
                self.outbox.push_back(event("hands_over", &why.to_string()));
            }
            if !self.outbox.is_empty() {
                continue;
            }
            tokio::select! {
                changed = self.revision.changed() => changed.ok()?,
                changed = self.hands_over.changed() => changed.ok()?,
                () = tokio::time::sleep(BEAT) => {
                    self.outbox.push_back(Bytes::from_static(b":\n\n"));
                }
            }
        }
    }

    /// Gathers what has changed since it was sent. None if this is the backup no more.
    async fn gather(&mut self) -> Option<()> {
        let revision = *self.revision.borrow();
        let is_current = |(sent, at): (u64, Instant)| sent == revision && at.elapsed() < RENEWAL;
        if !self.signed.is_some_and(is_current) {
            let state = self.sign()?;
            self.signed = Some((revision, Instant::now()));
            self.outbox.push_back(event("state", &state.to_json()));
        }
        let changed = self.changed_messages().await;
        if !changed.is_empty() {
            let json = serde_json::to_string(&changed).unwrap_or_default();
            self.outbox.push_back(event("retained", &json));
        }
        Some(())
    }

    fn sign(&self) -> Option<SignedState> {
        let (team, Place { host, at }) = (&self.team, self.team.place());
        let signed = team.ledger().read(|accounts| {
            let backup = accounts.backup().filter(|b| b.credential == self.credential)?;
            let key = &backup.agreed.as_ref()?.key;
            let now = clock::now().wall;
            Some(SignedState::sign(accounts, key, &team.certificate, (host, at), now))
        });
        let unsigned = |e| tracing::warn!("the backup computer can't be told of the team: {e}");
        signed?.map_err(unsigned).ok()
    }

    async fn changed_messages(&mut self) -> Vec<CopiedMessage> {
        let stored = self.team.broker.storage.get_retained_messages("#").await.unwrap_or_default();
        let (root, now) = (self.team.access.root(), clock::now().wall);
        let mut gone = std::mem::take(&mut self.sent);
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
}

/// A server-sent event. JSON has no line breaks.
fn event(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
