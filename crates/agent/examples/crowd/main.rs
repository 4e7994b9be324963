//! Many people in one process: real agents with real connections, as tasks beside each other.
//!
//! A team of two hundred does not fit onto a small machine as two hundred processes. Here each of them is what
//! `porchlight run` is, a device that watches everybody else with notifications switched on, but for the process of its own.
//! Its input is a script that says once that somebody is there.
//!
//! It prints a line of JSON where something happens that a person would see: `{"sure":true}` once each of them shows
//! everybody as online and doubts nobody, `{"sure":false}` when that ends, a line for each status word that changes
//! on anybody's list, and one for each notification. Deliberately judges nothing: `truth` does.

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

use room::Room;

mod room;

/// The time between two who come.
const BETWEEN: Duration = Duration::from_millis(50);

/// Who: `u{first}` to `u{team - 1}`, of a team that begins with `u0`.
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
    let room = Arc::new(Mutex::new(Room::new(team, team - first)));
    let mut people = JoinSet::new();
    for n in first..team {
        people.spawn(live(broker.clone(), n, n - first, Arc::clone(&room)));
        // Nobody's team switches on at the same moment. That they all come back at once is what is measured.
        tokio::time::sleep(BETWEEN).await;
    }
    // They live until the process is told to end, or one of them has no agent any more.
    people.join_next().await;
    ExitCode::FAILURE
}

/// One of them: a running device, and somebody who looks at its list.
async fn live(broker: Broker, n: usize, viewer: usize, room: Arc<Mutex<Room>>) {
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
                let Ok(mut room) = room.lock() else {
                    return;
                };
                // Said before anybody else changes anything, so that the last word on being sure is so.
                for line in room.show(viewer, &user, &update) {
                    println!("{line}");
                }
            }
            Event::Notify(notification) => println!("{}", room::notification(&user, &notification)),
            Event::Stopped => return,
            _ => {}
        }
    }
}
