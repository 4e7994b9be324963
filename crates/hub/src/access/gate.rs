//! Logs in one connection, and applies the access rules to it.
//!
//! The broker gets one auth provider per connection, so each answer applies to the credential of that
//! connection. The broker also asks about a delayed Will, long after the connection ended. The gate refuses
//! it if the credential is no longer valid.

use super::{Access, Allowance, Cleanup, Denied, MayAsk, SubscriptionBudget};
use crate::accounts::{Bound, Login, is_presence_client_id};
use crate::connections::ConnectionId;
use crate::peer::Peer;
use crate::{broker, clock};
use mqtt5::broker::auth::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::types::ReasonCode;
use porchlight_core::topic::Topic;
use std::collections::VecDeque;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

type Asked<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The auth provider for one connection.
pub(crate) struct Gate {
    access: Arc<Access>,
    connection: ConnectionId,
    peer: Peer,
    login: OnceLock<Login>,
    /// The period of the hub in which it logged in.
    period: OnceLock<u64>,
    /// The client id. It is bound to the credential while the gate exists.
    client_id: OnceLock<String>,
    allowance: Allowance,
    asking: Mutex<SubscriptionBudget>,
    refusals: Arc<Refusals>,
}

/// The reasons for the refused filters of a SUBSCRIBE, in order. True means that there were too many filters.
///
/// The broker only asks for a yes or no, and answers every no with 0x87. `door/meter.rs` corrects that in the
/// SUBACK.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    of: Mutex<VecDeque<bool>>,
    begun: AtomicBool,
}

impl Refusals {
    /// Starts counting, because the client has its CONNACK. Before that, the broker itself requests the
    /// filters of the session that the client resumes.
    pub(crate) fn begin(&self) {
        self.take();
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Takes the reasons for the SUBSCRIBE that the broker is answering.
    pub(crate) fn take(&self) -> VecDeque<bool> {
        std::mem::take(&mut *self.of.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, too_many: bool) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).push_back(too_many);
    }

    fn have_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(crate) fn of(refusals: impl IntoIterator<Item = bool>) -> Self {
        Self { of: Mutex::new(refusals.into_iter().collect()), ..Self::default() }
    }
}

impl Gate {
    pub(crate) fn new(
        access: Arc<Access>,
        connection: ConnectionId,
        peer: Peer,
        allowance: Allowance,
    ) -> Self {
        Self {
            access,
            connection,
            peer,
            login: OnceLock::new(),
            period: OnceLock::new(),
            client_id: OnceLock::new(),
            allowance,
            asking: Mutex::default(),
            refusals: Arc::default(),
        }
    }

    pub(crate) fn refusals(&self) -> Arc<Refusals> {
        Arc::clone(&self.refusals)
    }

