//! `porchlight doctor`: what is watched here, what is missing, and what to do about it.
//!
//! Deliberately changes nothing that others see, and is nobody's presence: it looks as a reader does. Where nothing is
//! stored yet it leaves a mark at the broker for a moment, to find out whether the broker hands out what it stores.

use porchlight_activity::SessionEnv;
use porchlight_agent::agent::{Agent, Event, Part, Setup};
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_core::input::Command;
use serde::Serialize;

use crate::args::Doctor;
use crate::failure::Failure;
use crate::{output, wait_for};

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// What it is about: `idle`, `lock`, `broker`, ...
    about: String,
    /// Whether all is well.
    ok: bool,
    /// What was found.
    found: String,
    /// What to do, where there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

pub(crate) async fn doctor(flags: &Flags, args: Doctor) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let mut findings = activity(&resolved).await;
    findings.push(state(&resolved));
    findings.push(broker(&resolved, &args).await);
    if args.json {
        output::print_json(&findings);
        return Ok(());
    }
    for finding in &findings {
        let mark = if finding.ok { "ok     " } else { "missing" };
        output::print(&format!("{mark}  {:<15} {}", finding.about, finding.found));
        if let Some(remedy) = &finding.remedy {
            output::print(&format!("                         -> {remedy}"));
        }
    }
    Ok(())
}

/// What each source can tell.
async fn activity(resolved: &Resolved) -> Vec<Finding> {
    let env = SessionEnv::from_env();
    let mut watch = porchlight_activity::start(resolved.activity(), &env).await;
    watch.settle().await;
    let mut findings = Vec::new();
    for (subject, source) in watch.report() {
        let (found, remedy) = match &source.missing {
            Some(missing) => (missing.what.clone(), Some(missing.remedy.clone())),
            None => (format!("by {} (tells {})", source.name, source.tells), None),
        };
        let ok = remedy.is_none();
        findings.push(Finding { about: subject.to_string(), ok, found, remedy });
    }
    findings
}

/// Whether what is to be kept can be kept.
fn state(resolved: &Resolved) -> Finding {
    let folder = &resolved.places.state;
    let about = "state".to_owned();
    match porchlight_agent::places::writable(folder) {
        Ok(()) => Finding { about, ok: true, found: folder.display().to_string(), remedy: None },
        Err(error) => Finding {
            about,
            ok: false,
            found: format!("{} can't be written ({error})", folder.display()),
            remedy: Some("check free space and permissions; presence goes on without".to_owned()),
        },
    }
}

/// Whether the team can be reached, and how soon a loss shows there.
async fn broker(resolved: &Resolved, args: &Doctor) -> Finding {
    let about = "broker".to_owned();
    match look(resolved, args).await {
        Ok((found, remedy)) => Finding { about, ok: true, found, remedy },
        Err(failure) => {
            // The broker is there: another address is no remedy.
            let remedy = if matches!(failure, Failure::Refused(_)) {
                "show this to whoever runs the broker; docs/brokers.md says what it has to do"
            } else {
                "name one with --broker mqtt://host:port, start the app, or run `porchlight hub --open`"
            };
            let remedy = Some(remedy.to_owned());
            Finding { about, ok: false, found: failure.words(), remedy }
        }
    }
}

/// What there is to say of the broker, and what to do where something is not known.
async fn look(resolved: &Resolved, args: &Doctor) -> Result<(String, Option<String>), Failure> {
    let broker = output::broker(resolved)?;
    let words = broker.to_string();
    let part = resolved.user.clone().map_or(Part::Reader, Part::BrokerTest);
    let mut agent = Agent::start(Setup { broker, part, notices: None })?;
    wait_for::wait(&mut agent, args.timeout.0, |event| {
        (*event == Event::SnapshotRead).then_some(Ok(()))
    })
    .await?;
    let health = agent.handle.health().await?;
    agent.handle.command(Command::Quit);
    agent.stopped().await;
    let spoken = if health.speaks_v5 { "MQTT 5" } else { "MQTT 3.1.1" };
    let sums =
        if health.hub_aggregates { "a hub writes the sums" } else { "devices write the sums" };
    let loss = health.loss_shows_within.map_or_else(
        || "it waits for ever for a lost connection".to_owned(),
        |within| format!("a lost connection shows within {} s", within.as_secs()),
    );
    let found = format!("{words} by {spoken}; {sums}; {loss}");
    if health.roster_access.is_proven() {
        return Ok((found, None));
    }
    let doubt = "it has stored nothing that we could read, so we don't know whether it hands out what it stores";
    let remedy = "say who you are with --user, or start the app; then ask again".to_owned();
    Ok((format!("{found}; {doubt}"), Some(remedy)))
}
