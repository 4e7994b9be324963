//! `porchlight set` and `clear`: what the person says of themselves, beside whatever runs.

use std::time::Duration;

use porchlight_agent::agent::{Agent, Event, Part, Setup};
use porchlight_agent::flags::Flags;
use porchlight_core::input::Command;

use crate::args::{Clear, Set};
use crate::failure::Failure;
use crate::{output, wait_for};

pub(crate) async fn set(flags: &Flags, args: Set) -> Result<(), Failure> {
    let command = Command::Choose {
        status: args.status.into(),
        text: args.text,
        emoji: args.emoji,
        lasting: args.lasting.map(|span| span.0),
    };
    write(flags, command, args.timeout.0).await
}

pub(crate) async fn clear(flags: &Flags, args: Clear) -> Result<(), Failure> {
    write(flags, Command::ClearChosen, args.timeout.0).await
}

async fn write(flags: &Flags, command: Command, timeout: Duration) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = output::broker(&resolved)?;
    let user = resolved.user.clone().ok_or_else(|| {
        Failure::Usage(format!(
            "whose status? Say who you are with --user, or in {}",
            resolved.places.config_file().display()
        ))
    })?;
    let mut agent = Agent::start(Setup { broker, part: Part::Chooser(user), notices: None })?;
    agent.handle.command(command);
    wait_for::wait(&mut agent, timeout, |event| match event {
        Event::ChoiceSettled(Ok(())) => Some(Ok(())),
        Event::ChoiceSettled(Err(refusal)) => Some(Err(Failure::Refused(format!(
            "the broker did not take it ({refusal}); may this user write to their own topics?"
        )))),
        _ => None,
    })
    .await?;
    agent.handle.command(Command::Quit);
    agent.stopped().await;
    Ok(())
}
