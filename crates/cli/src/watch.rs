//! `porchlight watch`: everybody, then every change.

use std::collections::HashMap;
use std::time::Duration;

use porchlight_agent::agent::{Agent, Event, Part, Setup};
use porchlight_agent::broker::Broker;
use porchlight_agent::clock;
use porchlight_agent::flags::Flags;
use porchlight_core::view::{LinkView, PersonView, Update};

use crate::args::Watch;
use crate::failure::Failure;
use crate::say;

pub(crate) async fn watch(flags: &Flags, args: Watch) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = say::broker(&resolved)?;
    let timeout = args.timeout.map(|span| span.0);
    follow(broker, args.output.json, args.output.diagnostics, timeout).await
}

/// Prints until the program ends, or the broker refuses, or there is no first connection in time.
pub(crate) async fn follow(
    broker: Broker,
    json: bool,
    diagnostics: bool,
    timeout: Option<Duration>,
) -> Result<(), Failure> {
    let mut agent = Agent::start(Setup { broker, part: Part::Reader, notices: false })?;
    let mut printer = Printer { json, up: None, lines: HashMap::new() };
    let mut give_up = timeout.map(|timeout| Box::pin(tokio::time::sleep(timeout)));
    let mut last = None;
    loop {
        let event = tokio::select! {
            event = agent.events.recv() => event,
            () = expired(&mut give_up) => return Err(Failure::no_connection(last.as_ref())),
        };
        match event {
            Some(Event::Show(update)) => {
                match &update.link {
                    Some(LinkView::Refused { problem, .. }) => {
                        return Err(Failure::refused(problem));
                    }
                    Some(LinkView::Connecting { problem: Some(problem), .. }) => {
                        last = Some(problem.clone());
                    }
                    Some(LinkView::Up { .. }) => give_up = None,
                    _ => {}
                }
                printer.print(&update);
            }
            Some(Event::Dropped(counters)) if diagnostics => {
                say::print(&say::json(&serde_json::json!({ "diagnostics": counters })));
            }
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

async fn expired(timer: &mut Option<std::pin::Pin<Box<tokio::time::Sleep>>>) {
    match timer {
        Some(timer) => timer.await,
        None => std::future::pending().await,
    }
}

struct Printer {
    json: bool,
    /// Whether the link was last said to be up; `None` before the first word on it.
    up: Option<bool>,
    /// What was last said of each person: a second device alone is no news to a reader of lines.
    lines: HashMap<String, String>,
}

impl Printer {
    fn print(&mut self, update: &Update) {
        if let Some(link) = &update.link {
            self.print_link(link);
        }
        for person in update.joins.iter().chain(&update.changes) {
            self.print_person(person);
        }
        for user in &update.leaves {
            self.lines.remove(user);
            let line = if self.json {
                say::json(&serde_json::json!({ "forgotten": user }))
            } else {
                format!("{}  {user} is forgotten", time())
            };
            say::print(&line);
        }
    }

    fn print_link(&mut self, link: &LinkView) {
        let up = matches!(link, LinkView::Up { .. });
        // A first try that has not come to anything is no connection that went.
        if self.up == Some(up) || (self.up.is_none() && !up) {
            return;
        }
        self.up = Some(up);
        if self.json {
            let word = if up { "up" } else { "down" };
            say::print(&say::json(&serde_json::json!({ "link": word })));
        } else if up {
            say::print(&format!("{}  connected", time()));
        } else {
            say::print(&format!("{}  not connected; what was known stays listed", time()));
        }
    }

    fn print_person(&mut self, person: &PersonView) {
        if self.json {
            say::print(&say::json(person));
            return;
        }
        let line = say::line(person);
        let said = self.lines.insert(person.user.clone(), line.clone());
        if !person.stale && said.as_ref() != Some(&line) {
            say::print(&format!("{}  {line}", time()));
        }
    }
}

fn time() -> String {
    clock::local(clock::now().wall)
}
