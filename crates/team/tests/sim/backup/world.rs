//! A host, its backup, three members, and the cables between them, under one clock.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use porchlight_core::team::{StandsIn, WhyAway};
use porchlight_core::time::{Monotonic, Now, Timestamp};
use porchlight_core::view::Problem;
use porchlight_team::{
    HandOver, HandOverEffect, HandOverInput, Standby, StandbyEffect, StandbyInput, StandbyRule,
    StandbyState, StoodDown, StreamEnd, StreamEvent,
};

use super::member::{
    Connection, DEAD, KEEP_ALIVE, LOOK, Member, MemberRule, PATIENCE, Place, RETRY, Shown,
};
use super::schedule::{
    BACKUP, COMPUTERS, FIRST_MEMBER, Failing, Going, HOST, MEMBERS, Schedule, Step,
};

/// What is counted, to see that it happens.
pub(super) const COUNTED: [&str; 9] = [
    "warned hand-overs",
    "served after a hand-over",
    "served after silence",
    "given back",
    "expired while serving",
    "revoked",
    "could not listen",
    "stood down to go away",
    "good days with a hand-over",
];

/// The way of one message, and back.
const HOP: Duration = Duration::from_millis(20);
/// How long a request waits for a computer that does not answer.
const TIMEOUT: Duration = Duration::from_secs(2);
const BEAT: Duration = Duration::from_secs(3);
/// How long a delegation holds here: hours would only be waited for.
const HOLDS: Duration = Duration::from_secs(600);
/// How long a hub waits for those whose records it has.
const ARRIVAL: Duration = Duration::from_secs(20);
/// How long a computer that woke has no network.
const NO_NETWORK: Duration = Duration::from_secs(3);
/// How old what the backup knows of the host may be: one attempt to follow takes 2 s, and so does the pause after it.
const SEEN: Duration = Duration::from_secs(5);
/// How long a computer must have slept to notice it by its clocks alone.
const NOTICED: Duration = Duration::from_secs(8);
/// How long nothing may have been wrong, so that nobody may see anything.
const CALM: Duration = Duration::from_secs(90);
/// How long a member may be without a hub on a good day: if the host sent it to the backup, and otherwise. The backup may
/// send it to a host that goes away at this moment.
const WITHOUT_HUB: [Duration; 2] = [Duration::from_secs(4), Duration::from_secs(11)];
/// The same if everything is well again, and was not before.
const WITHOUT_HUB_AFTER: Duration = Duration::from_secs(25);
const SETTLED: Duration = Duration::from_secs(240);

/// What is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    Standby(StandbyRule),
    Member(MemberRule),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    On,
    Asleep,
    /// The program has ended.
    Ended,
    /// The computer is off.
    Dead,
}

#[derive(Debug, Clone, Copy)]
struct Computer {
    power: Power,
    network_from: Monotonic,
    sleeps_since: Monotonic,
    /// When it woke from a sleep that it could notice.
    woke: Option<Monotonic>,
}

/// A retained record: its number and whether the device is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dot {
    version: u64,
    here: bool,
}

type Dots = BTreeMap<usize, Dot>;

/// What the host and a backup that serves have in common.
#[derive(Debug, Default)]
struct Hub {
    /// By member: the connection, and since when it is silent.
    connections: BTreeMap<usize, (u64, Option<Monotonic>)>,
    retained: Dots,
    /// Those who must come until then, or are lost.
    awaited: Option<(Monotonic, Vec<usize>)>,
}

#[derive(Debug)]
struct Host {
    machine: HandOver,
    hub: Hub,
    revision: u64,
    accounts: [bool; MEMBERS],
    /// The serial number from which on the backup is the present one.
    appointed: Option<u64>,
    stream: Option<u64>,
    stream_silent: Option<Monotonic>,
    going: Option<(Going, Monotonic)>,
    /// It has told its backup, and has not taken the team back.
    told: bool,
    /// The backup followed when the host went away last.
    was_followed: bool,
    /// The backup confirmed before the host went away.
    went_well: bool,
}

/// What the host sent to its backup last.
#[derive(Debug, Clone, Copy)]
struct List {
    revision: u64,
    accounts: [bool; MEMBERS],
    expires: Timestamp,
    /// When it ends by the clock that nobody sets, as far as the backup could know.
    until: Monotonic,
    /// The calendar was right ever since.
    is_sure: bool,
}

#[derive(Debug)]
struct StandIn {
    hub: Hub,
    list: List,
}

#[derive(Debug)]
struct Backup {
    machine: Option<Standby>,
    list: Option<List>,
    agreed: bool,
    copy: Dots,
    stream: Option<u64>,
    hub: Option<StandIn>,
    /// The host said that it is not the backup.
    is_refused: bool,
    /// Names the attempt to listen.
    listening: u64,
    /// Names the run of the program.
    run: u64,
    minutes_wrong: i8,
    /// When somebody set its calendar. It finds out when it looks.
    calendar_set: Monotonic,
    port_taken_until: Monotonic,
    /// It said that it sleeps. Unless somebody says that it woke, it believes that until then.
    rests_until: Monotonic,
    /// Answers that come while it sleeps.
    late: Vec<Event>,
}

#[derive(Debug, Clone)]
enum Message {
    State(List),
    Retained(Dots),
    HandsOver(WhyAway, Dots),
    Comment,
}

#[derive(Debug, Clone)]
enum Event {
    /// A second has passed.
    Pulse,
    Beat(u64),
    ToBackup(u64, Message),
    FollowArrives(u64, bool),
    FollowEnds(u64, StreamEnd),
    StreamEnded(u64),
    StreamClosed(u64),
    LookArrives(u64, bool),
    Looked(u64, bool),
    Listen(u64, u64),
    BackArrives(u64, bool),
    BackDone(u64, bool),
    HostGone(Going),
    /// A member learns that its connection was closed, and where to try first.
    Closed(usize, u64, Place),
    Attempt(usize, u64, Place, bool),
}

