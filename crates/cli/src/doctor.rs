//! `porchlight doctor`: checks what works on this computer and says how to fix the rest.
//!
//! Deliberately changes nothing that others see: it connects as a reader. If the broker stores nothing yet, it leaves a
//! mark there for a moment, to find out whether the broker hands out stored messages.

use porchlight_activity::SessionEnv;
use porchlight_agent::agent::{Agent, Part, Setup};
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_core::input::Command;
use serde::Serialize;

use crate::args::Doctor;
use crate::failure::Failure;
use crate::{output, wait_for};

mod firewall;
mod port;
mod proxy;

/// The result of one check.
#[derive(Debug, Default, Serialize)]
struct Finding {
    /// The subject: `idle`, `lock`, `broker`, ...
    about: String,
    /// Whether it works.
    ok: bool,
    /// Whether it is unknown if it works. Then `ok` is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unknown: bool,
    /// What programs branch on, if the finding has several outcomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// What was found.
    found: String,
    /// What to do if something is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

pub(crate) async fn doctor(flags: &Flags, args: Doctor) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let mut findings = activity(&resolved).await;
    findings.push(state(&resolved));
    findings.push(proxy::proxy(&resolved));
    findings.push(broker(&resolved, &args).await);
    findings.append(&mut port::ports(&resolved).await);
    if args.json {
        output::print_json(&findings);
        return Ok(());
    }
    for finding in &findings {
        let mark = match finding {
            Finding { ok: true, .. } => "ok     ",
            Finding { unknown: true, .. } => "unknown",
            _ => "missing",
        };
        output::print(&format!("{mark}  {:<15} {}", finding.about, finding.found));
        if let Some(remedy) = &finding.remedy {
            output::print(&format!("                         -> {remedy}"));
        }
    }
    Ok(())
}

/// Checks the sources of activity.
async fn activity(resolved: &Resolved) -> Vec<Finding> {
    let env = SessionEnv::from_env();
    let mut watch = porchlight_activity::start(resolved.activity(), &env).await;
    watch.settle().await;
    let mut findings = Vec::new();
    for (subject, source) in watch.report() {
        let (found, remedy) = match &source.missing {
            Some(missing) => (missing.what.clone(), Some(missing.remedy.clone())),
            None => (format!("{} ({})", source.name, source.tells), None),
        };
        let ok = remedy.is_none();
        findings.push(Finding {
            about: subject.to_string(),
            ok,
            found,
            remedy,
            ..Finding::default()
        });
    }
    findings
}

/// Checks that the state folder can be written.
fn state(resolved: &Resolved) -> Finding {
    let folder = &resolved.places.state;
    let about = "state".to_owned();
    match porchlight_agent::places::writable(folder) {
        Ok(()) => {
            Finding { about, ok: true, found: folder.display().to_string(), ..Finding::default() }
        }
        Err(error) => Finding {
            about,
            ok: false,
            found: format!(
                "{} can't be written ({error}); your status still works",
                folder.display()
            ),
            remedy: Some("free some space or correct the folder's permissions".to_owned()),
            ..Finding::default()
        },
    }
}

/// Checks that the broker can be reached, and what it offers.
async fn broker(resolved: &Resolved, args: &Doctor) -> Finding {
    let about = "broker".to_owned();
    match describe_broker(resolved, args).await {
        Ok((found, remedy)) => Finding { about, ok: true, found, remedy, ..Finding::default() },
        Err(failure) => {
            let remedy = remedy(&failure, resolved);
            let (found, remedy) = (failure.message(), Some(remedy.to_owned()));
            Finding { about, ok: false, found, remedy, ..Finding::default() }
        }
    }
}

/// What to do about a broker that can't be used.
fn remedy(failure: &Failure, resolved: &Resolved) -> &'static str {
    match failure {
        Failure::Refused(_) if resolved.membership.is_some() => {
            "ask a member for a new link, then run `porchlight join LINK`"
        }
        Failure::Refused(_) => {
            "show this to the person who runs the broker; docs/brokers.md lists what Porchlight needs"
        }
        Failure::NoConnection(_) if proxy::is_used(resolved) => {
            "check the proxy that is named above, and that the computer at the other end is on"
        }
        Failure::NoConnection(_) if resolved.membership.is_some() => {
            "check that the computer that hosts the team is on and connected, and that this one is, too"
        }
        _ if resolved.broker.is_some() => "check the broker's address, and that the broker runs",
        _ => {
            "join a team with `porchlight join LINK`, start one in the app or with `porchlight hub`, or name a broker with --broker"
        }
    }
}

/// What the broker offers, and what to do if something is not known.
async fn describe_broker(
    resolved: &Resolved,
    args: &Doctor,
) -> Result<(String, Option<String>), Failure> {
    let broker = output::broker(resolved)?;
    let address = broker.to_string();
    let part = resolved.user.clone().map_or(Part::Reader, Part::BrokerTest);
    let mut agent = Agent::start(Setup { broker, part, notices: None })?;
    wait_for::wait_until_read(&mut agent, args.timeout.0).await?;
    let health = agent.handle.health().await?;
    agent.handle.command(Command::Quit);
    agent.stopped().await;
    let version = if health.speaks_v5 { "MQTT 5" } else { "MQTT 3.1.1" };
    let aggregates = if health.hub_aggregates {
        "a hub combines the devices of each person"
    } else {
        "each person's devices combine themselves"
    };
    let loss = health.loss_shows_within.map_or_else(
        || "it never reports a lost connection".to_owned(),
        |within| format!("a lost connection shows within {} s", within.as_secs()),
    );
    let found = format!("{address}, {version}; {aggregates}; {loss}");
    if health.roster_access.is_proven() {
        return Ok((found, None));
    }
    let doubt =
        "nothing is stored there yet, so it is unknown whether it hands out stored messages";
    let remedy =
        "start the app or `porchlight run`, or add --user ID; then run this again".to_owned();
    Ok((format!("{found}; {doubt}"), Some(remedy)))
}
