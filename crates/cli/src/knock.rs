//! `porchlight knock` and `porchlight wave`: ask a person for a moment, or say hello.
//!
//! Deliberately disturbs no running app: a knock belongs to this process and is withdrawn when it ends.

use std::pin::Pin;
use std::time::Duration;

use clap::Args as ArgGroup;
use porchlight_agent::agent::{Agent, Event, Part, Setup};
use porchlight_agent::clock;
use porchlight_agent::config::Span;
use porchlight_agent::flags::Flags;
use porchlight_core::id::UserId;
use porchlight_core::input::Command;
use porchlight_core::signal::SignalCommand;
use porchlight_core::view::signals::{ExchangeStage, ExchangeView, FailureView, When};
use porchlight_core::view::{ChosenStatus, Group};
use porchlight_core::words;
use tokio::time::Sleep;

use crate::failure::Failure;
use crate::roster::find_person;
use crate::sent_limit::{Kind, SentLimit};
use crate::signals::{Request, Signals};
use crate::{output, wait_for};

/// The arguments of `porchlight knock`.
#[derive(Debug, ArgGroup)]
#[command(after_help = "\
Examples:
  porchlight knock bob \"Got a minute?\"
  porchlight knock bob --when-back

Exit codes: 0 answered; 1 not answered in time; 2 wrong usage; 3 no connection in time; 4 refused by
the broker; 5 not sent: the person is offline, you are invisible, nobody has that name, or you
knocked five times within a minute.")]
pub(crate) struct Knock {
    // Named apart from the global flag --user.
    /// The person's id, or their name if only one person has it
    #[arg(id = "whom", value_name = "USER")]
    whom: String,
    /// Your message, at most 280 characters
    text: Option<String>,
    /// If the person is not here, wait until they are
    #[arg(long)]
    when_back: bool,
    /// Wait until you are both online and not in a call
    #[arg(long, conflicts_with = "when_back")]
    when_free: bool,
    /// How long to wait for an answer once the knock is sent; then it is withdrawn
    #[arg(long, value_name = "TIME", default_value = "60s")]
    wait: Span,
    /// Print each step as a line of JSON
    #[arg(long)]
    json: bool,
    /// Give up after this time without a connection
    #[arg(long, value_name = "TIME", default_value = "10s")]
    timeout: Span,
}

/// The arguments of `porchlight wave`.
#[derive(Debug, ArgGroup)]
#[command(after_help = "\
Example:
  porchlight wave bob 🎉

Exit codes: 0 sent; 2 wrong usage; 3 no connection in time; 4 refused by the broker; 5 not sent: the
person is offline, you are invisible, nobody has that name, or you waved five times within a minute.")]
pub(crate) struct Wave {
    /// The person's id, or their name if only one person has it
    #[arg(id = "whom", value_name = "USER")]
    whom: String,
    /// The emoji to send
    #[arg(default_value = "👋")]
    emoji: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Give up after this time without a connection
    #[arg(long, value_name = "TIME", default_value = "10s")]
    timeout: Span,
}

pub(crate) async fn knock(flags: &Flags, args: Knock) -> Result<(), Failure> {
    let when = match (args.when_back, args.when_free) {
        (true, _) => When::Back,
        (_, true) => When::BothFree,
        _ => When::Now,
    };
    let text = args.text.as_deref().map(porchlight_core::signal::message_text);
    let text = text.transpose().map_err(Failure::usage)?.flatten();
    let Call { mut agent, may_be_unread, to, am_here, is_busy, limit } =
        connect(flags, &args.whom, Kind::Knock, args.timeout.0).await?;
    if when == When::BothFree && !am_here {
        return Err(Failure::NotSent(
            "you are offline yourself, so you can't both be free; start the app or `porchlight run` first"
                .to_owned(),
        ));
    }
    let mut signals = Signals::listen();
    agent.handle.command(Command::Signal(SignalCommand::Knock { to, text, when }));
    let mut follower =
        Follower { json: args.json, wait: args.wait.0, is_busy, limit, last: None, give_up: None };
    let outcome = tokio::select! {
        outcome = follower.follow(&mut agent) => outcome,
        () = stop(&mut signals) => Err(Failure::Unanswered("the knock is withdrawn".to_owned())),
    };
    // Nobody waits for an answer any more.
    if outcome.is_err() {
        withdraw(&agent).await;
    }
    agent.handle.command(Command::Quit);
    agent.stopped().await;
    note_unread(&outcome, may_be_unread);
    outcome
}

