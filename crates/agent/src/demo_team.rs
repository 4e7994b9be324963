//! A demo team: eight teammates with real MQTT clients and scripted actions.
//!
//! This module contains the script. It fakes nothing on the wire: the clients idle, lock, sleep,
//! quit and crash as real ones do.

use std::time::Duration;

use porchlight_core::id::{DeviceId, UserId};
use porchlight_core::input::Command;
use porchlight_core::observation::{Moment, Observation};
use porchlight_core::view::ChosenStatus;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::agent::{ActivitySource, Agent, Part, Presence, Setup};
use crate::broker::Broker;
use crate::device::Identity;
use crate::preferences::StoredPreferences;
use crate::presence_options::PresenceOptions;

/// One action of a scripted person.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Starts the app, with input.
    Come,
    /// Gives input.
    Type,
    /// Has given no input for this many minutes.
    Idle(u64),
    /// Locks the screen.
    Lock,
    /// Unlocks the screen, with input.
    Unlock,
    /// Closes the lid.
    Sleep,
    /// Opens the lid, with input.
    Wake,
    /// Sets a status with emoji and text, for this many minutes.
    Say(ChosenStatus, &'static str, &'static str, u64),
    /// Clears the chosen status.
    Unsay,
    /// Quits the app.
    Quit,
    /// Loses power.
    Die,
}

use Act::{Come, Die, Idle, Lock, Quit, Say, Sleep, Type, Unlock, Unsay, Wake};
use ChosenStatus::{Away, Dnd, Online};

/// One device of a teammate. Each action follows the one before after a pause in seconds. The
/// script repeats.
struct Role {
    user: &'static str,
    name: &'static str,
    kind: &'static str,
    acts: &'static [(u64, Act)],
}

const CAST: [Role; 9] = [
    Role {
        user: "anna",
        name: "Anna Kowalska",
        kind: "laptop",
        acts: &[(0, Come), (40, Idle(6)), (35, Type), (45, Type)],
    },
    Role {
        user: "ben",
        name: "Ben Okafor",
        kind: "desktop",
        acts: &[(0, Come), (0, Idle(12)), (25, Type), (50, Idle(5)), (45, Type)],
    },
    Role {
        user: "chiara",
        name: "Chiara Rossi",
        kind: "laptop",
        acts: &[(0, Come), (0, Say(Dnd, "🎧", "Deep work", 50)), (90, Unsay), (40, Type)],
    },
    Role {
        user: "dmitri",
        name: "Dmitri Sokolov",
        kind: "desktop",
        acts: &[(0, Come), (0, Lock), (30, Unlock), (50, Lock), (40, Unlock)],
    },
    Role {
        user: "emeka",
        name: "Emeka Nwosu",
        kind: "laptop",
        acts: &[(0, Come), (60, Sleep), (40, Wake), (20, Type)],
    },
    Role {
        user: "emeka",
        name: "Emeka Nwosu",
        kind: "phone",
        acts: &[(0, Come), (0, Idle(20)), (50, Quit), (70, Type)],
    },
    Role {
        user: "farah",
        name: "Farah Haddad",
        kind: "laptop",
        acts: &[(0, Come), (0, Say(Online, "🌊", "In Lisbon this week", 600)), (120, Type)],
    },
    Role {
        user: "grace",
        name: "Grace Lee",
        kind: "desktop",
        acts: &[(0, Come), (20, Die), (30, Come), (60, Say(Away, "🍜", "Lunch", 30)), (30, Unsay)],
    },
    Role {
        user: "hiro",
        name: "Hiro Tanaka",
        kind: "laptop",
        acts: &[(0, Come), (1, Quit), (14, Come), (55, Idle(5)), (20, Quit), (40, Type)],
    },
];

/// The demo team. Dropping it ends every client without a goodbye, as a power cut would.
#[derive(Debug)]
pub struct DemoTeam {
    _tasks: JoinSet<()>,
}

impl DemoTeam {
    /// The number of people.
    pub const PEOPLE: usize = 8;

    /// Starts the clients. Call it inside a tokio runtime.
    #[must_use]
    pub fn come(broker: &Broker) -> Self {
        let mut tasks = JoinSet::new();
        for role in &CAST {
            tasks.spawn(perform(role, broker.clone()));
        }
        Self { _tasks: tasks }
    }
}

async fn perform(role: &'static Role, broker: Broker) {
    let mut scene = None;
    loop {
        for (after, act) in role.acts {
            tokio::time::sleep(Duration::from_secs(*after)).await;
            scene = match (scene.take(), act) {
                (None, Come | Type) => Scene::begin(role, &broker),
                (scene, act) => match scene {
                    Some(scene) => scene.play(*act).await,
                    None => None,
                },
            };
        }
    }
}

/// A running app and the sender of its scripted observations.
struct Scene {
    agent: Agent,
    eyes: mpsc::Sender<Observation>,
}

impl Scene {
    fn begin(role: &Role, broker: &Broker) -> Option<Self> {
        let (eyes, script) = mpsc::channel(8);
        eyes.try_send(Observation::InputActive).ok()?;
        let device = DeviceId::parse(&format!("{}-{}", role.user, role.kind)).ok()?;
        let presence = Presence {
            user: UserId::parse(role.user).ok()?,
            name: role.name.to_owned(),
            links: Vec::new(),
            kind: Some(role.kind.to_owned()),
            habits: PresenceOptions::default(),
            preferences: StoredPreferences::ephemeral(),
            identity: Identity::ephemeral(device, &mut fastrand::Rng::new()),
            activity_source: ActivitySource::Script(script),
        };
        let part = Part::Holder(Box::new(presence));
        let agent = Agent::start(Setup { broker: broker.clone(), part, notices: None });
        Some(Self { agent: agent.ok()?, eyes })
    }

    /// Performs one action. Returns `None` if the app has ended.
    async fn play(self, act: Act) -> Option<Self> {
        let observations = match act {
            Come | Type => vec![Observation::InputActive],
            Idle(minutes) => {
                let ago = Duration::from_secs(60 * minutes);
                vec![Observation::InputIdle { since: Moment::Ago(ago) }]
            }
            Lock => vec![Observation::Locked(true)],
            Unlock => vec![Observation::Locked(false), Observation::InputActive],
            Sleep => vec![Observation::Suspending],
            Wake => vec![Observation::Resumed, Observation::InputActive],
            Say(status, emoji, text, minutes) => {
                self.agent.handle.command(Command::Choose {
                    status,
                    text: Some(text.to_owned()),
                    emoji: Some(emoji.to_owned()),
                    lasting: Some(Duration::from_secs(60 * minutes)),
                });
                Vec::new()
            }
            Unsay => {
                self.agent.handle.command(Command::ClearChosen);
                Vec::new()
            }
            Quit => {
                self.agent.handle.command(Command::Quit);
                self.agent.stopped().await;
                return None;
            }
            Die => return None,
        };
        for observation in observations {
            self.eyes.send(observation).await.ok()?;
        }
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_eight_of_them_with_valid_ids() {
        let people: BTreeSet<_> = CAST.iter().map(|role| role.user).collect();
        assert_eq!(people.len(), DemoTeam::PEOPLE);
        for role in &CAST {
            assert!(UserId::parse(role.user).is_ok());
            assert!(DeviceId::parse(&format!("{}-{}", role.user, role.kind)).is_ok());
        }
    }
}
