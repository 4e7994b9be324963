//! `porchlight wait`: ends once a person is online.
//!
//! Owns what counts: online, and not merely last known. Away, do not disturb and a status of the person's own do not
//! count, because the user wants to talk to them.

use porchlight_agent::agent::{Agent, Event, Part, Setup};
use porchlight_agent::config::Span;
use porchlight_agent::flags::Flags;
use porchlight_core::view::{ConnectionView, PersonView, Problem};

use crate::failure::Failure;
use crate::output;
use crate::roster::{KnownRoster, find_person};
use crate::style::OutputStyle;

/// The arguments of `porchlight wait`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  porchlight wait alice --until 30m && notify-send \"Alice is back\"

It waits until the person is online; away and do not disturb do not count.

Exit codes: 0 online; 1 not online in time; 2 wrong usage; 3 no connection when the time ended;
4 refused by the broker.")]
pub(crate) struct Args {
    /// The person's id, or their name if only one person has it
    #[arg(id = "person", value_name = "PERSON")]
    person: String,
    /// Give up after this time, for example 30m [default: never]
    #[arg(long, value_name = "TIME")]
    until: Option<Span>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn wait(flags: &Flags, args: Args) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = output::broker(&resolved)?;
    let mut agent =
        Agent::start(Setup { broker, part: Part::reader(resolved.user), notices: None })?;
    let mut waiting =
        Waiting { person: args.person, roster: KnownRoster::new(None), problem: None };
    let limit = args.until.map(|span| span.0);
    let came = match limit {
        Some(limit) => tokio::time::timeout(limit, waiting.until_here(&mut agent)).await.ok(),
        None => Some(waiting.until_here(&mut agent).await),
    };
    let here = came.transpose()?.is_some();
    // Without a connection nobody knows whether they are here.
    if !here && !waiting.roster.is_up() {
        return Err(Failure::no_connection(waiting.problem.as_ref()));
    }
    let person = waiting.find().ok().flatten();
    if args.json {
        output::print_json(&Answer { here, person });
    } else if let Some(person) = person {
        output::print_styled(&output::person_line(person, OutputStyle::of_output()));
    } else {
        output::print(&format!("nobody called {} has been here yet", waiting.person));
        if waiting.roster.may_be_unread() {
            output::note(output::NOBODY_SEEN);
        }
    }
    if here { Ok(()) } else { Err(Failure::NotHere) }
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Answer<'a> {
    /// Whether the person is online.
    here: bool,
    /// The person as `who` shows them; `None` if they were never seen.
    person: Option<&'a PersonView>,
}

/// The state of a wait for one person.
struct Waiting {
    person: String,
    roster: KnownRoster,
    /// Why there is no connection.
    problem: Option<Problem>,
}

impl Waiting {
    /// Ends once they are online. Cancel-safe.
    async fn until_here(&mut self, agent: &mut Agent) -> Result<(), Failure> {
        loop {
            let Some(event) = agent.events.recv().await else {
                return Err(Failure::agent_stopped());
            };
            let Event::Show(update) = event else {
                continue;
            };
            match &update.link {
                Some(ConnectionView::Refused { problem, .. }) => {
                    return Err(Failure::refused(problem));
                }
                Some(ConnectionView::Connecting { problem, .. }) => {
                    self.problem.clone_from(problem);
                }
                _ => {}
            }
            self.roster.apply(&update);
            if self.roster.is_up() && self.find()?.is_some_and(is_online) {
                return Ok(());
            }
        }
    }

    fn find(&self) -> Result<Option<&PersonView>, Failure> {
        find_person(self.roster.others(), &self.person)
    }
}

fn is_online(person: &PersonView) -> bool {
    person.status == "online" && !person.stale
}