pub(crate) async fn wave(flags: &Flags, args: Wave) -> Result<(), Failure> {
    let Call { mut agent, may_be_unread, to, limit, .. } =
        connect(flags, &args.whom, Kind::Wave, args.timeout.0).await?;
    let emoji = Some(args.emoji);
    agent.handle.command(Command::Signal(SignalCommand::Wave { to, emoji }));
    let sent = wait_for::wait(&mut agent, args.timeout.0, |event| {
        let exchange = exchange(event)?;
        if exchange.stage < ExchangeStage::Failed {
            return None;
        }
        if args.json {
            output::print(&output::json(&exchange));
        }
        Some(exchange.failure.as_ref().map_or(Ok(()), |failure| Err(not_sent(failure))))
    })
    .await;
    if sent.is_ok() {
        limit.record();
    }
    agent.handle.command(Command::Quit);
    agent.stopped().await;
    note_unread(&sent, may_be_unread);
    sent
}

/// A connection over which to knock or wave, and what is known of the two people.
struct Call {
    agent: Agent,
    /// Whether nobody is known and the broker has not shown yet that it hands out stored messages.
    may_be_unread: bool,
    /// The person to knock at or wave to.
    to: UserId,
    /// Whether a device of the user's own is here.
    am_here: bool,
    /// Whether the other person is on do not disturb or in a call, so that a knock does not pop up yet.
    is_busy: bool,
    limit: SentLimit,
}

/// Connects, and finds the person.
async fn connect(
    flags: &Flags,
    whom: &str,
    kind: Kind,
    timeout: Duration,
) -> Result<Call, Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = output::broker(&resolved)?;
    let user = output::own_user(&resolved)?;
    let mut agent =
        Agent::start(Setup { broker, part: Part::Caller(user.clone()), notices: None })?;
    wait_for::wait_until_read(&mut agent, timeout).await?;
    let people = agent.handle.people().await?;
    let am_here = people
        .iter()
        .any(|person| person.user == user.as_str() && person.group() != Group::Offline);
    let proven = agent.handle.health().await?.roster_access.is_proven();
    let may_be_unread = people.is_empty() && !proven;
    let person = find_person(&people, whom)?;
    let to = match person {
        Some(person) => UserId::parse(&person.user).map_err(Failure::usage)?,
        // The engine decides whether a person with this id is known.
        None => UserId::from_typed(whom).map_err(Failure::usage)?,
    };
    let is_busy =
        person.is_some_and(|person| person.status == ChosenStatus::Dnd.word() || person.in_call);
    let limit = SentLimit::new(&resolved.places.state, kind, &to);
    limit.check()?;
    Ok(Call { agent, may_be_unread, to, am_here, is_busy, limit })
}

/// Explains a knock or wave that was not sent because nobody was read.
fn note_unread(outcome: &Result<(), Failure>, may_be_unread: bool) {
    if matches!(outcome, Err(Failure::NotSent(_))) && may_be_unread {
        output::note(output::NOBODY_SEEN);
    }
}

/// Prints the steps of the knock until it is answered or can't be any more.
struct Follower {
    json: bool,
    /// How long to wait for an answer.
    wait: Duration,
    is_busy: bool,
    limit: SentLimit,
    /// The last step: its stage, and whether no device confirmed the knock.
    last: Option<(ExchangeStage, bool)>,
    give_up: Option<Pin<Box<Sleep>>>,
}

