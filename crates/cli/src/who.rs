//! `porchlight who`: everybody, once.

use porchlight_agent::agent::{Agent, Event, Part, Setup};
use porchlight_agent::flags::Flags;
use porchlight_core::input::Command;
use porchlight_core::view::PersonView;

use crate::args::Who;
use crate::failure::Failure;
use crate::style::OutputStyle;
use crate::{output, wait_for};

pub(crate) async fn who(flags: &Flags, args: Who) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = output::broker(&resolved)?;
    let mut agent =
        Agent::start(Setup { broker, part: Part::reader(resolved.user), notices: None })?;
    wait_for::wait(&mut agent, args.timeout.0, |event| {
        (*event == Event::SnapshotRead).then_some(Ok(()))
    })
    .await?;
    let mut people = agent.handle.people().await?;
    let diagnostics = agent.handle.diagnostics().await?;
    let health = agent.handle.health().await?;
    agent.handle.command(Command::Quit);
    people.sort_by_cached_key(PersonView::order);
    if args.output.json {
        output::print_json(&people);
    } else {
        let ink = OutputStyle::of_output();
        // Handed on as one: three hundred writes wake a reader three hundred times.
        let mut lines = Vec::with_capacity(people.len());
        for person in &people {
            lines.push(output::line(person, ink));
            lines.extend(output::why(person, ink).filter(|_| args.why));
        }
        if !lines.is_empty() {
            output::print_inked(&lines.join("\n"));
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
