//! `porchlight who`: everybody, once.

use porchlight_agent::agent::{Agent, Event, Part, Setup};
use porchlight_agent::flags::Flags;
use porchlight_core::input::Command;
use porchlight_core::view::PersonView;

use crate::args::Who;
use crate::failure::Failure;
use crate::ink::Ink;
use crate::{answer, say};

pub(crate) async fn who(flags: &Flags, args: Who) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = say::broker(&resolved)?;
    let mut agent =
        Agent::start(Setup { broker, part: Part::reader(resolved.user), notices: None })?;
    answer::wait(&mut agent, args.timeout.0, |event| {
        (*event == Event::SnapshotRead).then_some(Ok(()))
    })
    .await?;
    let mut people = agent.handle.people().await?;
    let diagnostics = agent.handle.diagnostics().await?;
    let health = agent.handle.health().await?;
    agent.handle.command(Command::Quit);
    people.sort_by_cached_key(PersonView::order);
    if args.output.json {
        say::print_json(&people);
    } else {
        let ink = Ink::of_output();
        // Handed on as one: three hundred writes wake a reader three hundred times.
        let mut lines = Vec::with_capacity(people.len());
        for person in &people {
            lines.push(say::line(person, ink));
            lines.extend(say::why(person, ink).filter(|_| args.why));
        }
        if !lines.is_empty() {
            say::print_inked(&lines.join("\n"));
        }
        if people.is_empty() {
            say::note(if health.roster_access.is_proven() {
                say::NOBODY
            } else {
                say::NOBODY_SEEN
            });
        }
    }
    if args.output.diagnostics {
        say::print_json(&serde_json::json!({ "diagnostics": diagnostics }));
    }
    agent.stopped().await;
    Ok(())
}