    fn admit(&self, connect: &ConnectPacket) -> Result<Login, ReasonCode> {
        let access = &self.access;
        let Some(period) = access.custody.admission() else {
            let has_moved = access.custody.moved().is_some();
            return Err(if has_moved {
                ReasonCode::ServerMoved
            } else {
                ReasonCode::ServerUnavailable
            });
        };
        let now = clock::now();
        let named = connect.username.as_deref();
        {
            let attempts = access.attempts.lock().unwrap_or_else(PoisonError::into_inner);
            if !attempts.may_try(now.mono, self.peer, named) {
                return Err(ReasonCode::ConnectionRateExceeded);
            }
        }
        let secret = connect.password.as_deref().and_then(|p| std::str::from_utf8(p).ok());
        let login = match (named, secret) {
            (Some(id), Some(secret)) => access.ledger.read(|team| team.log_in(id, secret)),
            _ => None,
        };
        {
            let mut attempts = access.attempts.lock().unwrap_or_else(PoisonError::into_inner);
            match &login {
                Some(login) => attempts.was_right(self.peer, &login.credential),
                None => attempts.was_wrong(now.mono, self.peer),
            }
        }
        let login = login.ok_or(ReasonCode::BadUsernameOrPassword)?;
        if !broker::takes_keep_alive(connect.keep_alive) {
            return Err(ReasonCode::ImplementationSpecificError);
        }
        if let Some(will) = &connect.will {
            let topic = access.may_publish(&login.user, &will.topic);
            match topic {
                Ok(Topic::Typing(_) | Topic::Inbox(..)) if will.retain => {
                    return Err(ReasonCode::RetainNotSupported);
                }
                Ok(Topic::Device(user, device)) => {
                    access.note_device(&login.credential, &user, &device);
                }
                Ok(_) => {}
                Err(Denied) => return Err(ReasonCode::NotAuthorized),
            }
        }
        // A reader's id may look like that of a device. But a device has a Will or resumes its session.
        let lasting = is_presence_client_id(&connect.client_id)
            && (connect.will.is_some() || !connect.clean_start);
        let mut used = access.ledger.used();
        let mut note = used.came(&login.credential, now.wall);
        match used.bind(&login.credential, &connect.client_id, lasting) {
            Bound::StoredMessage => {}
            Bound::New { dropped } => {
                note |= lasting;
                if let Some(dropped) = dropped {
                    access.request_cleanup(Cleanup::EndSession(dropped));
                }
            }
            Bound::Foreign => return Err(ReasonCode::ClientIdentifierNotValid),
            Bound::TooMany => return Err(ReasonCode::QuotaExceeded),
        }
        drop(used);
        let _ = self.client_id.set(connect.client_id.clone());
        if note {
            access.ledger.note();
        }
        access
            .connections
            .log_in(self.connection, &login)
            .map_err(|_| ReasonCode::QuotaExceeded)?;
        // If the member was removed since the check, nobody has closed this connection yet.
        if !access.ledger.read(|team| team.holds(&login.credential, &login.user)) {
            return Err(ReasonCode::BadUsernameOrPassword);
        }
        access.allowances.log_in(&login.credential, &self.allowance);
        let _ = (self.period.set(period), self.login.set(login.clone()));
        Ok(login)
    }

    /// Returns the login, if its credential is still valid.
    fn login(&self) -> Option<&Login> {
        let login = self.login.get()?;
        let holds = self.access.ledger.read(|team| team.holds(&login.credential, &login.user));
        (holds && self.access.custody.period().as_ref() == self.period.get()).then_some(login)
    }

    fn may_publish(&self, topic: &str) -> bool {
        let Some(login) = self.login() else {
            return false;
        };
        match self.access.may_publish(&login.user, topic) {
            Ok(Topic::Device(user, device)) => {
                self.access.note_device(&login.credential, &user, &device);
                true
            }
            Ok(_) => true,
            Err(Denied) => false,
        }
    }

    fn may_subscribe(&self, filter: &str) -> bool {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = if self.refusals.have_begun() {
            asking.ask(clock::now().mono, filter)
        } else {
            MayAsk::Yes
        };
        match asked {
            MayAsk::Yes => {}
            MayAsk::NotNow => {
                self.refusals.note(true);
                return false;
            }
            MayAsk::Never => {
                self.access.connections.close(self.connection);
                return false;
            }
        }
        match self.login() {
            Some(login) if self.access.may_read(&login.user, filter) => {
                let (access, user) = (&self.access, &login.user);
                access.backlogs.subscribed(self.connection, user, access.root(), filter);
                true
            }
            _ => {
                self.refusals.note(false);
                false
            }
        }
    }
}

impl Drop for Gate {
    // A delayed Will keeps the gate, and so the client id, until it is published or dropped.
    fn drop(&mut self) {
        if let Some(client_id) = self.client_id.take() {
            self.access.request_cleanup(Cleanup::Left(client_id));
        }
    }
}

impl AuthProvider for Gate {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        _client_addr: SocketAddr,
    ) -> Asked<'a, mqtt5::Result<AuthResult>> {
        let result = match self.admit(connect) {
            // The broker adds this name to each message for readers, so it names the person, not the
            // credential.
            Ok(login) => AuthResult::success_with_user(login.user.as_str()),
            Err(reason) => {
                tracing::debug!(?reason, peer = ?self.peer, "not let in");
                AuthResult::fail(reason)
            }
        };
        Box::pin(ready(Ok(result)))
    }

    fn authorize_publish<'a>(
        &'a self,
        _client_id: &str,
        _user_id: Option<&'a str>,
        topic: &'a str,
    ) -> Asked<'a, bool> {
        Box::pin(ready(self.may_publish(topic)))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        _client_id: &str,
        _user_id: Option<&'a str>,
        filter: &'a str,
    ) -> Asked<'a, bool> {
        Box::pin(ready(self.may_subscribe(filter)))
    }
}
