//! What is done to devices and brokers, and what observers make of it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use porchlight_tests::until::{START, uptime};
use porchlight_tests::{Machine, TcpProxy};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::actors::{AWAY_AFTER, Actor, Crowd, Observer};
use crate::event::{Design, Event};
use crate::setup::BrokerSetup;
use crate::table::Cell;
use crate::timeline::{Truth, Verdict, judge};

/// How long a broker or a link is away.
const BROKER_OUTAGE: Duration = Duration::from_secs(5);
const LINK_OUTAGE: Duration = Duration::from_secs(3);

/// From the warning to the sleep of a machine: a little more than a client may take for its goodbye.
const WARNING: Duration = Duration::from_secs(2);

/// How many people a broker has in most scenes in which it is restarted, and how many of a whole team have a process of
/// their own.
pub(crate) const FEW: usize = 5;

/// How many people share a room in which the event happens to one after the other. Five who are lost within a second of each other are
/// another event: they are taken for the end of a broker first (`docs/protocol.md`, *Settle*).
const ROOM: usize = 4;

/// What popped up when a whole team came is over by then, and so is the time in which nobody's absence is believed.
const QUIET: Duration = Duration::from_secs(15);

/// The lease where one has to run out: an hour is too long to wait for.
pub(crate) const SHORT_LEASE: [&str; 2] = ["--lease", "10s"];

/// What the scenes have in common.
#[derive(Debug)]
pub(crate) struct House {
    /// How many scenes set up at a time: programs that start would take the processor from those that are measured.
    pub(crate) curtain: Semaphore,
    /// How many people a whole team has.
    pub(crate) team: usize,
    /// Whether `porchlight run` takes [`SHORT_LEASE`].
    pub(crate) short_lease: bool,
}

/// Part of a cell: one broker, one observer, and either several people to whom the event happens one by one, or one
/// run in which it happens to the broker.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) cell: Cell,
    /// Which of the runs it plays.
    pub(crate) runs: Range<usize>,
    /// How many runs there are, in this scene and its like.
    of: usize,
}

impl Scene {
    /// The scenes of a cell.
    pub(crate) fn of(cell: Cell, runs: usize) -> Vec<Self> {
        let scene = |part| Self { cell, runs: part, of: runs };
        if cell.event.breaks_the_broker() {
            (0..runs).map(|run| scene(run..run + 1)).collect()
        } else {
            (0..runs).step_by(ROOM).map(|from| scene(from..runs.min(from + ROOM))).collect()
        }
    }

    /// How many processes it has, or as good as has.
    pub(crate) fn processes(&self) -> usize {
        let people = match self.cell.event {
            Event::OneOfTwo => 2 * self.runs.len(),
            // A server, a window manager and two buses each.
            event if event.is_at_a_machine() => 5 * self.runs.len(),
            Event::BrokerTerm | Event::BrokerKill => FEW,
            // Nobody else's: it needs all that the machine has.
            Event::TeamTerm | Event::TeamKill => return usize::MAX,
            _ => self.runs.len(),
        };
        2 + people
    }

    /// How long the runs are spread over: if the answer depends on the last sign of life, over the time between two.
    fn spread(&self) -> Duration {
        let Cell { event, design, .. } = self.cell;
        if event.is_silent() || design == Design::Heartbeat {
            design.period()
        } else {
            Duration::from_secs(1) * few(self.of)
        }
    }

    /// How long this run waits for its event, when its device has been connected for so long: until it stands at its own
    /// place in the spread, that of its neighbours being as far off on both sides.
    fn wait(&self, run: usize, connected: Duration) -> Duration {
        let spread = self.spread();
        let place = spread * (2 * few(run) + 1) / (2 * few(self.of));
        let stands = connected.as_nanos() % spread.as_nanos();
        let stands = Duration::from_nanos(u64::try_from(stands).expect("less than the spread"));
        if stands <= place { place - stands } else { place + spread - stands }
    }

