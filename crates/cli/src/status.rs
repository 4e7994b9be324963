//! `porchlight set` and `porchlight clear`: the status that a person chooses for all their devices.
//!
//! Deliberately disturbs no running app: it writes the choice, and the devices follow it.

use std::time::Duration;

use porchlight_agent::agent::{Agent, Event, Part, Setup};
use porchlight_agent::broker::Broker;
use porchlight_agent::flags::Flags;
use porchlight_core::id::UserId;
use porchlight_core::input::Command;
use porchlight_core::view::{ChosenStatus, Group};

use crate::args::{Clear, Set};
use crate::failure::Failure;
use crate::roster::KnownRoster;
use crate::{output, wait_for};

/// How long to look for a device of the person's own. One that was invisible needs a moment to come back.
const LOOK_FOR_DEVICE: Duration = Duration::from_secs(2);

pub(crate) async fn set(flags: &Flags, args: Set) -> Result<(), Failure> {
    let status: ChosenStatus = args.status.into();
    let command = Command::Choose {
        status,
        text: args.text,
        emoji: args.emoji,
        lasting: args.duration.map(|span| span.0),
    };
    let (broker, user) = publish(flags, command, args.timeout.0).await?;
    if status != ChosenStatus::Invisible && is_here(broker, user).await == Some(false) {
        output::note(
            "saved; none of your devices is online, so others see it once the app or `porchlight run` runs",
        );
    }
    Ok(())
}

pub(crate) async fn clear(flags: &Flags, args: Clear) -> Result<(), Failure> {
    publish(flags, Command::ClearChosen, args.timeout.0).await.map(drop)
}

async fn publish(
    flags: &Flags,
    command: Command,
    timeout: Duration,
) -> Result<(Broker, UserId), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = output::broker(&resolved)?;
    let user = output::own_user(&resolved)?;
    let part = Part::Chooser(user.clone());
    let mut agent = Agent::start(Setup { broker: broker.clone(), part, notices: None })?;
    agent.handle.command(command);
    wait_for::wait(&mut agent, timeout, |event| match event {
        Event::ChoiceSettled(Ok(())) => Some(Ok(())),
        Event::ChoiceSettled(Err(refusal)) => Some(Err(Failure::Refused(format!(
            "your status was not saved ({refusal}); check that the broker lets you write to your own topics, or try again"
        )))),
        _ => None,
    })
    .await?;
    agent.handle.command(Command::Quit);
    agent.stopped().await;
    Ok((broker, user))
}

/// Whether others see a device of this person; `None` if that can't be found out in time.
async fn is_here(broker: Broker, user: UserId) -> Option<bool> {
    let mut roster = KnownRoster::new(Some(&user));
    let part = Part::ReaderFor(user);
    let mut agent = Agent::start(Setup { broker, part, notices: None }).ok()?;
    let found = wait_for::wait(&mut agent, LOOK_FOR_DEVICE, |event| {
        let Event::Show(update) = event else { return None };
        roster.apply(update);
        roster.me().is_some_and(|me| me.group() != Group::Offline).then_some(Ok(()))
    });
    let is_found = found.await.is_ok();
    let is_known = is_found || (roster.was_read() && !roster.may_be_unread());
    agent.handle.command(Command::Quit);
    agent.stopped().await;
    is_known.then_some(is_found)
}

/// Whether this person is invisible, which only their own devices can read; `None` if that can't be found out in time.
pub(crate) async fn is_invisible(broker: Broker, user: UserId, timeout: Duration) -> Option<bool> {
    let part = Part::Chooser(user);
    let mut agent = Agent::start(Setup { broker, part, notices: None }).ok()?;
    wait_for::wait_until_read(&mut agent, timeout).await.ok()?;
    let health = agent.handle.health().await.ok()?;
    agent.handle.command(Command::Quit);
    agent.stopped().await;
    health.is_invisible
}
