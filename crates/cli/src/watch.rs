//! `porchlight watch`: lists everybody, then each change: as lines, as JSON, for a status bar, or as a live list.

use std::collections::HashMap;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use porchlight_agent::agent::{Agent, Event, Part, Setup};
use porchlight_agent::broker::Broker;
use porchlight_agent::clock;
use porchlight_agent::flags::Flags;
use porchlight_core::id::UserId;
use porchlight_core::view::{ConnectionView, PersonView, Update};

use crate::args::Watch;
use crate::bar::{Escape, Format};
use crate::failure::Failure;
use crate::roster::KnownRoster;
use crate::screen::{Request, Screen};
use crate::signals::Signals;
use crate::style::OutputStyle;
use crate::{output, wait_for};

/// The flags of `watch` that choose how the roster is shown.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputFlags {
    /// Print one line for each change, for a status bar: `waybar`, or a text with {here} {away}
    /// {offline} {total} {names} {away_names} {typing} {calls} {me} {glyph} {link} {as_of}
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["json", "diagnostics"])]
    format: Option<Format>,
    /// Escape names for this bar, so that it shows them as text and never runs them
    #[arg(long, value_name = "BAR", value_enum, default_value_t, requires = "format")]
    escape: Escape,
    /// Print lines even on a terminal, not the live list
    #[arg(long, conflicts_with_all = ["json", "format"])]
    plain: bool,
}

/// How the roster is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The user's own id: status bars and the live list show the others.
    pub(crate) me: Option<UserId>,
    pub(crate) json: bool,
    pub(crate) diagnostics: bool,
    pub(crate) format: Option<Format>,
    pub(crate) escape: Escape,
    pub(crate) plain: bool,
}

impl Shown {
    /// For people: the live list on a terminal, lines otherwise.
    pub(crate) fn for_people() -> Self {
        Self {
            me: None,
            json: false,
            diagnostics: false,
            format: None,
            escape: Escape::Neutral,
            plain: false,
        }
    }

    /// Whether the live list is drawn: for people, on a terminal that can.
    fn is_live(&self) -> bool {
        let lines = self.plain || self.json || self.diagnostics || self.format.is_some();
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        // Windows has no TERM, and its terminals can draw.
        !lines && io::stdout().is_terminal() && (cfg!(windows) || !dumb)
    }
}

pub(crate) async fn watch(flags: &Flags, args: Watch) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = output::broker(&resolved)?;
    let timeout = args.timeout.map(|span| span.0);
    let shown = Shown {
        me: resolved.user.clone(),
        json: args.output.json,
        diagnostics: args.output.diagnostics,
        format: args.how.format,
        escape: args.how.escape,
        plain: args.how.plain,
    };
    follow(broker, shown, timeout).await
}

/// Shows the roster until the user quits, the broker refuses, or there is no first connection in time.
pub(crate) async fn follow(
    broker: Broker,
    shown: Shown,
    timeout: Option<Duration>,
) -> Result<(), Failure> {
    let part = Part::reader(shown.me.clone());
    let mut agent = Agent::start(Setup { broker, part, notices: None })?;
    let diagnostics = shown.diagnostics;
    let mut display = Display::open(shown)?;
    let mut give_up = timeout.map(|timeout| Box::pin(tokio::time::sleep(timeout)));
    let mut last = None;
    loop {
        let event = tokio::select! {
            event = agent.events.recv() => event,
            () = wait_for::elapsed(&mut give_up) => return Err(Failure::no_connection(last.as_ref())),
            request = display.request() => match request {
                Request::Draw => {
                    display.draw()?;
                    continue;
                }
                Request::Quit => return Ok(()),
            },
        };
        match event {
            Some(Event::Show(update)) => {
                match &update.link {
                    Some(ConnectionView::Refused { problem, .. }) => {
                        return Err(Failure::refused(problem));
                    }
                    Some(ConnectionView::Connecting { problem: Some(problem), .. }) => {
                        last = Some(problem.clone());
                    }
                    Some(ConnectionView::Up { .. }) => give_up = None,
                    _ => {}
                }
                display.apply(&update);
                // A burst of updates is drawn once.
                if agent.events.is_empty() {
                    display.draw()?;
                }
            }
            Some(Event::Dropped(counters)) if diagnostics => {
                output::print_json(&serde_json::json!({ "diagnostics": counters }));
            }
            Some(_) => {
                if agent.events.is_empty() {
                    display.draw()?;
                }
            }
            None => return Err(Failure::agent_stopped()),
        }
    }
}