struct World {
    now: Monotonic,
    computers: [Computer; COMPUTERS],
    cut: [[bool; COMPUTERS]; COMPUTERS],
    host: Host,
    backup: Backup,
    members: [Member; MEMBERS],
    queue: BTreeMap<(Monotonic, u64), Event>,
    numbers: u64,
    lose: u8,
    /// The last look was lost.
    look_lost: bool,
    /// The stream is silent.
    deaf: bool,
    /// When something was wrong last.
    troubled: Monotonic,
    /// When a cable was cut last, or a computer was off, or anything else stood between a member and a hub.
    disturbed: Monotonic,
    /// Since when the backup could reach a host that serves.
    host_seen_since: Option<Monotonic>,
    without: Option<Without>,
    counts: [u64; COUNTED.len()],
    broken: Option<String>,
    keeps_log: bool,
    log: Vec<String>,
}

/// Runs a schedule, then lets everything settle twice, and checks what must hold.
pub(super) fn run(
    schedule: &Schedule,
    without: Option<Without>,
) -> Result<[u64; COUNTED.len()], String> {
    let mut world = World::new(without, false);
    world.play(schedule).map(|()| world.counts)
}

/// What happens in a schedule.
pub(super) fn log_of(schedule: &Schedule, without: Option<Without>) -> String {
    let mut world = World::new(without, true);
    // The last line says what is broken.
    let _ = world.play(schedule);
    world.log.join("\n")
}

fn node(member: usize) -> usize {
    FIRST_MEMBER + member
}

impl World {
    fn new(without: Option<Without>, keeps_log: bool) -> Self {
        let now = Monotonic::from_origin(Duration::from_secs(1_000));
        let computer =
            Computer { power: Power::On, network_from: now, sleeps_since: now, woke: None };
        let host = Host {
            machine: HandOver::default(),
            hub: Hub::default(),
            revision: 1,
            accounts: [true; MEMBERS],
            appointed: Some(1),
            stream: None,
            stream_silent: None,
            going: None,
            told: false,
            was_followed: true,
            went_well: true,
        };
        let backup = Backup {
            machine: None,
            list: None,
            agreed: true,
            copy: Dots::new(),
            stream: None,
            hub: None,
            is_refused: false,
            listening: 0,
            run: 0,
            minutes_wrong: 0,
            calendar_set: now,
            port_taken_until: now,
            rests_until: now,
            late: Vec::new(),
        };
        let mut world = Self {
            now,
            computers: [computer; COMPUTERS],
            cut: [[false; COMPUTERS]; COMPUTERS],
            host,
            backup,
            members: std::array::from_fn(|_| Member::default()),
            queue: BTreeMap::new(),
            numbers: 0,
            lose: 0,
            look_lost: false,
            deaf: false,
            troubled: now,
            disturbed: now,
            host_seen_since: Some(now),
            without,
            counts: [0; COUNTED.len()],
            broken: None,
            keeps_log,
            log: Vec::new(),
        };
        world.host.machine = world.new_host();
        world.start_backup();
        for member in 0..MEMBERS {
            world.start_member(member);
        }
        world.after(Duration::from_secs(1), Event::Pulse);
        world
    }

    fn play(&mut self, schedule: &Schedule) -> Result<(), String> {
        self.pass(Duration::from_secs(120))?;
        for step in &schedule.0 {
            self.note(format_args!("{step:?}"));
            self.take(*step);
            self.pass(Duration::ZERO)?;
        }
        self.note(format_args!("nothing happens any more"));
        self.lose = 0;
        self.backup.port_taken_until = self.now;
        self.take(Step::Clock(0));
        let list = self.backup.list;
        self.pass(SETTLED)?;
        self.check_reachable(list)?;
        self.note(format_args!("everything heals"));
        self.take(Step::HealAll);
        self.take(Step::HostReturns);
        self.take(Step::BackupReturns { told: true });
        (0..MEMBERS).for_each(|member| self.take(Step::MemberReturns(member)));
        self.pass(SETTLED)?;
        self.check_end()
    }

    fn note(&mut self, what: fmt::Arguments<'_>) {
        if self.keeps_log {
            let since = self.now.since(Monotonic::from_origin(Duration::from_secs(1_000)));
            self.log.push(format!("{:>9.3} {what}", since.as_secs_f64()));
        }
    }

