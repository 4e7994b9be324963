//! `porchlight wait`: ends when somebody is here.
//!
//! Owns what *here* means: online, as their devices and they themselves say, and not merely last known. Away, do not
//! disturb and a word of their own are not it: whoever waits wants to speak to somebody.

use porchlight_agent::agent::{Agent, Event, Part, Setup};
use porchlight_agent::config::Span;
use porchlight_agent::flags::Flags;
use porchlight_core::view::{ConnectionView, PersonView, Problem};

use crate::failure::Failure;
use crate::output;
use crate::roster::KnownRoster;
use crate::style::OutputStyle;

/// Whom to wait for, and how long.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Here is who is online: not away, not do-not-disturb, not offline, and not merely last known to be so.\n\
                  Exit codes: 0 here; 1 not here when the time was over; 2 wrong usage; 3 no connection when the time \
                  was over; 4 refused by the broker."
)]
pub(crate) struct Args {
    /// Their id, or the name shown where only one has it
    #[arg(id = "person", value_name = "PERSON")]
    person: String,
    /// For how long, for example 30m [default: for ever]
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
    let mut wanted = Wanted { person: args.person, room: KnownRoster::new(None), problem: None };
    let limit = args.until.map(|span| span.0);
    let came = match limit {
        Some(limit) => tokio::time::timeout(limit, wanted.come(&mut agent)).await.ok(),
        None => Some(wanted.come(&mut agent).await),
    };
    let here = came.transpose()?.is_some();
    // What was not read can't be said to be so.
    if !here && !wanted.room.is_up() {
        return Err(Failure::no_connection(wanted.problem.as_ref()));
    }
    let person = wanted.find().ok().flatten();
    if args.json {
        output::print_json(&Answer { here, person });
    } else if let Some(person) = person {
        output::print_inked(&output::line(person, OutputStyle::of_output()));
    } else {
        output::print(&format!("{} was not seen yet", wanted.person));
        if wanted.room.may_be_unread() {
            output::note(output::NOBODY_SEEN);
        }
    }
    if here { Ok(()) } else { Err(Failure::NotHere) }
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Answer<'a> {
    /// Whether they are here.
    here: bool,
    /// As `who` has it; nobody where the person was not seen yet.
    person: Option<&'a PersonView>,
}

struct Wanted {
    person: String,
    room: KnownRoster,
    /// Why there is no connection.
    problem: Option<Problem>,
}

impl Wanted {
    /// Ends when they are here. Cancel-safe.
    async fn come(&mut self, agent: &mut Agent) -> Result<(), Failure> {
        loop {
            let Some(event) = agent.events.recv().await else {
                return Err(Failure::ended());
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
            self.room.apply(&update);
            if self.room.is_up() && self.find()?.is_some_and(is_here) {
                return Ok(());
            }
        }
    }

    /// The person of that id, else the one of that name.
    fn find(&self) -> Result<Option<&PersonView>, Failure> {
        let people = self.room.others();
        if let Some(person) = people.iter().find(|person| person.user == self.person) {
            return Ok(Some(person));
        }
        let wanted = self.person.to_lowercase();
        let named: Vec<_> =
            people.into_iter().filter(|person| person.name.to_lowercase() == wanted).collect();
        match named[..] {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            [..] => {
                let ids: Vec<_> = named.iter().map(|person| person.user.as_str()).collect();
                Err(Failure::Usage(format!(
                    "several are called {}; say whom by the id: {}",
                    self.person,
                    ids.join(", ")
                )))
            }
        }
    }
}

fn is_here(person: &PersonView) -> bool {
    person.status == "online" && !person.stale
}