impl Follower {
    async fn follow(&mut self, agent: &mut Agent) -> Result<(), Failure> {
        loop {
            let event = tokio::select! {
                event = agent.events.recv() => event,
                () = wait_for::elapsed(&mut self.give_up) => {
                    return Err(Failure::Unanswered(self.no_answer()));
                }
            };
            let Some(event) = event else {
                return Err(Failure::no_connection(None));
            };
            let Some(exchange) = exchange(&event) else {
                continue;
            };
            let before = self.last.replace((exchange.stage, exchange.unheard));
            if before == self.last {
                continue;
            }
            let was_sent = before.is_some_and(|(stage, _)| stage >= ExchangeStage::Sent);
            if exchange.stage >= ExchangeStage::Sent && !was_sent {
                self.limit.record();
            }
            if self.json {
                output::print(&output::json(&exchange));
            } else if let Some(step) = step(&exchange) {
                output::print(&step);
            }
            // A knock that waits for a person waits without a limit.
            if exchange.stage != ExchangeStage::Waiting && self.give_up.is_none() {
                self.give_up = Some(Box::pin(tokio::time::sleep(self.wait)));
            }
            match exchange.stage {
                ExchangeStage::Answered => return Ok(()),
                ExchangeStage::Withdrawn => {
                    return Err(Failure::Unanswered(format!(
                        "{} dismissed the knock",
                        exchange.name
                    )));
                }
                ExchangeStage::Failed => {
                    return Err(exchange.failure.as_ref().map_or_else(
                        || Failure::NotSent("not sent; try again".to_owned()),
                        not_sent,
                    ));
                }
                ExchangeStage::Delivered if self.is_busy => {
                    output::note(&format!(
                        "{} is busy (do not disturb, or in a call), so the knock shows later; waiting {} s for an answer. \
                         `--wait 30m` waits longer, `--when-free` until you are both free",
                        exchange.name,
                        self.wait.as_secs()
                    ));
                }
                _ => {}
            }
        }
    }

    /// What happened if no answer came in time.
    fn no_answer(&self) -> String {
        let seconds = self.wait.as_secs();
        if self.last.is_some_and(|(stage, _)| stage == ExchangeStage::Sending) {
            format!(
                "the broker did not confirm the knock within {seconds} s, so it is withdrawn; try again, or ask the person \
                 who runs the broker"
            )
        } else {
            format!("no answer within {seconds} s; the knock is withdrawn")
        }
    }
}

/// The knock or wave of this process.
fn exchange(event: &Event) -> Option<ExchangeView> {
    let Event::Show(update) = event else {
        return None;
    };
    update.signals.as_ref()?.exchanges.iter().find(|exchange| exchange.mine).cloned()
}

/// A step of a knock in words; `None` if there is nothing to print.
fn step(exchange: &ExchangeView) -> Option<String> {
    Some(match (exchange.stage, exchange.when) {
        (ExchangeStage::Waiting, When::Back) => format!("waiting until {} is here", exchange.name),
        (ExchangeStage::Waiting, _) => "waiting until you are both free".to_owned(),
        (ExchangeStage::Sent, _) if exchange.unheard => {
            format!("no device of {} has received it yet", exchange.name)
        }
        (ExchangeStage::Sent, _) => "sent".to_owned(),
        (ExchangeStage::Delivered, _) => "delivered".to_owned(),
        (ExchangeStage::Seen, _) => "seen".to_owned(),
        (ExchangeStage::Answered, _) => {
            format!("{}: {}", exchange.name, exchange.answer.as_ref()?.text())
        }
        (ExchangeStage::Sending | ExchangeStage::Failed | ExchangeStage::Withdrawn, _) => {
            return None;
        }
    })
}

fn not_sent(failure: &FailureView) -> Failure {
    let message = words::failure(failure, words::english, clock::local);
    match failure.code.as_str() {
        "refused" => Failure::Refused(message),
        "link_down" => Failure::NoConnection(message),
        "unconfirmed" => Failure::Unanswered(message),
        "too_long" | "myself" => Failure::Usage(message),
        "offline" => Failure::NotSent(format!(
            "{message}; `porchlight knock --when-back` waits until they are here"
        )),
        _ => Failure::NotSent(message),
    }
}

/// Withdraws the knock. Quitting the agent sends what is due.
async fn withdraw(agent: &Agent) {
    let Ok(snapshot) = agent.handle.snapshot(porchlight_core::view::Stage::Running).await else {
        return;
    };
    for exchange in snapshot.signals.exchanges.into_iter().filter(|exchange| exchange.mine) {
        let ids = UserId::parse(&exchange.with)
            .ok()
            .zip(porchlight_core::signal::SignalId::parse(&exchange.id).ok());
        if let Some((with, id)) = ids {
            agent.handle.command(Command::Signal(SignalCommand::Withdraw { with, id }));
        }
    }
}

/// Waits for a request to stop. A request to restart is ignored.
async fn stop(signals: &mut Signals) {
    while signals.next().await != Request::Stop {}
}
