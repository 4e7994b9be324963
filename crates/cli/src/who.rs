//! `porchlight who`: lists everybody once.

use std::time::Duration;

use porchlight_agent::agent::{Agent, Part, Setup};
use porchlight_agent::flags::Flags;
use porchlight_core::input::Command;
use porchlight_core::view::{Group, PersonView};

use crate::args::Who;
use crate::failure::Failure;
use crate::style::OutputStyle;
use crate::{output, status, wait_for};

/// How long the question may take whether the person is invisible. Without an answer their line shows what others see.
const INVISIBLE_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) async fn who(flags: &Flags, args: Who) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = output::broker(&resolved)?;
    let part = Part::reader(resolved.user.clone());
    let mut agent = Agent::start(Setup { broker: broker.clone(), part, notices: None })?;
    wait_for::wait_until_read(&mut agent, args.timeout.0).await?;
    let mut people = agent.handle.people().await?;
    let diagnostics = agent.handle.diagnostics().await?;
    let health = agent.handle.health().await?;
    agent.handle.command(Command::Quit);
    people.sort_by_cached_key(PersonView::order);
    if args.output.json {
        output::print_json(&people);
    } else {
        let style = OutputStyle::of_output();
        // One write: three hundred of them would wake a reader three hundred times.
        let mut lines = Vec::with_capacity(people.len());
        for person in &people {
            let mut line = output::person_line(person, style);
            if let Some(user) = resolved.user.as_ref().filter(|user| user.as_str() == person.user)
                && person.group() == Group::Offline
                && status::is_invisible(broker.clone(), user.clone(), INVISIBLE_TIMEOUT).await
                    == Some(true)
            {
                line.push_str("  (you are invisible)");
            }
            lines.push(line);
            lines.extend(output::evidence_line(person, style).filter(|_| args.why));
        }
        if !lines.is_empty() {
            output::print_styled(&lines.join("\n"));
        }
        if people.is_empty() {
            output::note(if health.roster_access.is_proven() {
                output::NOBODY
            } else {
                output::NOBODY_SEEN
            });
        }
    }
    if args.output.diagnostics {
        output::print_json(&serde_json::json!({ "diagnostics": diagnostics }));
    }
    agent.stopped().await;
    Ok(())
}
