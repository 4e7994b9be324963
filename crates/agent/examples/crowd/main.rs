//! Runs many people in one process: real agents with real connections, as concurrent tasks.
//!
//! A team of two hundred does not fit onto a small machine as two hundred processes. Each person
//! here is what `porchlight run` is, but without a process of its own: a device that watches
//! everybody else, with notifications switched on. Its input is a script that reports input once.
//!
//! It prints a line of JSON for what a person would see:
//!
//! * `{"sure":true}` once each of them shows everybody as online without a doubt;
//! * `{"sure":false}` when that ends;
//! * a line for each status word that changes on anybody's list;
//! * a line for each notification.
//!
//! It judges nothing: `truth` does.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use porchlight_agent::agent::{ActivitySource, Agent, Event, Part, Presence, Setup};
use porchlight_agent::broker::Broker;
use porchlight_agent::device::Identity;
use porchlight_agent::preferences::StoredPreferences;
use porchlight_agent::presence_options::PresenceOptions;
use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::notification::{About, NotificationPolicy};
use porchlight_core::observation::Observation;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use lists::Lists;

mod lists;

/// The time between two people who come online.
const BETWEEN: Duration = Duration::from_millis(50);

/// The people to run: `u{first}` to `u{team - 1}`, of a team that begins with `u0`.
struct Wanted {
    broker: Broker,
    first: usize,
    team: usize,
}

impl Wanted {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let broker = arguments.next()?.parse().ok()?;
        let (first, team) = (arguments.next()?.parse().ok()?, arguments.next()?.parse().ok()?);
        (first < team && arguments.next().is_none()).then_some(Self { broker, first, team })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(Wanted { broker, first, team }) = Wanted::parse(std::env::args().skip(1)) else {
        eprintln!(
            "usage: crowd URL FIRST TEAM, with fewer people before the first than in the team"
        );
        return ExitCode::from(2);
    };
    let lists = Arc::new(Mutex::new(Lists::new(team, team - first)));
    let mut people = JoinSet::new();
    for n in first..team {
        people.spawn(live(broker.clone(), n, n - first, Arc::clone(&lists)));
        // No real team switches on at the same moment. The measured case is that all come back at
        // once.
        tokio::time::sleep(BETWEEN).await;
    }
    // They run until the process is told to end, or until one of the agents has ended.
    people.join_next().await;
    ExitCode::FAILURE
}

/// Runs one person: a device, and a viewer of its list.
async fn live(broker: Broker, n: usize, viewer: usize, lists: Arc<Mutex<Lists>>) {
    let user = format!("u{n}");
    let (eyes, script) = mpsc::channel(1);
    let told = eyes.try_send(Observation::InputActive);
    let presence = Presence {
        user: UserId::parse(&user).expect("a letter and a number are an id"),
        name: user.clone(),
        links: Vec::new(),
        kind: Some("laptop".to_owned()),
        habits: PresenceOptions::default(),
        preferences: StoredPreferences::ephemeral(),
        identity: Identity::ephemeral(
            DeviceId::parse("laptop").expect("a word is an id"),
            &mut fastrand::Rng::new(),
        ),
        activity_source: ActivitySource::Script(script),
    };
    let part = Part::Holder(Box::new(presence));
    let everyone = NotificationPolicy { about: About::Everyone, ..NotificationPolicy::default() };
    let setup = Setup { broker, part, notices: Some(everyone) };
    let (Ok(()), Ok(mut agent)) = (told, Agent::start(setup)) else {
        return;
    };
    while let Some(event) = agent.events.recv().await {
        match event {
            Event::Show(update) => {
                let Ok(mut lists) = lists.lock() else {
                    return;
                };
                // Printed before any list changes again, so that the last `sure` line is right.
                for line in lists.show(viewer, &user, &update) {
                    println!("{line}");
                }
            }
            Event::Notify(notification) => {
                println!("{}", lists::notification(&user, &notification));
            }
            Event::Stopped => return,
            _ => {}
        }
    }
}
