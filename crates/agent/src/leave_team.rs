//! Leaves a team, and forgets a device (docs/protocol.md, *Leaving*).
//!
//! This module decides the order: clear what others see, revoke the device's credential, then
//! remove what is stored here. The caller holds the device's lock, so no running app can publish
//! again what was cleared.

use std::collections::BTreeSet;
use std::time::Duration;

use porchlight_core::effect::{Connect, Publish, Version};
use porchlight_core::id::{DeviceId, UserId, reader_client_id};
use porchlight_core::input::{
    ConnectionEvent, ConnectionFailure, ConnectionId, PublishId, Refusal,
};
use porchlight_core::topic::Topic;
use tokio::time::{sleep, timeout};

use crate::agent::StartError;
use crate::broker::Broker;
use crate::device::Identity;
use crate::membership::{Membership, MembershipError};
use crate::mqtt::{Connection, Endpoints};
use crate::team::{Team, TeamError};

/// The timeout for clearing the records. On a local network it takes an instant.
const CLEAR_TIMEOUT: Duration = Duration::from_secs(15);
/// The timeout for connecting, and for the CONNACK.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The person's other devices count as read when nothing arrived for this long.
const SILENCE: Duration = Duration::from_millis(250);

/// What to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// The team, with all devices of this person.
    Team,
    /// The team, with this device only; the person's other devices stay.
    Device,
}

/// Why leaving failed. Programs branch on [`LeaveError::code`].
#[derive(Debug, thiserror::Error)]
pub enum LeaveError {
    /// The hub did not confirm. Others may still see this device, and its credential may still be
    /// valid.
    #[error(
        "the team's hub can't be reached ({0}); try again later, or leave anyway and ask the team's owner to remove you"
    )]
    Untold(TeamError),
    /// The broker did not confirm that the records are cleared.
    #[error("the broker can't be reached ({0}); try again later")]
    Uncleared(ConnectionFailure),
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] StartError),
    /// What is stored here can't be removed.
    #[error(transparent)]
    Kept(#[from] MembershipError),
}

impl LeaveError {
    /// The code that programs branch on.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Untold(error) => error.code(),
            Self::Uncleared(failure) => failure.code(),
            Self::Tls(_) => "tls",
            Self::Kept(error) => error.code(),
        }
    }
}

/// Leaves the team that was joined. With `anyway`, also if its hub can't be reached.
///
/// # Errors
///
/// * [`LeaveError::Untold`] if the hub did not confirm; then nothing here was removed;
/// * [`LeaveError::Kept`] if what is stored here can't be removed.
pub async fn team(
    membership: Membership,
    identity: Identity,
    leave: Leave,
    anyway: bool,
) -> Result<(), LeaveError> {
    let (broker, user) = (membership.broker(), membership.user().clone());
    // A hub clears the records of a device that leaves. We clear them first, for hubs that forget
    // to.
    if let Err(error) = clear(&broker, &user, &identity.device, leave).await {
        tracing::info!("nothing was cleared before leaving: {error}");
    }
    if let Err(error) = revoke(&membership, leave).await
        && !anyway
        && error.code() != "not_signed_in"
    {
        return Err(LeaveError::Untold(error));
    }
    membership.forget().await?;
    identity.forget();
    Ok(())
}

async fn revoke(membership: &Membership, leave: Leave) -> Result<(), TeamError> {
    let team = Team::of(membership).await?;
    match leave {
        Leave::Team => team.leave().await,
        Leave::Device => team.revoke(membership.credential_id()).await,
    }
}

/// Leaves a broker that knows no members, by clearing what others see.
///
/// # Errors
///
/// * [`LeaveError::Uncleared`] if the broker did not confirm;
/// * [`LeaveError::Tls`] if TLS can't be set up.
pub async fn broker(
    broker: &Broker,
    user: &UserId,
    identity: Identity,
    leave: Leave,
) -> Result<(), LeaveError> {
    clear(broker, user, &identity.device, leave).await?;
    identity.forget();
    Ok(())
}

/// Clears this device's record. For the last device of a person, it also clears the person's other
/// records.
async fn clear(
    broker: &Broker,
    user: &UserId,
    device: &DeviceId,
    leave: Leave,
) -> Result<(), LeaveError> {
    let endpoints = Endpoints::new(broker.clone()).map_err(StartError::from)?;
    let timed_out = || ConnectionFailure::TimedOut { address: broker.address().to_string() };
    let clearing = Clearing { user, device, leave, endpoints };
    timeout(CLEAR_TIMEOUT, clearing.run())
        .await
        .map_err(|_| timed_out())
        .flatten()
        .map_err(LeaveError::Uncleared)
}

