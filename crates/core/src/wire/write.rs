//! Converts records to bytes.

use serde::Serialize;

use super::{AggregateRecord, ChosenRecord, DeviceRecord, HubRecord, SimpleRecord, VERSION};
use crate::contact::ContactLink;
use crate::presence::{Cause, Chosen, ChosenStatus};
use crate::team::{Address, Backup, Host, StandsIn};
use crate::time::Timestamp;

mod signal;

pub(super) use signal::{signal, typing};

#[derive(Serialize)]
struct Device<'a> {
    v: u64,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_s: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_call: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tz: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    links: &'a [ContactLink],
}

#[derive(Serialize)]
struct Choice<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    v: Option<u64>,
    rev: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<ChosenStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
}

#[derive(Serialize)]
struct Sum<'a> {
    v: u64,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign: Option<Foreign<'a>>,
}

#[derive(Serialize)]
struct Foreign<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
}

#[derive(Serialize)]
struct Activity {
    timestamp: Timestamp,
}

pub(super) fn device(record: &DeviceRecord) -> Vec<u8> {
    json(&Device {
        v: VERSION,
        status: record.observed.status(),
        cause: record.observed.cause(),
        since: record.since,
        timestamp: record.timestamp,
        epoch: record.epoch,
        lease_s: record.lease.map(|lease| lease.as_secs()),
        wait_s: record.wait.map(|wait| wait.as_secs()),
        loss_s: record.loss.map(|loss| loss.as_secs()),
        in_call: record.in_call,
        // A cleared choice is left out: readers of records need not know of it.
        chosen: record
            .chosen
            .as_ref()
            .filter(|chosen| chosen.choice.is_some())
            .map(|c| choice(c, None)),
        name: record.name.as_deref(),
        kind: record.kind.as_deref(),
        tz: record.tz.as_deref(),
        links: &record.links,
    })
}

fn choice(chosen: &Chosen, v: Option<u64>) -> Choice<'_> {
    let choice = chosen.choice.as_ref();
    Choice {
        v,
        rev: chosen.rev,
        status: choice.map(|choice| choice.status),
        text: choice.and_then(|choice| choice.text.as_deref()),
        emoji: choice.and_then(|choice| choice.emoji.as_deref()),
        until: choice.and_then(|choice| choice.until),
        at: choice.and_then(|choice| choice.at),
        timestamp: None,
    }
}

pub(super) fn chosen(record: &ChosenRecord) -> Vec<u8> {
    json(&Choice { timestamp: record.timestamp, ..choice(&record.chosen, Some(VERSION)) })
}

pub(super) fn sum(record: &AggregateRecord) -> Vec<u8> {
    json(&Sum {
        v: VERSION,
        status: &record.status,
        timestamp: record.timestamp,
        since: record.since,
        text: record.text.as_deref(),
        foreign: record.foreign.as_ref().map(|SimpleRecord { status, timestamp }| Foreign {
            status: status.word(),
            timestamp: *timestamp,
        }),
    })
}

pub(super) fn activity(at: Timestamp) -> Vec<u8> {
    json(&Activity { timestamp: at })
}

pub(super) fn hub(record: &HubRecord) -> Vec<u8> {
    #[derive(Serialize)]
    struct Hub<'a> {
        v: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        team: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<&'a Host>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        at: &'a [Address],
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        in_order: bool,
        #[serde(skip_serializing_if = "is_zero")]
        revision: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        backup: Option<&'a Backup>,
        #[serde(skip_serializing_if = "Option::is_none")]
        stands_in: Option<&'a StandsIn>,
    }
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_zero(number: &u64) -> bool {
        *number == 0
    }
    let HubRecord { team, host, at, in_order, revision, backup, stands_in } = record;
    let (team, host, in_order, revision) = (team.as_deref(), host.as_ref(), *in_order, *revision);
    let (backup, stands_in) = (backup.as_ref(), stands_in.as_ref());
    json(&Hub { v: VERSION, team, host, at, in_order, revision, backup, stands_in })
}

fn json(record: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(record).expect("a record of ours has only text keys and numbers")
}
