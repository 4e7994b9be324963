//! `porchlight watch`: everybody, then every change.

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
use crate::output;
use crate::roster::KnownRoster;
use crate::screen::{Request, Screen};
use crate::signals::Signals;
use crate::style::OutputStyle;

/// How it is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// One line a change for a status bar: `waybar`, or a text with {here} {away} {offline} {total} {names}
    /// {away_names} {typing} {calls} {me} {glyph} {link} {as_of}
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["json", "diagnostics"])]
    format: Option<Format>,
    /// Write names so that this bar shows them as text and runs nothing in them
    #[arg(long, value_name = "BAR", value_enum, default_value_t, requires = "format")]
    escape: Escape,
    /// Lines, on a terminal too
    #[arg(long, conflicts_with_all = ["json", "format"])]
    plain: bool,
}

/// Who is shown the room, and how.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Who looks: bars and the live roster list the others.
    pub(crate) me: Option<UserId>,
    pub(crate) json: bool,
    pub(crate) diagnostics: bool,
    pub(crate) format: Option<Format>,
    pub(crate) escape: Escape,
    pub(crate) plain: bool,
}

impl Shown {
    /// To whoever sits at the terminal.
    pub(crate) fn to_people() -> Self {
        Self {
            me: None,
            json: false,
            diagnostics: false,
            format: None,
            escape: Escape::Neutral,
            plain: false,
        }
    }

    /// Whether a live roster is drawn: for eyes, on a terminal that can.
    fn live(&self) -> bool {
        let lines = self.plain || self.json || self.diagnostics || self.format.is_some();
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        // Windows says nothing of its terminals, and they can.
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

/// Shows until the person or the program ends it, or the broker refuses, or there is no first connection in time.
pub(crate) async fn follow(
    broker: Broker,
    shown: Shown,
    timeout: Option<Duration>,
) -> Result<(), Failure> {
    let part = Part::reader(shown.me.clone());
    let mut agent = Agent::start(Setup { broker, part, notices: None })?;
    let diagnostics = shown.diagnostics;
    let mut eyes = Eyes::open(shown)?;
    let mut give_up = timeout.map(|timeout| Box::pin(tokio::time::sleep(timeout)));
    let mut last = None;
    loop {
        let event = tokio::select! {
            event = agent.events.recv() => event,
            () = expired(&mut give_up) => return Err(Failure::no_connection(last.as_ref())),
            wish = eyes.wish() => match wish {
                Request::Draw => {
                    eyes.draw()?;
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
                eyes.see(&update);
                // A burst is drawn once.
                if agent.events.is_empty() {
                    eyes.draw()?;
                }
            }
            Some(Event::Dropped(counters)) if diagnostics => {
                output::print_json(&serde_json::json!({ "diagnostics": counters }));
            }
            Some(_) => {
                if agent.events.is_empty() {
                    eyes.draw()?;
                }
            }
            None => return Err(Failure::ended()),
        }
    }
}

/// What is shown to whom.
enum Eyes {
    /// Line by line.
    Lines(Printer),
    /// A line a change, for a bar.
    Bar(Bar),
    /// A terminal's whole screen. The signals are listened to so that the terminal is given back.
    Screen(Box<(Screen, KnownRoster, Signals)>),
}

impl Eyes {
    fn open(shown: Shown) -> io::Result<Self> {
        let ink = OutputStyle::of_output();
        if shown.live() {
            let mut screen = Screen::open(ink)?;
            let room = KnownRoster::new(shown.me.as_ref());
            screen.draw(&room)?;
            return Ok(Self::Screen(Box::new((screen, room, Signals::listen()))));
        }
        Ok(match shown.format {
            Some(format) => {
                let room = KnownRoster::new(shown.me.as_ref());
                Self::Bar(Bar { format, escape: shown.escape, room, last: String::new() })
            }
            None => Self::Lines(Printer {
                json: shown.json,
                ink: if shown.json { OutputStyle::NONE } else { ink },
                up: None,
                lines: HashMap::new(),
            }),
        })
    }

    fn see(&mut self, update: &Update) {
        match self {
            Self::Lines(printer) => printer.print(update),
            Self::Bar(bar) => bar.see(update),
            Self::Screen(it) => it.1.apply(update),
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        match self {
            Self::Screen(it) => it.0.draw(&it.1),
            Self::Lines(_) | Self::Bar(_) => Ok(()),
        }
    }

    /// What the person at the terminal wants. Cancel-safe.
    async fn wish(&mut self) -> Request {
        match self {
            Self::Screen(it) => {
                let (screen, _, signals) = &mut **it;
                tokio::select! {
                    wish = screen.wish() => wish,
                    _ = signals.next() => Request::Quit,
                    // What was "14:02" is "Mon 14:02" then.
                    () = tokio::time::sleep(clock::until_tomorrow()) => Request::Draw,
                }
            }
            Self::Lines(_) | Self::Bar(_) => std::future::pending().await,
        }
    }
}

struct Bar {
    format: Format,
    escape: Escape,
    room: KnownRoster,
    /// What was printed last: the same again would only wake the bar up.
    last: String,
}

impl Bar {
    fn see(&mut self, update: &Update) {
        self.room.apply(update);
        // Before anybody was read there is nothing to count; that there is no connection is worth a line.
        if !self.room.was_read() && self.room.problem().is_none() {
            return;
        }
        let line = self.format.line(&self.room, self.escape);
        if line != self.last {
            output::print_inked(&line);
            self.last = line;
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
    ink: OutputStyle,
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
            if self.json {
                output::print_json(&serde_json::json!({ "forgotten": user }));
            } else {
                output::print(&format!("{}  {user} is forgotten", time()));
            }
        }
    }

    fn print_link(&mut self, link: &ConnectionView) {
        let up = matches!(link, ConnectionView::Up { .. });
        // A first try that has not come to anything is no connection that went.
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
            output::print(&format!("{}  not connected; what was known stays listed", time()));
        }
    }

    fn print_person(&mut self, person: &PersonView) {
        if self.json {
            output::print_json(person);
            return;
        }
        let line = output::line(person, self.ink);
        let said = self.lines.insert(person.user.clone(), line.clone());
        if !person.stale && said.as_ref() != Some(&line) {
            output::print_inked(&format!("{}  {line}", self.ink.dim(&time())));
        }
    }
}

fn time() -> String {
    clock::local(clock::now().wall)
}