    /// How long it takes at most from its curtain to its end.
    pub(crate) fn length(&self) -> Duration {
        self.spread() + self.cell.event.window()
    }

    /// Plays it: a verdict for each run, but for one that broke down.
    ///
    /// # Panics
    ///
    /// When a program does not start or does not connect.
    pub(crate) async fn play(self, house: Arc<House>) -> Vec<Verdict> {
        if self.cell.event.breaks_the_broker() {
            vec![self.play_broker(&house).await]
        } else {
            self.play_people(&house).await
        }
    }

    async fn play_people(&self, house: &House) -> Vec<Verdict> {
        let Cell { kind, event, design } = self.cell;
        let permit = house.curtain.acquire().await.expect("it is never closed");
        let stage = BrokerSetup::start(kind).await;
        let observer = Arc::new(Observer::start(design, &stage.url()).await);
        let mut people = Vec::new();
        for run in self.runs.clone() {
            people.push((run, Person::start(event, design, &stage, &observer, run).await));
        }
        drop(permit);
        let mut runs = JoinSet::new();
        for (run, person) in people {
            let wait = self.wait(run, uptime() - person.connected);
            let observer = Arc::clone(&observer);
            runs.spawn(async move {
                sleep(wait).await;
                let user = person.user.clone();
                let (truth, _person) = person.suffer(event).await;
                sleep((truth.at + event.window()).saturating_sub(uptime())).await;
                judge(&truth, &observer.sightings(&user), truth.at + event.window())
            });
        }
        let mut verdicts = Vec::new();
        // A run that panicked has said why, and the others go on.
        while let Some(ended) = runs.join_next().await {
            verdicts.extend(ended);
        }
        verdicts
    }

    async fn play_broker(&self, house: &House) -> Verdict {
        let Cell { kind, event, design } = self.cell;
        let permit = house.curtain.acquire().await.expect("it is never closed");
        let mut stage = BrokerSetup::start(kind).await;
        let observer = Observer::start(design, &stage.url()).await;
        let ghost = event == Event::Ghost;
        let lease: &[&str] = if ghost && house.short_lease { &SHORT_LEASE } else { &[] };
        let mut team = Vec::new();
        for n in 0..if ghost { 1 } else { FEW } {
            let user = format!("u{n}");
            let actor = Actor::start(design, &stage.url(), (&user, "laptop"), lease).await;
            observer.wait_status(&user, "online").await;
            team.push((user, actor));
        }
        let mut crowd = None;
        if event.is_for_a_team() {
            crowd = Some(Crowd::start(&stage.url(), FEW, house.team).await);
            sleep(QUIET).await;
        }
        drop(permit);
        sleep(self.wait(self.runs.start, Duration::ZERO)).await;
        let broken = uptime();
        if event.asks_the_broker() {
            stage.stop().await;
        } else {
            stage.crash().await;
        }
        let mut truth = Truth::unchanged("online", broken);
        if ghost {
            truth = Truth { before: "online", after: "offline", at: uptime() };
            team.iter_mut().for_each(|(_, actor)| actor.kill());
        }
        sleep((broken + BROKER_OUTAGE).saturating_sub(uptime())).await;
        stage.start_again().await;
        let back = uptime();
        let end = truth.at + event.window();
        sleep(end.saturating_sub(uptime())).await;
        let all = team.iter().map(|(user, _)| user.clone());
        let all = all.chain(crowd.iter().flat_map(Crowd::users));
        let dots = all.map(|user| judge(&truth, &observer.sightings(&user), end));
        let theirs = crowd.iter().map(|crowd| crowd.verdict(&truth, back, end));
        Verdict::worst(dots.chain(theirs)).expect("a team has members")
    }
}

fn few(n: usize) -> u32 {
    u32::try_from(n).expect("nobody waits for so many runs")
}

