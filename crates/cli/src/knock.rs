//! `porchlight knock` and `wave`: reach somebody lightly, beside whatever runs.

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
use porchlight_core::view::{Group, PersonView};
use porchlight_core::words;

use crate::failure::Failure;
use crate::signals::{Signals, Told};
use crate::{output, wait_for};

#[derive(Debug, ArgGroup)]
#[command(
    after_help = "Exit codes: 0 answered; 1 not answered in time; 2 wrong usage; 3 no connection in time; 4 refused by the broker; 5 not sent: they are offline, you are invisible, or nobody is known by that name."
)]
pub(crate) struct Knock {
    // Named apart from the flag of that name.
    /// At whose door: an id, or a name that only one person has
    #[arg(id = "whom", value_name = "USER")]
    whom: String,
    /// What to say, at most 280 characters
    text: Option<String>,
    /// If they are not here, wait until they are
    #[arg(long)]
    when_back: bool,
    /// Wait until both of you are online, and neither in a call nor not to be disturbed
    #[arg(long, conflicts_with = "when_back")]
    when_free: bool,
    /// So long wait for the answer, from when it is sent; then it is taken back
    #[arg(long, value_name = "TIME", default_value = "60s")]
    wait: Span,
    /// Print JSON, a line for each step
    #[arg(long)]
    json: bool,
    /// Give up if there is no connection after so long
    #[arg(long, value_name = "TIME", default_value = "10s")]
    timeout: Span,
}

#[derive(Debug, ArgGroup)]
#[command(
    after_help = "Exit codes: 0 sent; 2 wrong usage; 3 no connection in time; 4 refused by the broker; 5 not sent: they are offline, you are invisible, nobody is known by that name, or it was often enough for now."
)]
pub(crate) struct Wave {
    /// To whom: an id, or a name that only one person has
    #[arg(id = "whom", value_name = "USER")]
    whom: String,
    /// With what
    #[arg(default_value = "👋")]
    emoji: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Give up if there is no connection after so long
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
    let Call { mut agent, may_be_unread, to, am_here } =
        call(flags, &args.whom, args.timeout.0).await?;
    if when == When::BothFree && !am_here {
        return Err(Failure::NotSent(
            "you are not here yourself, so you are not free; start the app, or `porchlight run`"
                .to_owned(),
        ));
    }
    let mut signals = Signals::listen();
    agent.handle.command(Command::Signal(SignalCommand::Knock { to, text, when }));
    let outcome = tokio::select! {
        outcome = follow(&mut agent, args.wait.0, args.json) => outcome,
        () = stop(&mut signals) => Err(Failure::Unanswered("taken back".to_owned())),
    };
    // What nobody waits for any more is taken back: an answer would find nobody.
    if outcome.is_err() {
        take_back(&agent).await;
    }
    agent.handle.command(Command::Quit);
    agent.stopped().await;
    doubt_emptiness(&outcome, may_be_unread);
    outcome
}

pub(crate) async fn wave(flags: &Flags, args: Wave) -> Result<(), Failure> {
    let Call { mut agent, may_be_unread, to, .. } = call(flags, &args.whom, args.timeout.0).await?;
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
    agent.handle.command(Command::Quit);
    agent.stopped().await;
    doubt_emptiness(&sent, may_be_unread);
    sent
}

/// What there is once a connection stands.
struct Call {
    agent: Agent,
    /// Whether nobody is known, and the broker has not shown that it hands out what it stores.
    may_be_unread: bool,
    /// Who is meant.
    to: UserId,
    /// Whether a device of the person's own is here.
    am_here: bool,
}

/// Connects, and finds out who is meant.
async fn call(flags: &Flags, whom: &str, timeout: Duration) -> Result<Call, Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let broker = output::broker(&resolved)?;
    let user = resolved.user.clone().ok_or_else(|| {
        Failure::Usage(format!(
            "who knocks? Say who you are with --user, or in {}",
            resolved.places.config_file().display()
        ))
    })?;
    let mut agent =
        Agent::start(Setup { broker, part: Part::Caller(user.clone()), notices: None })?;
    wait_for::wait(&mut agent, timeout, |event| (*event == Event::SnapshotRead).then_some(Ok(())))
        .await?;
    let people = agent.handle.people().await?;
    let am_here = people
        .iter()
        .any(|person| person.user == user.as_str() && person.group() != Group::Offline);
    let proven = agent.handle.health().await?.roster_access.is_proven();
    let may_be_unread = people.is_empty() && !proven;
    Ok(Call { agent, may_be_unread, to: meant(&people, whom)?, am_here })
}

