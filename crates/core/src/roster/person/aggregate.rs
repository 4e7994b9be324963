//! Which device decides a person's status.
//!
//! Owns the order among devices and their aggregate. A status that the person chose overrides it.

use super::super::ConnectionContext;
use super::super::device::{AcceptedRecord, Device};
use super::simple_client::SimpleClient;
use crate::id::DeviceId;
use crate::presence::{Cause, Choice, Doubt, Observed};
use crate::time::{Now, Timestamp};
use crate::view::Evidence;
use crate::wire::SimpleStatus;

/// The order in which devices decide: an online device comes before all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Offline,
    Away,
    /// A simple client's own word.
    Word,
    Online,
}

/// The device or simple client that decides a person's status.
#[derive(Debug, Clone, Copy)]
pub(super) enum DecidingDevice<'a> {
    Device(&'a DeviceId, &'a Device),
    Simple(&'a SimpleClient),
}

/// A status, its cause and its start.
pub(super) type AggregateParts<'a> = (&'a str, Option<Cause>, Option<Timestamp>);

/// The status of a person's devices, before the person's own choice overrides it.
pub(super) struct Aggregate<'a> {
    pub(super) status: &'a str,
    pub(super) cause: Option<Cause>,
    pub(super) since: Option<Timestamp>,
    pub(super) witness: DecidingDevice<'a>,
}

impl<'a> DecidingDevice<'a> {
    pub(super) fn said(&self) -> Option<&'a AcceptedRecord> {
        match self {
            Self::Device(_, device) => Some(&device.accepted),
            Self::Simple(_) => None,
        }
    }

    pub(super) fn status(&self) -> &'a str {
        match self {
            Self::Device(_, device) => device.accepted.observed.status(),
            Self::Simple(simple) => simple.status.word(),
        }
    }

    pub(super) fn cause(&self) -> Option<Cause> {
        self.said().and_then(|said| said.observed.cause())
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Device(_, device) => device.accepted.since,
            Self::Simple(simple) => simple.since,
        }
    }

    pub(super) fn doubt(&self, around: &ConnectionContext) -> Option<Doubt> {
        match self {
            Self::Device(_, device) => device.doubt(around),
            Self::Simple(simple) => simple.doubt(around),
        }
    }

    pub(super) fn rank(&self) -> Rank {
        match self {
            Self::Device(_, device) => match device.accepted.observed {
                Observed::Active | Observed::Unknown => Rank::Online,
                Observed::Away(_) => Rank::Away,
                Observed::Offline(_) => Rank::Offline,
            },
            Self::Simple(simple) => match simple.status {
                SimpleStatus::Online => Rank::Online,
                SimpleStatus::Other(_) => Rank::Word,
                SimpleStatus::Away => Rank::Away,
                SimpleStatus::Offline => Rank::Offline,
            },
        }
    }

    /// The order among equals: a device that knows that the person is active first; for away and
    /// offline, the latest.
    pub(super) fn weight(&self) -> (Rank, bool, Option<Timestamp>) {
        let rank = self.rank();
        (rank, self.cause() != Some(Cause::Unknown), self.since())
    }
}

impl<'a> Aggregate<'a> {
    /// The status with the person's own choice applied.
    pub(super) fn under(&self, choice: Option<&Choice>, now: Now) -> AggregateParts<'a> {
        match choice {
            Some(choice) => {
                (choice.status.word(), Some(Cause::Chosen), choice.at.map(|at| at.min(now.wall)))
            }
            None => (self.status, self.cause, self.since),
        }
    }

    pub(super) fn evidence(&self, around: &ConnectionContext, doubt: Option<Doubt>) -> Evidence {
        let (device, kind, heard, loss) = match self.witness {
            DecidingDevice::Device(id, Device { accepted: said, .. }) => {
                (id.as_str(), said.kind.clone(), said.heard, said.loss)
            }
            DecidingDevice::Simple(simple) => ("", None, simple.heard, None),
        };
        let loss = loss.filter(|_| self.witness.rank() != Rank::Offline && doubt.is_none());
        let loss = loss.map(|loss| loss + around.broker_is_late);
        Evidence {
            device: Some(device.to_owned()),
            kind,
            status: Some(self.status.to_owned()),
            cause: self.witness.cause(),
            since: self.witness.since(),
            heard: heard.believable(),
            loss_shows_within_s: loss.map(|loss| u32::try_from(loss.as_secs()).unwrap_or(u32::MAX)),
            doubt,
        }
    }
}