struct Clearing<'a> {
    user: &'a UserId,
    device: &'a DeviceId,
    leave: Leave,
    endpoints: Endpoints,
}

impl Clearing<'_> {
    /// Tries every address, and MQTT 3.1.1 as well if the broker may not understand MQTT 5.
    async fn run(mut self) -> Result<(), ConnectionFailure> {
        let mut tries = 2 * self.endpoints.broker().addresses().len();
        let mut version = Version::V5;
        loop {
            let failure = match self.once(version).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            tries -= 1;
            if tries == 0 || failure.is_refusal() {
                return Err(failure);
            }
            version = match (&failure, version) {
                (failure, Version::V5) if failure.may_be_the_version() => Version::V311,
                _ => Version::V5,
            };
        }
    }

    async fn once(&mut self, version: Version) -> Result<(), ConnectionFailure> {
        let mut connection = Connection::open(&self.endpoints, &as_reader(version));
        self.next(&mut connection).await?;
        let last = self.is_last(&mut connection).await?;
        let mut unacknowledged = BTreeSet::new();
        for (number, topic) in (0..).zip(self.topics(last)) {
            unacknowledged.insert(PublishId(number));
            let topic = topic.to_wire(&self.endpoints.broker().root);
            let id = PublishId(number);
            connection.publish(Publish::record(id, topic, Vec::new(), None));
        }
        while !unacknowledged.is_empty() {
            if let ConnectionEvent::Published { id, outcome } = self.next(&mut connection).await? {
                outcome.map_err(|refusal| match refusal {
                    Refusal::Broker(reason) => ConnectionFailure::Refused(reason),
                    Refusal::Ours(reason) => ConnectionFailure::Broken { reason },
                })?;
                unacknowledged.remove(&id);
            }
        }
        connection.close().await;
        Ok(())
    }

    async fn next(
        &mut self,
        connection: &mut Connection,
    ) -> Result<ConnectionEvent, ConnectionFailure> {
        let event = connection.next().await;
        self.endpoints.note(&event);
        match event {
            ConnectionEvent::Down(failure) => Err(failure),
            event => Ok(event),
        }
    }

    /// Whether no other device of this person has a record.
    async fn is_last(&mut self, connection: &mut Connection) -> Result<bool, ConnectionFailure> {
        let root = self.endpoints.broker().root.clone();
        connection.subscribe(&[format!("{root}/{}/device/+", self.user).into()]);
        let mut subscribed = false;
        loop {
            tokio::select! {
                biased;
                event = self.next(connection) => match event? {
                    // If the subscription is refused, there may be another device.
                    ConnectionEvent::Subscribed { refused } if !refused.is_empty() => return Ok(false),
                    ConnectionEvent::Subscribed { .. } => subscribed = true,
                    ConnectionEvent::Received(message) if !message.payload.is_empty() => {
                        match Topic::parse(&root, &message.topic) {
                            Ok(Topic::Device(_, device)) if device != *self.device => {
                                return Ok(false);
                            }
                            _ => {}
                        }
                    }
                    _ => {}
                },
                () = sleep(SILENCE), if subscribed => return Ok(true),
            }
        }
    }

    fn topics(&self, last: bool) -> Vec<Topic> {
        let mut topics = vec![Topic::Device(self.user.clone(), self.device.clone())];
        if last || self.leave == Leave::Team {
            topics.extend([
                Topic::Chosen(self.user.clone()),
                Topic::Activity(self.user.clone()),
                Topic::User(self.user.clone()),
            ]);
        }
        topics
    }
}

fn as_reader(version: Version) -> Connect {
    Connect {
        // There is only one connection, so the number does not matter.
        connection: ConnectionId(0),
        version,
        client_id: reader_client_id(&mut fastrand::Rng::new()),
        clean_start: true,
        session_expiry: Duration::ZERO,
        keep_alive: Duration::from_secs(8),
        dial_within: CONNECT_TIMEOUT,
        connack_within: CONNECT_TIMEOUT,
        will: None,
    }
}

#[cfg(test)]
mod tests;