    fn breaks(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.note(format_args!("{what}"));
        self.broken.get_or_insert(what);
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn after(&mut self, pause: Duration, event: Event) {
        let number = self.number();
        self.queue.insert((self.now + pause, number), event);
    }

    fn rule(&self) -> Option<StandbyRule> {
        match self.without {
            Some(Without::Standby(rule)) => Some(rule),
            _ => None,
        }
    }

    fn member_rule(&self) -> Option<MemberRule> {
        match self.without {
            Some(Without::Member(rule)) => Some(rule),
            _ => None,
        }
    }

    // --- time

    fn wall(&self) -> Timestamp {
        let start = Timestamp::from_ms(1_796_900_000_000).expect("a moment");
        start + self.now.since(Monotonic::default())
    }

    fn backup_now(&self) -> Now {
        let minutes = i64::from(self.backup.minutes_wrong);
        let wrong = Duration::from_secs(60 * minutes.unsigned_abs());
        let wall = if minutes < 0 { self.wall() - wrong } else { self.wall() + wrong };
        Now { mono: self.now, wall }
    }

    /// Lets time pass, from one event to the next.
    fn pass(&mut self, how_long: Duration) -> Result<(), String> {
        let end = self.now + how_long;
        loop {
            let event = self.queue.keys().next().map(|(at, _)| *at);
            let host = self.is_on(HOST).then(|| self.host.machine.next_deadline()).flatten();
            let machine = self.backup.machine.as_ref().filter(|_| self.is_on(BACKUP));
            let backup = machine.and_then(Standby::next_deadline);
            let next = [event, host, backup].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if event == Some(next) {
                let (_, event) = self.queue.pop_first().expect("it was there");
                self.happen(event);
            } else if host == Some(next) {
                self.host.machine.tick(self.now);
                self.poll_host();
            } else {
                let now = self.backup_now();
                if let Some(machine) = &mut self.backup.machine {
                    machine.tick(now);
                }
                self.poll_backup();
            }
            self.check_always();
            if let Some(broken) = self.broken.take() {
                return Err(broken);
            }
        }
        self.now = end;
        Ok(())
    }

    // --- computers and cables

    fn is_on(&self, computer: usize) -> bool {
        self.computers[computer].power == Power::On
    }

    fn is_wired(&self, a: usize, b: usize) -> bool {
        let has_network = |at: usize| {
            let Computer { power, network_from, .. } = self.computers[at];
            matches!(power, Power::On | Power::Ended) && network_from <= self.now
        };
        !self.cut[a][b] && has_network(a) && has_network(b)
    }

    /// Both programs run, and the cable is whole.
    fn reaches(&self, a: usize, b: usize) -> bool {
        self.is_on(a) && self.is_on(b) && self.is_wired(a, b)
    }

    fn fall_asleep(&mut self, computer: usize) {
        let computer = &mut self.computers[computer];
        (computer.power, computer.sleeps_since) = (Power::Asleep, self.now);
    }

    fn wake(&mut self, computer: usize) {
        let computer = &mut self.computers[computer];
        let slept = self.now.since(computer.sleeps_since);
        if computer.power == Power::Asleep && slept > NOTICED {
            computer.woke = Some(self.now);
        }
        computer.power = Power::On;
    }

    // --- steps

    fn take(&mut self, step: Step) {
        match step {
            Step::HostGoes(going) => self.host_goes(going),
            Step::HostFails(failing) if self.is_on(HOST) => {
                self.troubled = self.now;
                self.host.went_well = false;
                self.end_host(failing);
            }
            Step::HostReturns => self.host_returns(),
            Step::BackupGoes(going) if self.is_on(BACKUP) => {
                self.troubled = self.now;
                let input = match going {
                    Going::Quit => StandbyInput::Quits,
                    Going::Sleep | Going::Nowhere => StandbyInput::FallsAsleep,
                };
                self.tell_backup(input);
                if self.backup.hub.is_some() {
                    self.breaks("the backup goes away, and its members do not know it");
                }
                self.backup.rests_until = self.now + Duration::from_secs(31);
                match going {
                    Going::Sleep => self.fall_asleep(BACKUP),
                    Going::Quit => self.end_backup(Failing::Killed),
                    Going::Nowhere => {}
                }
            }
            Step::BackupFails(failing) if self.is_on(BACKUP) => {
                self.troubled = self.now;
                self.end_backup(failing);
            }
            Step::BackupReturns { told } => self.backup_returns(told),
            Step::MemberFails(member) if self.is_on(node(member)) => {
                self.troubled = self.now;
                self.computers[node(member)].power = Power::Ended;
                self.members[member].connection = None;
                self.number_attempt(member);
            }
            Step::MemberReturns(member) if !self.is_on(node(member)) => self.start_member(member),
            Step::Cut(a, b) if a != b => {
                self.cut[a][b] = true;
                self.cut[b][a] = true;
            }
            Step::Heal(a, b) => {
                self.cut[a][b] = false;
                self.cut[b][a] = false;
            }
            Step::HealAll => self.cut = [[false; COMPUTERS]; COMPUTERS],
            Step::Stall => self.deaf = true,
            Step::Lose(requests) => self.lose = requests,
            Step::Clock(minutes) => {
                if minutes != 0
                    && let Some(list) = &mut self.backup.list
                {
                    list.is_sure = false;
                }
                self.backup.minutes_wrong = minutes;
                self.backup.calendar_set = self.now;
            }
            Step::PortTaken(seconds) => {
                self.backup.port_taken_until = self.now + Duration::from_secs(seconds.into());
            }
            Step::EndBackup if self.host.appointed.is_some() => {
                self.change_team(|host| host.appointed = None);
                if self.host.appointed.is_none() {
                    self.end_stream();
                }
            }
            Step::NameBackup => self.name_backup(),
            Step::Remove(member) if self.host.accounts[member] => {
                self.change_team(|host| host.accounts[member] = false);
                if !self.host.accounts[member] {
                    self.host.hub.retained.remove(&member);
                    self.drop_member(member);
                }
            }
            Step::Admit(member) if !self.host.accounts[member] => {
                self.change_team(|host| host.accounts[member] = true);
                self.members[member].without_hub_since = self.now;
                self.troubled = self.now;
            }
            Step::Wait(ms) => {
                let outcome = self.pass(Duration::from_millis(ms.into()));
                if let Err(broken) = outcome {
                    self.broken = Some(broken);
                }
            }
            _ => {}
        }
    }

    // --- the host

    fn new_host(&self) -> HandOver {
        HandOver::without(self.rule())
    }

    fn host_goes(&mut self, going: Going) {
        if !self.is_on(HOST) || self.host.going.is_some() {
            return;
        }
        self.host.going = Some((going, self.now));
        self.host.was_followed = self.host.stream.is_some();
        self.host.went_well = self.host.was_followed;
        let why = if going == Going::Quit { WhyAway::Quit } else { WhyAway::Asleep };
        self.tell_host(HandOverInput::GoesAway(why));
    }

    fn end_host(&mut self, failing: Failing) {
        self.host.going = None;
        match failing {
            Failing::Sleep => {
                self.fall_asleep(HOST);
                return;
            }
            Failing::Killed => self.computers[HOST].power = Power::Ended,
            Failing::Dead => self.computers[HOST].power = Power::Dead,
        }
        self.end_stream();
        self.host.hub.connections.clear();
        self.host.told = false;
        self.host.machine = self.new_host();
    }

    fn host_returns(&mut self) {
        match self.computers[HOST].power {
            Power::On => return,
            Power::Asleep => {
                self.wake(HOST);
                self.tell_host(HandOverInput::Stays);
            }
            Power::Ended | Power::Dead => {
                self.wake(HOST);
                self.await_all(Place::Host);
            }
        }
        if !self.host.went_well {
            self.troubled = self.now;
        }
    }

    fn tell_host(&mut self, input: HandOverInput) {
        if self.is_on(HOST) {
            self.host.machine.handle(self.now, input);
            self.poll_host();
        }
    }

    fn poll_host(&mut self) {
        while let Some(effect) = self.host.machine.poll_effect() {
            self.note(format_args!("  host: {effect:?}"));
            match effect {
                HandOverEffect::Tell(why) => {
                    self.counts[0] += 1;
                    self.host.told = true;
                    let dots = self.host.hub.retained.clone();
                    self.send(Message::HandsOver(why, dots));
                }
                HandOverEffect::CloseMembers => {
                    if !self.host.was_followed {
                        self.breaks("the host closes members that have nowhere to go");
                    }
                    // The backup listens, or has nothing to do with it.
                    self.host.went_well &= self.host.stream.is_none() || !self.host.told;
                    self.close_members(Place::Host, Place::Backup);
                }
                HandOverEffect::Proceed => {
                    if let Some((going, _)) = self.host.going {
                        self.after(HOP, Event::HostGone(going));
                    }
                }
                HandOverEffect::TakeBack => {
                    self.host.told = false;
                    self.await_all(Place::Host);
                }
            }
        }
    }

    /// The owner changes the team, if the host takes it.
    fn change_team(&mut self, change: impl FnOnce(&mut Host)) {
        if !self.is_on(HOST) || !self.host.machine.is_serving() {
            return;
        }
        if self.host.told {
            self.breaks("the host changes a team that it has handed over");
        }
        change(&mut self.host);
        self.host.revision += 1;
        self.send_state();
    }

    fn drop_member(&mut self, member: usize) {
        if let Some((id, _)) = self.host.hub.connections.remove(&member) {
            self.after(HOP, Event::Closed(member, id, Place::Host));
        }
    }

    fn send(&mut self, message: Message) {
        if let Some(id) = self.host.stream {
            self.after(HOP, Event::ToBackup(id, message));
        }
    }

    fn send_state(&mut self) {
        if self.host.appointed.is_some() {
            let Host { revision, accounts, .. } = self.host;
            let expires = self.wall() + HOLDS;
            let list = List { revision, accounts, expires, until: self.now, is_sure: true };
            self.send(Message::State(list));
        }
    }

    /// The host closes the stream.
    fn end_stream(&mut self) {
        if let Some(id) = self.host.stream.take() {
            self.after(HOP, Event::StreamEnded(id));
            self.tell_host(HandOverInput::Unfollowed);
        }
    }

    // --- the backup

    fn start_backup(&mut self) {
        self.backup.run += 1;
        if self.backup.agreed {
            let expires = self.backup.list.map(|list| list.expires);
            let now = self.backup_now();
            if let Some(list) = &mut self.backup.list {
                list.until = now.when(list.expires);
                list.is_sure &= self.backup.minutes_wrong == 0;
            }
            self.backup.machine = Some(Standby::without(now, expires, self.rule()));
            self.poll_backup();
        }
    }

    fn end_backup(&mut self, failing: Failing) {
        match failing {
            Failing::Sleep => {
                self.fall_asleep(BACKUP);
                return;
            }
            Failing::Killed => self.computers[BACKUP].power = Power::Ended,
            Failing::Dead => self.computers[BACKUP].power = Power::Dead,
        }
        self.backup.machine = None;
        self.backup.hub = None;
        self.backup.late.clear();
        if failing == Failing::Dead {
            self.backup.stream = None;
        }
        self.unfollow();
    }

    fn backup_returns(&mut self, told: bool) {
        match self.computers[BACKUP].power {
            Power::On => {}
            Power::Asleep => {
                self.wake(BACKUP);
                self.computers[BACKUP].network_from = self.now + NO_NETWORK;
                self.troubled = self.now;
                if told {
                    self.tell_backup(StandbyInput::Woke);
                }
                for event in std::mem::take(&mut self.backup.late) {
                    self.after(Duration::ZERO, event);
                }
            }
            Power::Ended | Power::Dead => {
                self.wake(BACKUP);
                self.troubled = self.now;
                self.start_backup();
            }
        }
    }

    fn name_backup(&mut self) {
        let is_free = self.backup.hub.is_none() && self.host.appointed.is_none();
        if !is_free || !self.reaches(HOST, BACKUP) {
            return;
        }
        self.change_team(|host| host.appointed = Some(host.revision + 1));
        if self.host.appointed.is_some() {
            self.troubled = self.now;
            self.unfollow();
            self.backup.list = None;
            self.backup.agreed = true;
            self.backup.is_refused = false;
            self.start_backup();
        }
    }

    fn tell_backup(&mut self, input: StandbyInput) {
        let now = self.backup_now();
        if self.is_on(BACKUP)
            && let Some(machine) = &mut self.backup.machine
        {
            machine.handle(now, input);
            self.poll_backup();
        }
    }

    fn poll_backup(&mut self) {
        while let Some(machine) = &mut self.backup.machine {
            let Some(effect) = machine.poll_effect() else { return };
            self.note(format_args!("  backup: {effect:?}"));
            let run = self.backup.run;
            let is_lost = self.lose > 0;
            match effect {
                StandbyEffect::Follow => {
                    let id = self.number();
                    self.backup.stream = Some(id);
                    self.lose = self.lose.saturating_sub(1);
                    self.after(HOP, Event::FollowArrives(id, is_lost));
                }
                StandbyEffect::Unfollow => self.unfollow(),
                StandbyEffect::Look => {
                    self.look_lost = is_lost;
                    self.lose = self.lose.saturating_sub(1);
                    self.after(HOP, Event::LookArrives(run, is_lost));
                }
                StandbyEffect::Serve(stands_in) => self.serve(&stands_in),
                StandbyEffect::GiveBack => {
                    self.lose = self.lose.saturating_sub(1);
                    self.after(HOP * 25, Event::BackArrives(run, is_lost));
                }
                StandbyEffect::StandDown(why) => {
                    self.counts[4] += u64::from(why == StoodDown::Expired);
                    let leaves = matches!(why, StoodDown::Sleeps | StoodDown::Quits);
                    self.counts[7] += u64::from(leaves);
                    self.close_members(Place::Backup, Place::Host);
                    self.backup.hub = None;
                    self.backup.listening = self.number();
                }
                StandbyEffect::Forget => {
                    self.counts[5] += 1;
                    self.backup.list = None;
                    self.backup.agreed = false;
                }
                StandbyEffect::Report(StandbyState::CannotServe(_)) => self.counts[6] += 1,
                StandbyEffect::Report(_) => {}
            }
        }
    }

    fn unfollow(&mut self) {
        if let Some(id) = self.backup.stream.take() {
            self.after(HOP, Event::StreamClosed(id));
        }
    }

    fn serve(&mut self, stands_in: &StandsIn) {
        // It serves already, and takes the list that came meanwhile.
        if self.backup.hub.is_some() {
            self.note(format_args!("    it serves already"));
        } else if stands_in.why == WhyAway::Lost {
            self.counts[2] += 1;
            let woke = self.computers[BACKUP].woke;
            let is_there = self.is_on(HOST) && !self.cut[HOST][BACKUP];
            if is_there && woke.is_some_and(|woke| self.now.since(woke) < Duration::from_secs(8)) {
                self.breaks("the backup takes its own sleep for the silence of the host");
            }
            let seen = self.host_seen_since;
            if seen.is_some_and(|since| self.now.since(since) > SEEN) {
                self.breaks("the backup serves, and could reach the host");
            }
        } else {
            self.counts[1] += 1;
            if self.is_calm() {
                self.counts[8] += 1;
            }
        }
        let listening = self.number();
        self.backup.listening = listening;
        self.after(HOP * 15, Event::Listen(self.backup.run, listening));
    }

    fn listen(&mut self) -> Result<(), Problem> {
        let problem = |code: &str| Problem { code: code.to_owned(), message: String::new() };
        if self.backup.hub.is_none() && self.backup.port_taken_until > self.now {
            return Err(problem("port_taken"));
        }
        let list = self.backup.list.ok_or(problem("no_list"))?;
        match &mut self.backup.hub {
            Some(known) if known.list.revision == list.revision => {
                known.list = list;
                return Ok(());
            }
            Some(_) => self.close_members(Place::Backup, Place::Backup),
            None => {}
        }
        let hub = Hub { retained: self.backup.copy.clone(), ..Hub::default() };
        self.backup.hub = Some(StandIn { hub, list });
        self.await_all(Place::Backup);
        Ok(())
    }

    /// What came on the stream.
    fn receive(&mut self, id: u64, message: Message) {
        if self.backup.stream != Some(id) {
            self.after(HOP, Event::StreamClosed(id));
            return;
        }
        if self.deaf || !self.reaches(BACKUP, HOST) {
            self.deaf |= self.host.stream == Some(id);
            return;
        }
        let event = match message {
            Message::Comment => StreamEvent::Comment,
            Message::Retained(dots) => {
                self.backup.copy = dots;
                StreamEvent::Retained
            }
            Message::HandsOver(why, dots) => {
                self.backup.copy = dots;
                StreamEvent::HandsOver { why }
            }
            Message::State(list) => {
                let now = self.backup_now();
                let known = self.backup.list.map_or(0, |list| list.revision);
                if list.revision < known || list.expires <= now.wall {
                    // It does not take this, and follows again.
                    self.unfollow();
                    self.tell_backup(StandbyInput::Ended(StreamEnd::Closed));
                    return;
                }
                let is_sure = self.backup.minutes_wrong == 0;
                let until = now.when(list.expires);
                self.backup.list = Some(List { until, is_sure, ..list });
                StreamEvent::State { expires: list.expires }
            }
        };
        self.tell_backup(StandbyInput::Heard(event));
    }

    // --- hubs

    fn hub(&mut self, place: Place) -> Option<&mut Hub> {
        match place {
            Place::Host => Some(&mut self.host.hub),
            Place::Backup => self.backup.hub.as_mut().map(|stand_in| &mut stand_in.hub),
        }
    }

    fn await_all(&mut self, place: Place) {
        let until = self.now + ARRIVAL;
        if let Some(hub) = self.hub(place) {
            let here = hub.retained.iter().filter(|(_, dot)| dot.here);
            hub.awaited = Some((until, here.map(|(member, _)| *member).collect()));
        }
    }

    /// Closes everybody, publishes no Will, and says where to go.
    fn close_members(&mut self, place: Place, first: Place) {
        let Some(hub) = self.hub(place) else { return };
        hub.awaited = None;
        for (member, (id, _)) in std::mem::take(&mut hub.connections) {
            self.after(HOP, Event::Closed(member, id, first));
        }
    }

    // --- what happens

    fn happen(&mut self, event: Event) {
        match event {
            Event::Pulse => {
                self.after(Duration::from_secs(1), Event::Pulse);
                self.pulse();
            }
            Event::Beat(id) if self.host.stream == Some(id) => self.beat(id),
            Event::Beat(_) => {}
            Event::ToBackup(id, message) => self.receive(id, message),
            Event::FollowArrives(id, is_lost) => self.follow_arrives(id, is_lost),
            Event::StreamEnded(id) => {
                let is_ours = self.backup.stream == Some(id);
                if is_ours
                    && self.computers[HOST].power != Power::Dead
                    && self.arrives(HOST, BACKUP)
                {
                    self.backup.stream = None;
                    self.tell_backup(StandbyInput::Ended(StreamEnd::Closed));
                }
            }
            Event::StreamClosed(id) => {
                if self.host.stream == Some(id) && self.arrives(BACKUP, HOST) {
                    self.host.stream = None;
                    self.deaf = false;
                    self.tell_host(HandOverInput::Unfollowed);
                }
            }
            Event::LookArrives(run, is_lost) => {
                let answers = !is_lost && self.reaches(BACKUP, HOST);
                let at_once = answers || (!is_lost && self.is_wired(BACKUP, HOST));
                let pause = if at_once { HOP } else { TIMEOUT };
                self.after(pause, Event::Looked(run, answers));
            }
            Event::BackArrives(run, is_lost) => {
                let arrives = !is_lost && self.reaches(BACKUP, HOST);
                let taken = arrives && self.host.appointed.is_some();
                if taken && self.host.machine.is_serving() {
                    self.counts[3] += 1;
                    self.merge();
                    self.after(HOP, Event::BackDone(run, true));
                } else {
                    let pause = if arrives { HOP } else { TIMEOUT };
                    self.after(pause, Event::BackDone(run, false));
                }
            }
            Event::FollowEnds(..) | Event::Looked(..) | Event::Listen(..) | Event::BackDone(..)
                if self.computers[BACKUP].power == Power::Asleep =>
            {
                self.backup.late.push(event);
            }
            Event::FollowEnds(id, end) => {
                if self.backup.stream == Some(id) {
                    self.backup.stream = None;
                    self.backup.is_refused |= end == StreamEnd::Forbidden;
                    self.tell_backup(StandbyInput::Ended(end));
                }
            }
            Event::Looked(run, answers) if run == self.backup.run => {
                self.tell_backup(StandbyInput::HostAnswers(answers));
            }
            Event::Listen(run, listening)
                if run == self.backup.run && listening == self.backup.listening =>
            {
                if self.is_on(BACKUP) {
                    let outcome = self.listen();
                    self.tell_backup(StandbyInput::Served(outcome));
                }
            }
            Event::BackDone(run, taken) if run == self.backup.run => {
                self.tell_backup(StandbyInput::GivenBack(taken));
            }
            Event::Looked(..) | Event::Listen(..) | Event::BackDone(..) => {}
            Event::HostGone(going) => {
                if self.is_on(HOST) && self.host.going.is_some() {
                    self.host.going = None;
                    match going {
                        Going::Sleep => self.end_host(Failing::Sleep),
                        Going::Quit => self.end_host(Failing::Killed),
                        Going::Nowhere => {}
                    }
                }
            }
            Event::Closed(member, id, first) => {
                let connection = self.members[member].connection;
                let Some(Connection { place, .. }) = connection.filter(|it| it.id == id) else {
                    return;
                };
                let from = if place == Place::Host { HOST } else { BACKUP };
                if self.arrives(from, node(member)) {
                    self.disconnected(member, first, HOP);
                    self.members[member].is_sent = first == Place::Backup;
                }
            }
            Event::Attempt(member, attempt, place, is_last) => {
                if self.members[member].attempt == attempt && self.is_on(node(member)) {
                    self.attempt(member, place, is_last);
                }
            }
        }
    }

    /// Something that was sent before its sender went away arrives.
    fn arrives(&self, from: usize, to: usize) -> bool {
        let has_network = self.computers[to].network_from <= self.now;
        self.is_on(to) && has_network && !self.cut[from][to]
    }

    fn follow_arrives(&mut self, id: u64, is_lost: bool) {
        if self.backup.stream != Some(id) {
            return;
        }
        if is_lost || !self.reaches(BACKUP, HOST) {
            let at_once = !is_lost && self.is_wired(BACKUP, HOST);
            let pause = if at_once { HOP } else { TIMEOUT };
            self.after(pause, Event::FollowEnds(id, StreamEnd::Closed));
        } else if self.host.appointed.is_none() {
            self.after(HOP, Event::FollowEnds(id, StreamEnd::Forbidden));
        } else if !self.host.machine.is_serving() {
            self.after(HOP, Event::FollowEnds(id, StreamEnd::HandedOver));
        } else {
            self.host.stream = Some(id);
            self.host.stream_silent = None;
            self.deaf = false;
            self.tell_host(HandOverInput::Followed);
            self.send_state();
            self.beat(id);
        }
    }

    fn beat(&mut self, id: u64) {
        if !self.is_on(HOST) {
            self.after(BEAT, Event::Beat(id));
            return;
        }
        if self.reaches(HOST, BACKUP) && !self.deaf {
            self.host.stream_silent = None;
        } else {
            let since = *self.host.stream_silent.get_or_insert(self.now);
            if self.now.since(since) > KEEP_ALIVE {
                self.host.stream = None;
                self.deaf = false;
                self.tell_host(HandOverInput::Unfollowed);
                return;
            }
        }
        // The delegation is renewed in time.
        let seconds = self.now.since(Monotonic::default()).as_secs();
        if seconds % 90 < BEAT.as_secs() {
            self.send_state();
        } else if seconds.is_multiple_of(2) {
            self.send(Message::Comment);
        } else {
            let dots = self.host.hub.retained.clone();
            self.send(Message::Retained(dots));
        }
        self.after(BEAT, Event::Beat(id));
    }

    /// The host takes what is newer at the backup. Of those who are connected here it knows better: while both served,
    /// the backup took them for lost.
    fn merge(&mut self) {
        let Some(stand_in) = &self.backup.hub else { return };
        let hub = &mut self.host.hub;
        let mut came = Vec::new();
        for (member, dot) in &stand_in.hub.retained {
            let known = hub.retained.get(member);
            let is_newer = known.is_none_or(|known| known.version <= dot.version);
            let is_here = hub.connections.contains_key(member);
            if self.host.accounts[*member] && is_newer && !is_here {
                hub.retained.insert(*member, *dot);
                came.extend(dot.here.then_some(*member));
            }
        }
        came.extend(hub.awaited.take().into_iter().flat_map(|(_, awaited)| awaited));
        hub.awaited = Some((self.now + ARRIVAL, came));
    }

    // --- members

    fn start_member(&mut self, member: usize) {
        self.computers[node(member)].power = Power::On;
        self.members[member].view.clear();
        self.disconnected(member, Place::Host, HOP);
    }

    fn number_attempt(&mut self, member: usize) -> u64 {
        let number = self.number();
        self.members[member].attempt = number;
        number
    }

    fn disconnected(&mut self, member: usize, first: Place, pause: Duration) {
        self.members[member].connection = None;
        self.members[member].without_hub_since = self.now;
        self.members[member].is_sent = false;
        let attempt = self.number_attempt(member);
        self.after(pause, Event::Attempt(member, attempt, first, false));
    }

    fn attempt(&mut self, member: usize, place: Place, is_last: bool) {
        let at = if place == Place::Host { HOST } else { BACKUP };
        let knows = place == Place::Host || self.members[member].has_address;
        let answers = knows && self.reaches(node(member), at);
        if answers && self.enter(member, place) {
            return;
        }
        let refuses = !knows || self.is_wired(node(member), at);
        let pause = if refuses { HOP } else { DEAD };
        let number = self.members[member].attempt;
        let other = if place == Place::Host { Place::Backup } else { Place::Host };
        let next = if is_last {
            (pause + RETRY, Event::Attempt(member, number, Place::Host, false))
        } else {
            (pause, Event::Attempt(member, number, other, true))
        };
        self.after(next.0, next.1);
    }

    /// Connects, if the hub lets it in and it believes the hub.
    fn enter(&mut self, member: usize, place: Place) -> bool {
        let wall = self.wall();
        let rule = self.member_rule();
        match place {
            Place::Host => {
                let Host { machine, accounts, revision, appointed, .. } = &self.host;
                if !machine.is_serving() || !accounts[member] {
                    return false;
                }
                self.members[member].hear_host(*revision, *appointed);
            }
            Place::Backup => {
                let Some(StandIn { list, .. }) = self.backup.hub else { return false };
                let List { revision, accounts, expires, .. } = list;
                let shown = Shown { serial: revision, expires, revision };
                if !accounts[member] || !self.members[member].enters(shown, wall, rule) {
                    return false;
                }
                if !self.members[member].trusts(shown, wall) {
                    self.breaks(format!("member {member} believes a backup that it must not"));
                }
            }
        }
        let id = self.number();
        let version = self.number();
        let look_at = self.now + LOOK;
        self.members[member].connection =
            Some(Connection { place, id, silent_since: None, look_at, found_host: None });
        self.number_attempt(member);
        let hub = self.hub(place).expect("it lets members in");
        hub.connections.insert(member, (id, None));
        hub.retained.insert(member, Dot { version, here: true });
        self.note(format_args!("    member {member} is on {place:?}"));
        self.show(member);
        true
    }

    /// The member shows what its hub has retained.
    fn show(&mut self, member: usize) {
        let Some(Connection { place, .. }) = self.members[member].connection else { return };
        let Some(hub) = self.hub(place) else { return };
        let retained = hub.retained.clone();
        for other in (0..MEMBERS).filter(|other| *other != member) {
            let here = retained.get(&other).is_some_and(|dot| dot.here);
            let was = self.members[member].view.insert(other, here);
            let gone = was == Some(true) && !here && self.host.accounts[other];
            if gone && self.is_calm() && self.is_on(node(other)) {
                self.breaks(format!("member {member} sees member {other} go on a good day"));
            }
        }
    }

    // --- each second

    fn pulse(&mut self) {
        for member in 0..MEMBERS {
            if self.is_on(node(member)) {
                self.check_connection(member);
            }
        }
        for place in [Place::Host, Place::Backup] {
            self.check_members(place);
        }
    }

    fn check_connection(&mut self, member: usize) {
        let Some(connection) = self.members[member].connection else { return };
        let Connection { place, id, silent_since, look_at, .. } = connection;
        let at = if place == Place::Host { HOST } else { BACKUP };
        let is_known = |hub: Option<&mut Hub>| {
            hub.is_some_and(|hub| hub.connections.get(&member).is_some_and(|known| known.0 == id))
        };
        if self.reaches(node(member), at) && is_known(self.hub(place)) {
            let connection = Connection { silent_since: None, ..connection };
            self.members[member].connection = Some(connection);
            if place == Place::Host {
                let Host { revision, appointed, .. } = self.host;
                self.members[member].hear_host(revision, appointed);
            }
            self.show(member);
            if place == Place::Backup
                && look_at <= self.now
                && self.member_rule() != Some(MemberRule::LookForHost)
            {
                self.look_for_host(member, connection);
            }
        } else if self.is_wired(node(member), at) {
            self.disconnected(member, Place::Host, HOP);
        } else {
            let since = silent_since.unwrap_or(self.now);
            let connection = Connection { silent_since: Some(since), ..connection };
            self.members[member].connection = Some(connection);
            if self.now.since(since) >= KEEP_ALIVE {
                self.disconnected(member, Place::Host, HOP);
            }
        }
    }

    fn look_for_host(&mut self, member: usize, connection: Connection) {
        let takes = self.host.machine.is_serving() && self.host.accounts[member];
        let answers = takes && self.reaches(node(member), HOST);
        let since = connection.found_host.unwrap_or(self.now);
        let is_patient = self.member_rule() != Some(MemberRule::Patience);
        if answers && (self.now.since(since) >= PATIENCE || !is_patient) {
            if let Some(stand_in) = &mut self.backup.hub {
                stand_in.hub.connections.remove(&member);
            }
            self.disconnected(member, Place::Host, HOP);
        } else {
            let look_at = self.now + if answers { RETRY } else { LOOK };
            let found_host = answers.then_some(since);
            let connection = Connection { look_at, found_host, ..connection };
            self.members[member].connection = Some(connection);
        }
    }

    /// A hub finds out who is gone, and publishes their Wills.
    fn check_members(&mut self, place: Place) {
        let at = if place == Place::Host { HOST } else { BACKUP };
        if !self.is_on(at) {
            return;
        }
        let Some(hub) = self.hub(place) else { return };
        let mut connections = std::mem::take(&mut hub.connections);
        let mut lost = Vec::new();
        connections.retain(|member, (id, silent)| {
            let own = self.members[*member].connection.is_some_and(|it| it.id == *id);
            let is_gone = if self.is_wired(node(*member), at) {
                *silent = None;
                !own || !self.is_on(node(*member))
            } else {
                self.now.since(*silent.get_or_insert(self.now)) >= KEEP_ALIVE * 3 / 2
            };
            if is_gone {
                lost.push(*member);
            }
            !is_gone
        });
        let now = self.now;
        let Some(hub) = self.hub(place) else { return };
        hub.connections = connections;
        if hub.awaited.as_ref().is_some_and(|(until, _)| *until <= now)
            && let Some((_, awaited)) = hub.awaited.take()
        {
            lost.extend(awaited.iter().filter(|it| !hub.connections.contains_key(it)));
        }
        for member in lost {
            if let Some(dot) = hub.retained.get_mut(&member) {
                dot.here = false;
            }
        }
    }

    // --- what must hold

    fn is_calm(&self) -> bool {
        self.now.since(self.troubled) > CALM
    }

    /// Whether something is wrong now, so that people may see it. A silent stream is not counted, and neither is the host.
    fn is_disturbed(&self) -> bool {
        let is_cut = self.cut.iter().flatten().any(|is_cut| *is_cut);
        let no_network = self.computers.iter().any(|it| it.network_from > self.now);
        let knows = |member: usize| {
            let known = self.members[member].backup == self.host.appointed;
            known || !self.is_on(node(member)) || !self.host.accounts[member]
        };
        let is_valid = self.backup.list.is_some_and(|list| {
            list.is_sure
                && list.revision == self.host.revision
                && self.wall() + Duration::from_secs(5) < list.expires
        });
        is_cut
            || no_network
            || !is_valid
            || !(0..MEMBERS).all(knows)
            || self.backup.machine.is_none()
            || !self.is_on(BACKUP)
            || self.host.appointed.is_none()
            || self.backup.minutes_wrong != 0
            || self.backup.port_taken_until > self.now
            || self.backup.rests_until > self.now
            || self.lose > 0
    }

    fn check_always(&mut self) {
        if self.is_disturbed() || !self.is_on(HOST) {
            self.disturbed = self.now;
        }
        let host_is_missing = !self.is_on(HOST) && !self.host.went_well;
        if self.is_disturbed() || self.deaf || host_is_missing {
            self.troubled = self.now;
        }
        let answers = self.reaches(BACKUP, HOST) && self.host.machine.is_serving();
        let sees_host = answers && self.lose == 0 && !self.look_lost;
        self.host_seen_since =
            if sees_host { self.host_seen_since.or(Some(self.now)) } else { None };
        if let Some((_, since)) = self.host.going
            && self.now.since(since) > Duration::from_secs(2)
        {
            self.breaks("the host does not go away in time");
        }
        let hubs = [self.is_on(HOST) && self.host.machine.is_serving(), false];
        if hubs.iter().filter(|accepts| **accepts).count() > 1 {
            self.breaks("two hubs accept changes");
        }
        self.check_backup();
        for member in 0..MEMBERS {
            let Member { connection, without_hub_since, is_sent, .. } = self.members[member];
            if !self.is_on(node(member)) || !self.host.accounts[member] || connection.is_some() {
                continue;
            }
            let lacks_for = self.now.since(without_hub_since);
            if self.is_calm() && lacks_for > WITHOUT_HUB[usize::from(!is_sent)] {
                self.breaks(format!("member {member} has no hub on a good day"));
            } else if lacks_for.min(self.now.since(self.disturbed)) > WITHOUT_HUB_AFTER {
                self.breaks(format!("member {member} has no hub, and nothing is in its way"));
            }
        }
    }

    fn check_backup(&mut self) {
        let Some(StandIn { hub, list }) = &self.backup.hub else { return };
        let now = self.backup_now();
        let on = |member: usize| {
            let own = self.members[member].connection.map(|connection| connection.id);
            self.is_on(BACKUP)
                && hub.connections.get(&member).map(|it| it.0) == own
                && own.is_some()
        };
        let removed = (0..MEMBERS).find(|member| on(*member) && !self.host.accounts[*member]);
        let outdated = (0..MEMBERS)
            .find(|member| on(*member) && self.members[*member].revision > list.revision);
        let broken = if let (Some(removed), Some(outdated)) = (removed, outdated) {
            Some(format!(
                "removed member {removed} is in at a hub that {outdated} knows to be outdated"
            ))
        } else if self.backup.is_refused {
            Some("the backup serves, and the host has said that it is none".to_owned())
        } else if !self.is_on(BACKUP) || self.now.since(self.backup.calendar_set) < KEEP_ALIVE / 3 {
            None
        } else {
            match &self.backup.list {
                None => Some("the backup serves without a list".to_owned()),
                Some(list) if now.wall > list.expires || now.mono > list.until => {
                    Some("the backup serves with a delegation that has ended".to_owned())
                }
                Some(_) => None,
            }
        };
        if let Some(broken) = broken {
            self.breaks(broken);
        }
    }

    /// With cables cut and computers off for long: every member is where it can be.
    fn check_reachable(&self, before: Option<List>) -> Result<(), String> {
        let can_reach_host = self.reaches(BACKUP, HOST);
        let valid = before.filter(|list| {
            list.is_sure && self.wall() < list.expires && self.backup.machine.is_some()
        });
        let serves = valid.filter(|_| !can_reach_host && self.is_on(BACKUP));
        for member in (0..MEMBERS).filter(|member| self.host.accounts[*member]) {
            let Member { connection, revision, .. } = &self.members[member];
            let at = node(member);
            if !self.is_on(at) {
                continue;
            }
            let on = connection.map(|connection| connection.place);
            let accepts = |list: &List| {
                list.accounts[member]
                    && list.revision >= *revision
                    && self.members[member].accepts_serial(list.revision)
            };
            if self.reaches(at, HOST) {
                if on != Some(Place::Host) {
                    return Err(format!("member {member} could be on the host, and is on {on:?}"));
                }
            } else if self.reaches(at, BACKUP)
                && serves.as_ref().is_some_and(accepts)
                && on != Some(Place::Backup)
            {
                return Err(format!("member {member} could be on the backup, and is on {on:?}"));
            }
            let is_off = |other: &usize| !self.is_on(node(*other));
            let mut shown = self.members[member].view.iter().filter(|(_, here)| **here);
            if on == Some(Place::Host)
                && let Some((other, _)) = shown.find(|(other, _)| is_off(other))
            {
                return Err(format!("member {member} sees {other}, who is gone"));
            }
            let beside = |other: &usize| {
                let theirs = self.members[*other].connection;
                *other != member
                    && self.is_on(node(*other))
                    && on.is_some()
                    && theirs.map(|it| it.place) == on
                    && theirs.is_some_and(|it| it.silent_since.is_none())
            };
            if connection.is_some_and(|it| it.silent_since.is_none())
                && let Some(other) = (0..MEMBERS)
                    .filter(beside)
                    .find(|other| self.members[member].view.get(other) != Some(&true))
            {
                return Err(format!("member {member} does not see {other}, who is beside it"));
            }
        }
        if can_reach_host && self.host.appointed.is_some() && self.backup.hub.is_some() {
            return Err("the backup serves, and could follow the host".to_owned());
        }
        Ok(())
    }

    fn check_end(&self) -> Result<(), String> {
        let members = || (0..MEMBERS).filter(|member| self.host.accounts[*member]);
        for member in members() {
            let Member { connection, view, .. } = &self.members[member];
            if connection.is_none_or(|connection| connection.place != Place::Host) {
                return Err(format!("member {member} is not on the host"));
            }
            let others = members().filter(|other| *other != member);
            if let Some(other) = others.into_iter().find(|other| view.get(other) != Some(&true)) {
                return Err(format!("member {member} does not see {other}"));
            }
        }
        if self.backup.hub.is_some() {
            return Err("the backup still serves".to_owned());
        }
        let Some(machine) = &self.backup.machine else { return Ok(()) };
        let expected = match (self.host.appointed, self.backup.agreed) {
            (Some(_), true) => StandbyState::Following,
            _ => StandbyState::Revoked,
        };
        if *machine.state() != expected {
            return Err(format!("the backup is {:?}, not {expected:?}", machine.state()));
        }
        let revision = self.backup.list.map(|list| list.revision);
        let known = (expected == StandbyState::Following).then_some(self.host.revision);
        if revision != known {
            return Err(format!("the backup has revision {revision:?}, not {known:?}"));
        }
        Ok(())
    }
}