/// Where the roster is shown.
enum Display {
    /// Lines for people, or JSON.
    Lines(Printer),
    /// One line for each change, for a status bar.
    Bar(Bar),
    /// The live list on a terminal. Listening to signals makes sure that the terminal is restored.
    Screen(Box<(Screen, KnownRoster, Signals)>),
}

impl Display {
    fn open(shown: Shown) -> io::Result<Self> {
        let style = OutputStyle::of_output();
        if shown.is_live() {
            let mut screen = Screen::open(style)?;
            let roster = KnownRoster::new(shown.me.as_ref());
            screen.draw(&roster)?;
            return Ok(Self::Screen(Box::new((screen, roster, Signals::listen()))));
        }
        Ok(match shown.format {
            Some(format) => {
                let roster = KnownRoster::new(shown.me.as_ref());
                Self::Bar(Bar { format, escape: shown.escape, roster, last: String::new() })
            }
            None => Self::Lines(Printer {
                json: shown.json,
                style: if shown.json { OutputStyle::NONE } else { style },
                up: None,
                lines: HashMap::new(),
            }),
        })
    }

    fn apply(&mut self, update: &Update) {
        match self {
            Self::Lines(printer) => printer.print(update),
            Self::Bar(bar) => bar.print(update),
            Self::Screen(it) => it.1.apply(update),
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        match self {
            Self::Screen(it) => it.0.draw(&it.1),
            Self::Lines(_) | Self::Bar(_) => Ok(()),
        }
    }

    /// The next request of the user at the terminal. Cancel-safe.
    async fn request(&mut self) -> Request {
        match self {
            Self::Screen(it) => {
                let (screen, _, signals) = &mut **it;
                tokio::select! {
                    request = screen.request() => request,
                    _ = signals.next() => Request::Quit,
                    // At midnight "14:02" becomes "Mon 14:02".
                    () = tokio::time::sleep(clock::until_tomorrow()) => Request::Draw,
                }
            }
            Self::Lines(_) | Self::Bar(_) => std::future::pending().await,
        }
    }
}

/// Prints lines for a status bar.
struct Bar {
    format: Format,
    escape: Escape,
    roster: KnownRoster,
    /// The last line; it is not printed twice, because that would only wake the bar.
    last: String,
}

impl Bar {
    fn print(&mut self, update: &Update) {
        self.roster.apply(update);
        // Before everybody was read there is nothing to count, but a failed connection is worth a line.
        if !self.roster.was_read() && self.roster.problem().is_none() {
            return;
        }
        let line = self.format.line(&self.roster, self.escape);
        if line != self.last {
            output::print_styled(&line);
            self.last = line;
        }
    }
}

/// Prints lines for people, or JSON.
struct Printer {
    json: bool,
    style: OutputStyle,
    /// Whether the last line about the connection was "connected"; `None` before the first one.
    up: Option<bool>,
    /// The last line of each person. It is not printed twice, for example when a second device comes.
    lines: HashMap<String, String>,
}

impl Printer {
    fn print(&mut self, update: &Update) {
        if let Some(link) = &update.link {
            self.print_connection(link);
        }
        for person in update.joins.iter().chain(&update.changes) {
            self.print_person(person);
        }
        for user in &update.leaves {
            self.lines.remove(user);
            if self.json {
                output::print_json(&serde_json::json!({ "forgotten": user }));
            } else {
                output::print(&format!("{}  {user} was removed", time()));
            }
        }
    }

    fn print_connection(&mut self, connection: &ConnectionView) {
        let up = matches!(connection, ConnectionView::Up { .. });
        // A first try that fails is not the end of a connection.
        if self.up == Some(up) || (self.up.is_none() && !up) {
            return;
        }
        self.up = Some(up);
        if self.json {
            let word = if up { "up" } else { "down" };
            output::print_json(&serde_json::json!({ "link": word }));
        } else if up {
            output::print(&format!("{}  connected", time()));
        } else {
            output::print(&format!("{}  not connected; the list stays as last known", time()));
        }
    }

    fn print_person(&mut self, person: &PersonView) {
        if self.json {
            output::print_json(person);
            return;
        }
        let line = output::person_line(person, self.style);
        let before = self.lines.insert(person.user.clone(), line.clone());
        if !person.stale && before.as_ref() != Some(&line) {
            output::print_styled(&format!("{}  {line}", self.style.dim(&time())));
        }
    }
}

fn time() -> String {
    clock::local(clock::now().wall)
}