/// A person to whom something happens.
#[derive(Debug)]
struct Person {
    user: String,
    design: Design,
    /// It happens to the first; the others only have to be there.
    devices: Vec<Actor>,
    /// When that one was.
    connected: Duration,
    /// The way of the first device to its broker, where that shall break.
    cable: Option<TcpProxy>,
    /// The way without a cable.
    url: String,
    /// Where the first device runs, where that is more than a process.
    machine: Option<Machine>,
}

impl Person {
    /// Starts the devices and waits until the observer sees that all is ready for the event.
    async fn start(
        event: Event,
        design: Design,
        stage: &BrokerSetup,
        observer: &Observer,
        run: usize,
    ) -> Self {
        let (user, url) = (format!("u{run}"), stage.url());
        let cable = match event {
            Event::Cable | Event::Blip | Event::HalfOpen => Some(TcpProxy::to(stage.port()).await),
            _ => None,
        };
        if event.is_at_a_machine() {
            return Self::start_at_a_machine(event, url, user, observer).await;
        }
        let way = cable.as_ref().map_or_else(|| url.clone(), TcpProxy::url);
        let mut devices = vec![Actor::start(design, &way, (&user, "laptop"), &[]).await];
        let connected = uptime();
        observer.wait_status(&user, "online").await;
        if event == Event::OneOfTwo {
            devices.push(Actor::start(design, &url, (&user, "phone"), &[]).await);
            observer.wait_two_devices(&user).await;
        }
        if event == Event::Input {
            devices[0].tell_idle(2 * AWAY_AFTER);
            observer.wait_status(&user, "away").await;
        }
        Self { user, design, devices, connected, cable, url, machine: None }
    }

    /// The same with a machine whose own sources tell what happens.
    async fn start_at_a_machine(
        event: Event,
        url: String,
        user: String,
        observer: &Observer,
    ) -> Self {
        let machine = Machine::start().await;
        let waits = matches!(event, Event::RealIdle | Event::RealInput);
        let device = Actor::start_at(&machine, &url, (&user, "laptop"), waits).await;
        let connected = uptime();
        machine.wait_delayed(START).await;
        move_pointer(&machine, 1);
        observer.wait_status(&user, "online").await;
        if event == Event::RealInput {
            observer.wait_status(&user, "away").await;
        }
        let (design, devices, cable) = (Design::Porchlight, vec![device], None);
        Self { user, design, devices, connected, cable, url, machine: Some(machine) }
    }

    /// Does it, and says what is so since. The devices live on until the person is dropped.
    async fn suffer(mut self, event: Event) -> (Truth, Self) {
        let at = uptime();
        let becomes = |after| Truth { before: "online", after, at };
        let truth = match event {
            Event::Quit => {
                self.device().quit();
                becomes("offline")
            }
            Event::Lock => {
                self.device().tell(&json!({ "locked": true }));
                becomes("away")
            }
            Event::Idle => {
                self.device().tell_idle(Duration::ZERO);
                Truth { at: at + AWAY_AFTER, ..becomes("away") }
            }
            Event::Input => {
                self.device().tell(&json!({ "active": true }));
                Truth { before: "away", after: "online", at }
            }
            Event::Sleep => {
                self.device().tell(&json!({ "suspending": true }));
                sleep(WARNING).await;
                self.device().freeze();
                becomes("offline")
            }
            Event::HintedLock => {
                self.machine().lock(true).await;
                becomes("away")
            }
            Event::SavedScreen => {
                self.machine().save_screen(true).await;
                becomes("away")
            }
            Event::RealIdle => {
                Truth { at: move_pointer(self.machine(), 2) + AWAY_AFTER, ..becomes("away") }
            }
            Event::RealInput => {
                let at = move_pointer(self.machine(), 2);
                Truth { before: "away", after: "online", at }
            }
            Event::RealSleep => {
                self.machine().prepare_for_sleep().await;
                // Longer than anything may delay it; more would be a machine that is kept awake.
                self.machine().wait_free_to_sleep(2 * WARNING).await;
                self.device().freeze();
                becomes("offline")
            }
            Event::Kill => {
                self.device().kill();
                becomes("offline")
            }
            Event::Cable => {
                self.cable().pull();
                becomes("offline")
            }
            Event::Freeze => {
                self.device().freeze();
                becomes("offline")
            }
            Event::Blip => {
                // Pulled first, so that nothing gets through between.
                self.cable().pull();
                self.cable().cut();
                sleep(LINK_OUTAGE).await;
                self.cable().plug_in();
                Truth::unchanged("online", at)
            }
            Event::OneOfTwo => {
                self.device().kill();
                Truth::unchanged("online", at)
            }
            Event::Restart => {
                self.restart().await;
                Truth::unchanged("online", at)
            }
            Event::HalfOpen => {
                self.cable().pull();
                self.restart().await;
                Truth::unchanged("online", at)
            }
            Event::BrokerTerm
            | Event::BrokerKill
            | Event::TeamTerm
            | Event::TeamKill
            | Event::Ghost => unreachable!("it happens to the broker"),
        };
        (truth, self)
    }

