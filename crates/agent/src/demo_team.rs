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
enum Action {
    /// Starts the app, with input.
    Start,
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
    SetStatus(ChosenStatus, &'static str, &'static str, u64),
    /// Clears the chosen status.
    ClearStatus,
    /// Quits the app.
    Quit,
    /// Loses power.
    Crash,
}

use Action::{ClearStatus, Crash, Idle, Lock, Quit, SetStatus, Sleep, Start, Type, Unlock, Wake};
use ChosenStatus::{Away, Dnd, Online};

/// One device of a teammate. Each action follows the one before after a pause in seconds. The
/// script repeats.
struct ScriptedDevice {
    user: &'static str,
    name: &'static str,
    kind: &'static str,
    actions: &'static [(u64, Action)],
}

const DEVICES: [ScriptedDevice; 9] = [
    ScriptedDevice {
        user: "anna",
        name: "Anna Kowalska",
        kind: "laptop",
        actions: &[(0, Start), (40, Idle(6)), (35, Type), (45, Type)],
    },
    ScriptedDevice {
        user: "ben",
        name: "Ben Okafor",
        kind: "desktop",
        actions: &[(0, Start), (0, Idle(12)), (25, Type), (50, Idle(5)), (45, Type)],
    },
    ScriptedDevice {
        user: "chiara",
        name: "Chiara Rossi",
        kind: "laptop",
        actions: &[
            (0, Start),
            (0, SetStatus(Dnd, "🎧", "Deep work", 50)),
            (90, ClearStatus),
            (40, Type),
        ],
    },
    ScriptedDevice {
        user: "dmitri",
        name: "Dmitri Sokolov",
        kind: "desktop",
        actions: &[(0, Start), (0, Lock), (30, Unlock), (50, Lock), (40, Unlock)],
    },
    ScriptedDevice {
        user: "emeka",
        name: "Emeka Nwosu",
        kind: "laptop",
        actions: &[(0, Start), (60, Sleep), (40, Wake), (20, Type)],
    },
    ScriptedDevice {
        user: "emeka",
        name: "Emeka Nwosu",
        kind: "phone",
        actions: &[(0, Start), (0, Idle(20)), (50, Quit), (70, Type)],
    },
    ScriptedDevice {
        user: "farah",
        name: "Farah Haddad",
        kind: "laptop",
        actions: &[
            (0, Start),
            (0, SetStatus(Online, "🌊", "In Lisbon this week", 600)),
            (120, Type),
        ],
    },
    ScriptedDevice {
        user: "grace",
        name: "Grace Lee",
        kind: "desktop",
        actions: &[
            (0, Start),
            (20, Crash),
            (30, Start),
            (60, SetStatus(Away, "🍜", "Lunch", 30)),
            (30, ClearStatus),
        ],
    },
    ScriptedDevice {
        user: "hiro",
        name: "Hiro Tanaka",
        kind: "laptop",
        actions: &[(0, Start), (1, Quit), (14, Start), (55, Idle(5)), (20, Quit), (40, Type)],
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
        for device in &DEVICES {
            tasks.spawn(run_script(device, broker.clone()));
        }
        Self { _tasks: tasks }
    }
}

async fn run_script(device: &'static ScriptedDevice, broker: Broker) {
    let mut app = None;
    loop {
        for (after, action) in device.actions {
            tokio::time::sleep(Duration::from_secs(*after)).await;
            app = match (app.take(), action) {
                (None, Start | Type) => RunningApp::begin(device, &broker),
                (app, action) => match app {
                    Some(app) => app.perform(*action).await,
                    None => None,
                },
            };
        }
    }
}

/// A running app and the sender of its scripted observations.
struct RunningApp {
    agent: Agent,
    input: mpsc::Sender<Observation>,
}

impl RunningApp {
    fn begin(device: &ScriptedDevice, broker: &Broker) -> Option<Self> {
        let (input, script) = mpsc::channel(8);
        input.try_send(Observation::InputActive).ok()?;
        let id = DeviceId::parse(&format!("{}-{}", device.user, device.kind)).ok()?;
        let presence = Presence {
            user: UserId::parse(device.user).ok()?,
            name: device.name.to_owned(),
            links: Vec::new(),
            kind: Some(device.kind.to_owned()),
            habits: PresenceOptions::default(),
            preferences: StoredPreferences::ephemeral(),
            identity: Identity::ephemeral(id, &mut fastrand::Rng::new()),
            activity_source: ActivitySource::Script(script),
        };
        let part = Part::Holder(Box::new(presence));
        let agent = Agent::start(Setup { broker: broker.clone(), part, notices: None });
        Some(Self { agent: agent.ok()?, input })
    }

    /// Performs one action. Returns `None` if the app has ended.
    async fn perform(self, action: Action) -> Option<Self> {
        let observations = match action {
            Start | Type => vec![Observation::InputActive],
            Idle(minutes) => {
                let ago = Duration::from_secs(60 * minutes);
                vec![Observation::InputIdle { since: Moment::Ago(ago) }]
            }
            Lock => vec![Observation::Locked(true)],
            Unlock => vec![Observation::Locked(false), Observation::InputActive],
            Sleep => vec![Observation::Suspending],
            Wake => vec![Observation::Resumed, Observation::InputActive],
            SetStatus(status, emoji, text, minutes) => {
                self.agent.handle.command(Command::Choose {
                    status,
                    text: Some(text.to_owned()),
                    emoji: Some(emoji.to_owned()),
                    lasting: Some(Duration::from_secs(60 * minutes)),
                });
                Vec::new()
            }
            ClearStatus => {
                self.agent.handle.command(Command::ClearChosen);
                Vec::new()
            }
            Quit => {
                self.agent.handle.command(Command::Quit);
                self.agent.stopped().await;
                return None;
            }
            Crash => return None,
        };
        for observation in observations {
            self.input.send(observation).await.ok()?;
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
        let people: BTreeSet<_> = DEVICES.iter().map(|device| device.user).collect();
        assert_eq!(people.len(), DemoTeam::PEOPLE);
        for device in &DEVICES {
            assert!(UserId::parse(device.user).is_ok());
            assert!(DeviceId::parse(&format!("{}-{}", device.user, device.kind)).is_ok());
        }
    }
}