/// Whom nobody has seen may be there all the same.
fn doubt_emptiness(outcome: &Result<(), Failure>, may_be_unread: bool) {
    if matches!(outcome, Err(Failure::NotSent(_))) && may_be_unread {
        output::note(output::NOBODY_SEEN);
    }
}

/// An id first; a name where it is one person's alone.
fn meant(people: &[PersonView], whom: &str) -> Result<UserId, Failure> {
    let id = UserId::from_typed(whom);
    if let Ok(id) = &id
        && people.iter().any(|person| person.user == id.as_str())
    {
        return Ok(id.clone());
    }
    let wanted = whom.trim().to_lowercase();
    let mut named = people.iter().filter(|person| person.name.to_lowercase() == wanted);
    match (named.next(), named.next(), id) {
        (Some(person), None, _) => UserId::parse(&person.user).map_err(Failure::usage),
        (Some(_), Some(_), _) => Err(Failure::Usage(format!(
            "more than one person is called {}; name one by their id, see `porchlight who --json`",
            wanted.escape_debug()
        ))),
        // Whether somebody of that id is known is for the engine to say.
        (None, _, Ok(id)) => Ok(id),
        (None, _, Err(error)) => Err(Failure::usage(error)),
    }
}

/// Says how far it has come, until it is answered, or will not be.
async fn follow(agent: &mut Agent, wait: Duration, json: bool) -> Result<(), Failure> {
    let mut last = None;
    let mut give_up = None;
    loop {
        let event = tokio::select! {
            event = agent.events.recv() => event,
            () = expired(&mut give_up) => {
                return Err(Failure::Unanswered(too_late(last.map(|(stage, _)| stage), wait)));
            }
        };
        let Some(event) = event else {
            return Err(Failure::no_connection(None));
        };
        let Some(exchange) = exchange(&event) else {
            continue;
        };
        let step = (exchange.stage, exchange.unheard);
        if last.replace(step) == Some(step) {
            continue;
        }
        if json {
            output::print(&output::json(&exchange));
        } else if let Some(words) = step_words(&exchange) {
            output::print(&words);
        }
        // A knock that waits for somebody waits as long as it takes.
        if exchange.stage != ExchangeStage::Waiting && give_up.is_none() {
            give_up = Some(Box::pin(tokio::time::sleep(wait)));
        }
        match exchange.stage {
            ExchangeStage::Answered => return Ok(()),
            ExchangeStage::Withdrawn => {
                return Err(Failure::Unanswered(format!(
                    "{} does not want to wait for that",
                    exchange.name
                )));
            }
            ExchangeStage::Failed => {
                return Err(exchange
                    .failure
                    .as_ref()
                    .map_or_else(|| Failure::NotSent("not sent".to_owned()), not_sent));
            }
            _ => {}
        }
    }
}

/// Why nothing came of it in time.
fn too_late(stage: Option<ExchangeStage>, wait: Duration) -> String {
    let seconds = wait.as_secs();
    if stage == Some(ExchangeStage::Sending) {
        format!(
            "the broker did not confirm the knock within {seconds} s; it is taken back. Try again, or ask whoever runs the broker"
        )
    } else {
        format!("no answer within {seconds} s; the knock is taken back")
    }
}

/// The one exchange of this run.
fn exchange(event: &Event) -> Option<ExchangeView> {
    let Event::Show(update) = event else {
        return None;
    };
    update.signals.as_ref()?.exchanges.iter().find(|exchange| exchange.mine).cloned()
}

fn step_words(exchange: &ExchangeView) -> Option<String> {
    Some(match (exchange.stage, exchange.when) {
        (ExchangeStage::Waiting, When::Back) => format!("waiting until {} is here", exchange.name),
        (ExchangeStage::Waiting, _) => "waiting until you are both free".to_owned(),
        (ExchangeStage::Sent, _) if exchange.unheard => "no device of theirs has it yet".to_owned(),
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
    let words = words::failure(failure, words::english, clock::local);
    match failure.code.as_str() {
        "refused" => Failure::Refused(words),
        "link_down" => Failure::NoConnection(words),
        "unconfirmed" => Failure::Unanswered(words),
        "too_long" | "myself" => Failure::Usage(words),
        "offline" => Failure::NotSent(format!("{words}; --when-back waits until they are here")),
        _ => Failure::NotSent(words),
    }
}

/// Takes the knock back, and gives that a moment to be sent.
async fn take_back(agent: &Agent) {
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

async fn stop(signals: &mut Signals) {
    while !matches!(signals.next().await, Told::Stop) {}
}

async fn expired(timer: &mut Option<std::pin::Pin<Box<tokio::time::Sleep>>>) {
    match timer {
        Some(timer) => timer.await,
        None => std::future::pending().await,
    }
}