    /// The device starts anew on the way without a cable.
    async fn restart(&mut self) {
        self.devices[0].restart(self.design, &self.user, &self.url).await;
    }

    fn device(&mut self) -> &mut Actor {
        &mut self.devices[0]
    }

    fn machine(&self) -> &Machine {
        self.machine.as_ref().expect("started where something happens to one")
    }

    fn cable(&self) -> &TcpProxy {
        self.cable.as_ref().expect("laid where one is pulled")
    }
}

/// Gives the machine a single input, at another place than before: when that was, or a moment earlier.
fn move_pointer(machine: &Machine, x: u16) -> Duration {
    // The server counts whole milliseconds.
    const ROUNDED: Duration = Duration::from_millis(1);
    tokio::task::block_in_place(|| {
        machine.desktop().move_pointer(x, 1);
        let now = uptime();
        now.saturating_sub(machine.desktop().idle() + ROUNDED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::Kind;

    fn scenes(event: Event, design: Design, runs: usize) -> Vec<Scene> {
        Scene::of(Cell { kind: Kind::Hub, event, design }, runs)
    }

    #[test]
    fn silences_begin_all_over_the_time_between_two_signs_of_life() {
        // Whichever room a run is played in, its place is one among all.
        let scene = &scenes(Event::Cable, Design::Seed, 5)[0];
        let seconds = Duration::from_secs;
        for connected in [0, 3, 59, 60, 200].map(seconds) {
            let places: Vec<_> =
                (0..5).map(|run| (connected + scene.wait(run, connected)).as_secs() % 60).collect();
            assert_eq!(places, [6, 18, 30, 42, 54], "after {connected:?}");
            assert!((0..5).all(|run| scene.wait(run, connected) < seconds(60)));
        }
    }

    #[test]
    fn each_run_has_a_broker_of_its_own_where_the_broker_breaks_and_else_four_share_one() {
        let runs = |event, count| -> Vec<Vec<_>> {
            let scenes = scenes(event, Design::Seed, count);
            scenes.into_iter().map(|scene| scene.runs.collect()).collect()
        };
        assert_eq!(runs(Event::BrokerKill, 3), [[0], [1], [2]]);
        assert_eq!(runs(Event::Kill, 3), [[0, 1, 2]]);
        assert_eq!(runs(Event::Kill, 6), [vec![0, 1, 2, 3], vec![4, 5]]);
    }

    #[test]
    fn every_process_is_counted() {
        let count = |event| scenes(event, Design::Seed, 3)[0].processes();
        assert_eq!(count(Event::Kill), 5);
        assert_eq!(count(Event::OneOfTwo), 8);
        assert_eq!(count(Event::BrokerTerm), 7);
        assert_eq!(count(Event::Ghost), 3);
    }
}
