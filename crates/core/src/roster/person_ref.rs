//! What a person looks like, before anything is copied for it.
//!
//! Owns the difference between what was shown and what is to be shown. With every record, every try to connect and
//! every lease somebody is looked at anew, and mostly looks as before.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::device::Device;
use super::person::SimpleClient;
use crate::contact::ContactLink;
use crate::id::DeviceId;
use crate::presence::{CauseView, Choice, Doubt};
use crate::time::Timestamp;
use crate::view::{DeviceView, Evidence, PersonView};

/// A [`PersonView`] that borrows.
#[derive(Debug)]
pub(super) struct PersonRef<'a> {
    pub(super) user: &'a str,
    pub(super) name: Cow<'a, str>,
    pub(super) status: &'a str,
    pub(super) cause: Option<CauseView>,
    pub(super) since: Option<Timestamp>,
    /// The choice that counts.
    pub(super) choice: Option<&'a Choice>,
    pub(super) typing: bool,
    pub(super) in_call: bool,
    pub(super) tz: Option<&'a str>,
    pub(super) links: &'a [ContactLink],
    pub(super) devices: &'a BTreeMap<DeviceId, Device>,
    pub(super) seed: Option<&'a SimpleClient>,
    pub(super) evidence: EvidenceRef<'a>,
}

/// An [`Evidence`] that borrows.
#[derive(Debug)]
pub(super) struct EvidenceRef<'a> {
    pub(super) device: &'a str,
    pub(super) kind: Option<&'a str>,
    pub(super) status: &'a str,
    pub(super) cause: Option<CauseView>,
    pub(super) since: Option<Timestamp>,
    pub(super) heard: Timestamp,
    pub(super) loss_shows_within_s: Option<u32>,
    pub(super) doubt: Option<Doubt>,
}

/// A [`DeviceView`] that borrows.
#[derive(Debug, PartialEq, Eq)]
struct DeviceRef<'a> {
    device: &'a str,
    kind: Option<&'a str>,
    status: &'a str,
    cause: Option<CauseView>,
    since: Option<Timestamp>,
}

impl<'a> PersonRef<'a> {
    /// Whether this is what is shown already.
    pub(super) fn is(&self, shown: &PersonView) -> bool {
        let PersonView {
            user,
            name,
            // The roster's to say: it depends on everybody's names.
            shown_id: _,
            status,
            cause,
            since,
            text,
            emoji,
            until,
            stale,
            typing,
            in_call,
            tz,
            links,
            devices,
            evidence,
        } = shown;
        self.user == user
            && self.name == *name
            && self.status == status
            && self.cause == *cause
            && self.since == *since
            && self.text() == text.as_deref()
            && self.emoji() == emoji.as_deref()
            && self.until() == *until
            && self.is_stale() == *stale
            && self.typing == *typing
            && self.in_call == *in_call
            && self.tz == tz.as_deref()
            && self.links == *links
            && self.devices().eq(devices.iter().map(DeviceRef::from))
            && self.evidence.is(evidence)
    }

    /// Copies it, to be shown.
    pub(super) fn into_view(self) -> PersonView {
        PersonView {
            user: self.user.to_owned(),
            status: self.status.to_owned(),
            cause: self.cause,
            since: self.since,
            text: self.text().map(str::to_owned),
            emoji: self.emoji().map(str::to_owned),
            until: self.until(),
            stale: self.is_stale(),
            typing: self.typing,
            in_call: self.in_call,
            tz: self.tz.map(str::to_owned),
            links: self.links.to_vec(),
            devices: self.devices().map(DeviceRef::into_view).collect(),
            evidence: self.evidence.into_view(),
            name: self.name.into_owned(),
            shown_id: None,
        }
    }

    fn text(&self) -> Option<&'a str> {
        self.choice.and_then(|choice| choice.text.as_deref())
    }

    fn emoji(&self) -> Option<&'a str> {
        self.choice.and_then(|choice| choice.emoji.as_deref())
    }

    fn until(&self) -> Option<Timestamp> {
        self.choice.and_then(|choice| choice.until)
    }

    pub(super) const fn is_stale(&self) -> bool {
        self.evidence.doubt.is_some()
    }

    /// Those here first, each part in the order of their ids; a simple client last.
    fn devices(&self) -> impl Iterator<Item = DeviceRef<'a>> + use<'a> {
        let all = self.devices.iter().map(|(id, device)| (id, &device.accepted));
        let here = all.clone().filter(|(_, said)| said.observed.is_here());
        let gone = all.filter(|(_, said)| !said.observed.is_here());
        let devices = here.chain(gone).map(|(id, said)| DeviceRef {
            device: id.as_str(),
            kind: said.kind.as_deref(),
            status: said.observed.status(),
            cause: said.observed.cause(),
            since: said.since,
        });
        let seed = self.seed.into_iter().map(|seed| DeviceRef {
            device: "",
            kind: None,
            status: seed.status.word(),
            cause: None,
            since: seed.since,
        });
        devices.chain(seed)
    }
}

impl EvidenceRef<'_> {
    fn is(&self, shown: &Evidence) -> bool {
        let Evidence { device, kind, status, cause, since, heard, loss_shows_within_s, doubt } =
            shown;
        Some(self.device) == device.as_deref()
            && self.kind == kind.as_deref()
            && Some(self.status) == status.as_deref()
            && self.cause == *cause
            && self.since == *since
            && self.heard.believable() == *heard
            && self.loss_shows_within_s == *loss_shows_within_s
            && self.doubt == *doubt
    }

    fn into_view(self) -> Evidence {
        Evidence {
            device: Some(self.device.to_owned()),
            kind: self.kind.map(str::to_owned),
            status: Some(self.status.to_owned()),
            cause: self.cause,
            since: self.since,
            heard: self.heard.believable(),
            loss_shows_within_s: self.loss_shows_within_s,
            doubt: self.doubt,
        }
    }
}

impl<'a> From<&'a DeviceView> for DeviceRef<'a> {
    fn from(view: &'a DeviceView) -> Self {
        let DeviceView { device, kind, status, cause, since } = view;
        Self { device, kind: kind.as_deref(), status, cause: *cause, since: *since }
    }
}

impl DeviceRef<'_> {
    fn into_view(self) -> DeviceView {
        DeviceView {
            device: self.device.to_owned(),
            kind: self.kind.map(str::to_owned),
            status: self.status.to_owned(),
            cause: self.cause,
            since: self.since,
        }
    }
}
