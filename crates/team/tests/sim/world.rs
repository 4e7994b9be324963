//! Computers, their disks, and the network between them.

use std::collections::BTreeMap;
use std::time::Duration;

use porchlight_core::id::{Root, UserId};
use porchlight_core::team::{
    Address, FingerprintPrefix, Invitation, Joined, Pin, RefusalCode, RequestState, Role, Secret,
    TeamView,
};
use porchlight_core::time::Monotonic;
use porchlight_core::view::Problem;
use porchlight_team::{
    Answer, Ask, Effect, Enter, Facts, HubStart, Intent, LeaveScope, Leaving, Lifecycle,
    NewRequest, Operation, Outcome, Report, Rule, SecretStorage, StoreState, Way,
};

use crate::hub::{Accounts, Custody, Pending, Store};
use crate::schedule::{COMPUTERS, Fault, Schedule, Step};

/// What is counted, to see that it happens.
pub(crate) const COUNTED: [&str; 7] =
    ["entered", "requests approved", "hosted", "left", "failed", "stuck", "restarts"];

/// What broke, and what led to it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) what: String,
    pub(crate) log: Vec<String>,
}

#[derive(Debug, Clone)]
struct Member {
    team: u8,
    credential: String,
    at: Vec<Address>,
}

#[derive(Debug, Default)]
struct Disk {
    intent: Option<Intent>,
    secrets: BTreeMap<String, Secret>,
    membership: Option<Member>,
    store: Option<Store>,
}

#[derive(Debug)]
struct Process {
    lifecycle: Lifecycle,
    step: Option<Effect>,
    hub_runs: bool,
    requests: Vec<Pending>,
}

#[derive(Debug, Default)]
struct Computer {
    disk: Disk,
    process: Option<Process>,
}

struct World {
    computers: Vec<Computer>,
    now: Monotonic,
    /// Credentials of people who left with all their devices, or did not wait for a hub to hear that they gave up.
    ended: Vec<String>,
    /// Copies of teams under way, by number.
    copies: Vec<Accounts>,
    teams: u8,
    made: u32,
    without: Option<Rule>,
    counts: [u64; COUNTED.len()],
    log: Vec<String>,
}

/// Runs a schedule, then lets everything settle, and checks what must hold.
pub(crate) fn run(
    schedule: &Schedule,
    without: Option<Rule>,
) -> Result<[u64; COUNTED.len()], Failure> {
    let mut world = World::new(without);
    let outcome = world.play(schedule);
    let World { counts, log, .. } = world;
    outcome.map(|()| counts).map_err(|what| Failure { what, log })
}

fn address(computer: usize) -> Address {
    Address::new(&format!("10.0.0.{}", computer + 1), 18_831).expect("an address")
}

fn computer_at(address: &Address) -> usize {
    let last = address.host().rsplit('.').next().and_then(|n| n.parse::<usize>().ok());
    last.expect("an address of this world") - 1
}

fn pin(team: u8) -> Pin {
    Pin::of_digest([team; 32])
}

fn problem(code: &str) -> Problem {
    Problem { code: code.to_owned(), message: code.to_owned() }
}

fn refused(code: RefusalCode) -> Answer {
    Answer::Refused { code, problem: problem("refused") }
}

impl World {
    fn new(without: Option<Rule>) -> Self {
        let computers = (0..COMPUTERS).map(|_| Computer::default()).collect();
        let mut world = Self {
            computers,
            now: Monotonic::default(),
            ended: Vec::new(),
            copies: Vec::new(),
            teams: 0,
            made: 0,
            without,
            counts: [0; COUNTED.len()],
            log: Vec::new(),
        };
        // The last computer has a team that somebody hosts here without being its member.
        let mut accounts = Accounts { team: world.new_team(), ..Accounts::default() };
        let credential = world.secret();
        accounts.admit(&credential, "zoe", true);
        world.computers[COMPUTERS - 1].disk.store =
            Some(Store { accounts, custody: Custody::Serving });
        for at in 0..COMPUTERS {
            world.restart(at);
        }
        world
    }

    fn new_team(&mut self) -> u8 {
        self.teams += 1;
        self.teams
    }

    fn secret(&mut self) -> Secret {
        self.made += 1;
        let id = format!("{:010}", self.made);
        Secret::of_parts(&id, &"s".repeat(27)).expect("the right length")
    }

    fn play(&mut self, schedule: &Schedule) -> Result<(), String> {
        for (at, step) in &schedule.0 {
            self.log.push(format!("{at}: {step:?}"));
            self.take(*at, *step);
            self.check_always()?;
        }
        self.settle()
    }

    fn take(&mut self, at: usize, step: Step) {
        match step {
            Step::Start => {
                let way = Way::Start { team: "Team".to_owned(), makes_store: false };
                self.enter(at, way);
            }
            Step::Join(host) | Step::AddDevice(host) => {
                let token = self.secret();
                let Some(accounts) = self.served(host) else { return };
                // Before the owner is a member, nobody can invite.
                let owner = accounts.owners.iter().find(|owner| *owner != "zoe").cloned();
                let Some(owner) = owner else { return };
                let for_user = Some(owner).filter(|_| matches!(step, Step::AddDevice(_)));
                accounts.tokens.push((token.id().to_owned(), for_user));
                let invitation = Invitation {
                    team: "Team".to_owned(),
                    at: vec![address(host)],
                    pin: pin(accounts.team),
                    token,
                };
                self.enter(at, Way::Link { invitation });
            }
            Step::Request(host) => {
                let ticket = self.secret();
                if self.served(host).is_none() {
                    return;
                }
                let request = NewRequest {
                    team: "Team".to_owned(),
                    at: vec![address(host)],
                    prefix: prefix(),
                    ticket,
                    asked: None,
                };
                self.enter(at, Way::Request(request));
            }
            Step::Decide(yes) => {
                let Some(process) = &mut self.computers[at].process else { return };
                let open = process.requests.iter_mut().find(|it| it.decision.is_none());
                if let Some(open) = open {
                    open.decision = Some(yes);
                }
            }
            Step::Withdraw => {
                let Some(process) = &mut self.computers[at].process else { return };
                process.lifecycle.withdraw();
                self.poll(at);
            }
            Step::Host => {
                let disk = &self.computers[at].disk;
                let Some(member) = disk.membership.clone() else { return };
                // A computer that hosted the team before knows best where it went.
                let from = match &disk.store {
                    Some(Store { custody: Custody::Moved(to, _), accounts })
                        if accounts.team == member.team =>
                    {
                        vec![address(*to)]
                    }
                    _ => member.at,
                };
                self.made += 1;
                let key = format!("key{}", self.made);
                self.begin(at, Operation::Host { key, from });
            }
            Step::Leave => {
                let leaving = Leaving { scope: LeaveScope::Team, anyway: false };
                self.begin(at, Operation::Leave(leaving));
            }
            Step::Run(fault) => self.run_step(at, fault),
            Step::RunAll => {
                for _ in 0..40 {
                    self.run_step(at, Fault::None);
                }
            }
            Step::Crash => self.crash(at),
            Step::CrashAfter => {
                let effect = self.computers[at].process.as_mut().and_then(|it| it.step.take());
                if let Some(effect) = effect {
                    self.carry_out(at, &effect, Fault::None);
                }
                self.crash(at);
            }
            Step::Restart => {
                if self.computers[at].process.is_none() {
                    self.restart(at);
                }
            }
            Step::Wait(seconds) => self.wait(Duration::from_secs(seconds.into())),
        }
    }

    fn enter(&mut self, at: usize, way: Way) {
        let credential = self.secret();
        let enter = Enter {
            way,
            name: ["anna", "bob", "carol", "dave"][at].to_owned(),
            kind: None,
            storage: SecretStorage::Keyring,
            credential: credential.id().to_owned(),
            replaces: None,
            withdrawn: false,
        };
        self.begin(at, Operation::Enter { enter: Box::new(enter), credential });
    }

    fn begin(&mut self, at: usize, operation: Operation) {
        if let Some(process) = &mut self.computers[at].process {
            // Who begins something new does not wait until a hub knows what they gave up.
            if let Some(Intent::Enter(Enter { withdrawn: true, credential, .. })) =
                process.lifecycle.intent()
            {
                self.ended.push(credential.clone());
            }
            process.lifecycle.begin(operation);
            self.poll(at);
        }
    }

    fn crash(&mut self, at: usize) {
        self.computers[at].process = None;
    }

    fn restart(&mut self, at: usize) {
        self.counts[6] += 1;
        let disk = &self.computers[at].disk;
        let facts = Facts {
            hosts: true,
            membership: disk.membership.as_ref().map(|member| member.credential.clone()),
            store: match &disk.store {
                None => StoreState::Empty,
                Some(store) => match store.custody {
                    Custody::Serving => StoreState::Team,
                    Custody::Arriving => StoreState::Arriving,
                    Custody::Moved(..) => StoreState::Moved,
                },
            },
        };
        let mut lifecycle = Lifecycle::without(self.without);
        lifecycle.resume(disk.intent.clone(), facts);
        let process = Process { lifecycle, step: None, hub_runs: false, requests: Vec::new() };
        self.computers[at].process = Some(process);
        self.poll(at);
    }

    /// Takes the machine's next step, unless one is under way.
    fn poll(&mut self, at: usize) {
        while let Some(process) = &mut self.computers[at].process {
            if process.step.is_some() {
                return;
            }
            let Some(effect) = process.lifecycle.poll_effect() else { return };
            match effect {
                Effect::Report(report) => self.reported(at, &report),
                effect => process.step = Some(effect),
            }
        }
    }

    fn reported(&mut self, at: usize, report: &Report) {
        let counted = match report {
            Report::Entered(_) => 0,
            Report::Hosts => 2,
            Report::Left { .. } => 3,
            Report::Failed(_) => 4,
            Report::Stuck(_) => 5,
            _ => return,
        };
        self.counts[counted] += 1;
        self.log.push(format!("   {at} reports {report:?}"));
    }

    fn run_step(&mut self, at: usize, fault: Fault) {
        self.poll(at);
        let Some(process) = &mut self.computers[at].process else { return };
        let Some(effect) = process.step.take() else { return };
        let outcome = self.carry_out(at, &effect, fault);
        self.log.push(format!("   {at} {} -> {}", short(&effect), short(&outcome)));
        if let Some(process) = &mut self.computers[at].process {
            process.lifecycle.finished(self.now, outcome);
            self.poll(at);
        }
    }

    fn wait(&mut self, how_long: Duration) {
        self.now = self.now + how_long;
        for at in 0..COMPUTERS {
            if let Some(process) = &mut self.computers[at].process {
                process.lifecycle.tick(self.now);
                self.poll(at);
            }
        }
    }

    fn carry_out(&mut self, at: usize, effect: &Effect, fault: Fault) -> Outcome {
        if let Effect::Ask(ask) = effect {
            let answer = match fault {
                Fault::RequestLost => Answer::Unknown(problem("lost")),
                Fault::NotSent => Answer::NotSent(problem("unreachable")),
                Fault::Busy => refused(RefusalCode::TooManyAttempts),
                Fault::AnswerLost => {
                    self.send(at, ask);
                    Answer::Unknown(problem("lost"))
                }
                Fault::None | Fault::Fails => self.send(at, ask),
            };
            return Outcome::Answered(Box::new(answer));
        }
        if fault == Fault::Fails {
            return Outcome::Failed(problem("local"));
        }
        let fresh = matches!(effect, Effect::StartHub(HubStart::Owner { .. }));
        let (team, token) = if fresh { (self.teams + 1, Some(self.secret())) } else { (0, None) };
        let Computer { disk, process } = &mut self.computers[at];
        let Some(process) = process else { return Outcome::Done };
        match effect {
            Effect::SaveIntent(intent) => disk.intent = Some(intent.clone()),
            Effect::ClearIntent => disk.intent = None,
            Effect::SaveSecret { credential, .. } => {
                disk.secrets.insert(credential.id().to_owned(), credential.clone());
            }
            Effect::LoadSecret { credential, .. } => {
                return Outcome::Secret(disk.secrets.get(credential).cloned());
            }
            Effect::ForgetSecret { credential, .. } => {
                disk.secrets.remove(credential);
            }
            Effect::SaveMembership { joined, .. } => {
                disk.membership = Some(Member {
                    team: joined.pin.digest()[0],
                    credential: joined.credential.id().to_owned(),
                    at: joined.at.clone(),
                });
            }
            Effect::SaveAddresses(to) => {
                if let Some(member) = &mut disk.membership {
                    member.at.clone_from(to);
                }
            }
            Effect::ForgetMembership => {
                if let Some(member) = disk.membership.take() {
                    disk.secrets.remove(&member.credential);
                }
            }
            Effect::StartHub(start) => {
                process.hub_runs = true;
                let HubStart::Owner { .. } = start else {
                    if *start == HubStart::Resume
                        && let Some(store) = &mut disk.store
                        && store.custody == Custody::Arriving
                    {
                        // What a hub did before it knew of arriving.
                        store.custody = Custody::Serving;
                    }
                    return Outcome::HubRuns { at: vec![address(at)], invitation: None };
                };
                let store = disk.store.get_or_insert_with(|| {
                    self.teams = team;
                    Store {
                        accounts: Accounts { team, ..Accounts::default() },
                        custody: Custody::Serving,
                    }
                });
                let token = token.expect("made above");
                store.accounts.tokens.push((token.id().to_owned(), None));
                let invitation = Invitation {
                    team: "Team".to_owned(),
                    at: vec![address(at)],
                    pin: pin(store.accounts.team),
                    token,
                };
                return Outcome::HubRuns { at: vec![address(at)], invitation: Some(invitation) };
            }
            Effect::StopHub => process.hub_runs = false,
            Effect::RestoreTeam(copy) => {
                let accounts = self.copies[usize::from(copy[0])].clone();
                disk.store = Some(Store { accounts, custody: Custody::Arriving });
            }
            Effect::ActivateHub(copy) => {
                let accounts = self.copies[usize::from(copy[0])].clone();
                disk.store = Some(Store { accounts, custody: Custody::Serving });
            }
            Effect::RemoveTeam => disk.store = None,
            Effect::CountMembers => {
                let members = disk.store.as_ref().map_or(0, |it| it.accounts.members());
                return Outcome::Members(members);
            }
            Effect::Ask(_) | Effect::Report(_) => {}
        }
        Outcome::Done
    }

    // --- hubs

    /// The accounts of the team that this computer serves.
    fn served(&mut self, host: usize) -> Option<&mut Accounts> {
        let Computer { disk, process } = &mut self.computers[host];
        let runs = process.as_ref().is_some_and(|process| process.hub_runs);
        let store = disk.store.as_mut()?;
        (runs && store.custody == Custody::Serving).then_some(&mut store.accounts)
    }

    /// Sends a request to the hub at these addresses, and to where it sends us. `None`: no hub was reached.
    fn find(&self, at: &[Address], team: u8) -> Result<usize, Answer> {
        let not_sent = || Answer::NotSent(problem("unreachable"));
        let runs = |host: usize| {
            let process = self.computers[host].process.as_ref();
            process.is_some_and(|process| process.hub_runs)
        };
        let mut host = at.first().map(computer_at).ok_or_else(not_sent)?;
        for _ in 0..COMPUTERS {
            let store = self.computers[host].disk.store.as_ref().ok_or_else(not_sent)?;
            if !runs(host) || store.accounts.team != team {
                return Err(not_sent());
            }
            match &store.custody {
                Custody::Serving => return Ok(host),
                Custody::Arriving => return Err(not_sent()),
                Custody::Moved(to, _) => host = *to,
            }
        }
        let problem = problem("moved");
        Err(Answer::Moved { at: vec![address(host)], problem })
    }

    fn joined(&self, host: usize, user: &str, credential: &Secret) -> Joined {
        let accounts = &self.computers[host].disk.store.as_ref().expect("it serves").accounts;
        Joined {
            team: "Team".to_owned(),
            root: Root::default(),
            user: UserId::parse(user).expect("an id"),
            name: user.to_owned(),
            role: if accounts.owners.iter().any(|it| it == user) {
                Role::Owner
            } else {
                Role::Member
            },
            credential: credential.clone(),
            at: vec![address(host)],
            pin: pin(accounts.team),
        }
    }

    fn send(&mut self, at: usize, ask: &Ask) -> Answer {
        self.try_send(at, ask).unwrap_or_else(|answer| answer)
    }

    fn try_send(&mut self, at: usize, ask: &Ask) -> Result<Answer, Answer> {
        match ask {
            Ask::Join { invitation, enter, credential } => {
                let host = self.find(&invitation.at, invitation.pin.digest()[0])?;
                let accounts = self.served(host).expect("it was found");
                let owner = matches!(enter.way, Way::Start { .. });
                let user = accounts.redeem(invitation.token.id(), credential, &enter.name, owner);
                let user = user.ok_or(refused(RefusalCode::TokenUsedUp))?;
                Ok(Answer::Joined(Box::new(self.joined(host, &user, credential))))
            }
            Ask::Request { request, enter, credential } => {
                let team = self.team_at(&request.at)?;
                let host = self.find(&request.at, team)?;
                let process = self.computers[host].process.as_mut().expect("it was found");
                if !process.requests.iter().any(|it| it.ticket == request.ticket) {
                    process.requests.push(Pending {
                        ticket: request.ticket.clone(),
                        credential: credential.clone(),
                        name: enter.name.clone(),
                        decision: None,
                    });
                }
                Ok(Answer::Asked { pin: pin(team), code: "4711".to_owned() })
            }
            Ask::RequestState(request) => {
                let host = self.request_host(request)?;
                let process = self.computers[host].process.as_ref().expect("it was found");
                let known = process.requests.iter().find(|it| it.ticket == request.ticket);
                let Some(Pending { credential, name, decision, .. }) = known.cloned() else {
                    return Err(refused(RefusalCode::NotFound));
                };
                // Only a member can approve.
                let has_members = self.served(host).is_some_and(|it| it.members() > 0);
                match decision.map(|yes| yes && has_members) {
                    None => Ok(Answer::State(RequestState::Waiting)),
                    Some(false) => Ok(Answer::State(RequestState::Refused)),
                    Some(true) => {
                        self.counts[1] += 1;
                        let accounts = self.served(host).expect("it was found");
                        let user = accounts.admit(&credential, &name, false);
                        let joined = Box::new(self.joined(host, &user, &credential));
                        Ok(Answer::State(RequestState::Approved(joined)))
                    }
                }
            }
            Ask::Withdraw { way, credential } => {
                let host = match way {
                    Way::Link { invitation } => {
                        self.find(&invitation.at, invitation.pin.digest()[0])?
                    }
                    Way::Request(request) => self.request_host(request)?,
                    Way::Start { .. } => return Ok(Answer::Done),
                };
                let process = self.computers[host].process.as_mut().expect("it was found");
                process.requests.retain(|it| it.credential != *credential);
                let accounts = self.served(host).expect("it was found");
                accounts.credentials.remove(credential.id());
                Ok(Answer::Done)
            }
            Ask::IsMember { request, credential } => {
                let host = self.request_host(request)?;
                self.view(host, credential)
            }
            Ask::View => {
                let (host, credential) = self.as_member(at)?;
                self.view(host, &credential)
            }
            Ask::Leave(_) => {
                let (host, credential) = self.as_member(at)?;
                let accounts = self.served(host).expect("it was found");
                let Some(user) = accounts.user_of(&credential).map(str::to_owned) else {
                    return Err(refused(RefusalCode::NotSignedIn));
                };
                let of_user = accounts.credentials.iter().filter(|(_, (_, it))| *it == user);
                let gone: Vec<_> = of_user.map(|(id, _)| id.clone()).collect();
                if accounts.remove(&user) {
                    self.ended.extend(gone);
                    Ok(Answer::Done)
                } else {
                    Err(refused(RefusalCode::LastOwner))
                }
            }
            Ask::HandOver { from } => {
                let host = self.owner_at(at, from)?;
                Ok(self.copy_of(host))
            }
            Ask::LetGo { from, key, at: to } => self.moved(at, from, key, to),
        }
    }

    fn moved(
        &mut self,
        at: usize,
        from: &[Address],
        key: &str,
        to: &[Address],
    ) -> Result<Answer, Answer> {
        let old = from.first().map(computer_at).unwrap_or_default();
        let new = to.first().map(computer_at).unwrap_or_default();
        let runs = self.computers[old].process.as_ref().is_some_and(|it| it.hub_runs);
        if runs
            && let Some(store) = &self.computers[old].disk.store
            && let Custody::Moved(_, known) = &store.custody
            && known == key
        {
            return Ok(self.copy_of(old));
        }
        let host = self.owner_at(at, from)?;
        let answers = |computer: &Computer| {
            let runs = computer.process.as_ref().is_some_and(|it| it.hub_runs);
            runs && computer.disk.store.as_ref().is_some_and(|it| it.custody == Custody::Arriving)
        };
        if self.without != Some(Rule::Arriving) && !answers(&self.computers[new]) {
            return Err(refused(RefusalCode::Unknown));
        }
        let copy = self.copy_of(host);
        let store = self.computers[host].disk.store.as_mut().expect("it was found");
        store.custody = Custody::Moved(new, key.to_owned());
        self.computers[host].process.as_mut().expect("it was found").lifecycle.moved_away();
        Ok(copy)
    }

    fn copy_of(&mut self, host: usize) -> Answer {
        let store = self.computers[host].disk.store.as_ref().expect("it was found");
        self.copies.push(store.accounts.clone());
        Answer::Team(vec![u8::try_from(self.copies.len() - 1).expect("few copies")])
    }

    fn team_at(&self, at: &[Address]) -> Result<u8, Answer> {
        let host = at.first().map(computer_at).unwrap_or_default();
        let store = self.computers[host].disk.store.as_ref();
        store.map(|it| it.accounts.team).ok_or(Answer::NotSent(problem("unreachable")))
    }

    fn request_host(&self, request: &NewRequest) -> Result<usize, Answer> {
        let team = match &request.asked {
            Some(asked) => asked.pin.digest()[0],
            None => self.team_at(&request.at)?,
        };
        self.find(&request.at, team)
    }

    fn view(&self, host: usize, credential: &Secret) -> Result<Answer, Answer> {
        let accounts = &self.computers[host].disk.store.as_ref().expect("it serves").accounts;
        let user = accounts.user_of(credential).ok_or(refused(RefusalCode::NotSignedIn))?;
        let Joined { team, root, user, role, at, pin, .. } = self.joined(host, user, credential);
        let view = TeamView { team, root, user, role, host: None, at, pin, backup: None };
        Ok(Answer::View(Box::new(view)))
    }

    /// The hub of this computer's team, and its credential there.
    fn as_member(&self, at: usize) -> Result<(usize, Secret), Answer> {
        let disk = &self.computers[at].disk;
        let member = disk.membership.as_ref().ok_or(refused(RefusalCode::NotSignedIn))?;
        let credential = disk.secrets.get(&member.credential);
        let credential = credential.ok_or(refused(RefusalCode::NotSignedIn))?.clone();
        Ok((self.find(&member.at, member.team)?, credential))
    }

    fn owner_at(&self, at: usize, from: &[Address]) -> Result<usize, Answer> {
        let disk = &self.computers[at].disk;
        let member = disk.membership.as_ref().ok_or(refused(RefusalCode::NotSignedIn))?;
        let credential = disk.secrets.get(&member.credential);
        let credential = credential.ok_or(refused(RefusalCode::NotSignedIn))?;
        let host = self.find(from, member.team)?;
        let accounts = &self.computers[host].disk.store.as_ref().expect("it serves").accounts;
        let user = accounts.user_of(credential).ok_or(refused(RefusalCode::NotSignedIn))?;
        if accounts.owners.iter().any(|owner| owner == user) {
            Ok(host)
        } else {
            Err(refused(RefusalCode::NotAllowed))
        }
    }

    // --- what must hold

    /// At most one hub of a team accepts changes, now and after a restart.
    fn check_always(&self) -> Result<(), String> {
        let stores = self.computers.iter().filter_map(|it| it.disk.store.as_ref());
        let mut serving: Vec<u8> = stores
            .filter(|store| store.custody == Custody::Serving)
            .map(|store| store.accounts.team)
            .collect();
        serving.sort_unstable();
        let twice = serving.windows(2).find(|pair| pair[0] == pair[1]);
        twice.map_or(Ok(()), |pair| Err(format!("two hubs of team {} serve", pair[0])))
    }

    fn is_quiet(&self) -> bool {
        let is_idle = |process: &Process| process.step.is_none() && !process.lifecycle.is_busy();
        self.computers.iter().all(|it| it.process.as_ref().is_some_and(is_idle))
    }

    /// Whether the team has ended that is asked about.
    fn asks_nobody(&self, at: usize, intent: &Intent) -> bool {
        let enter = match intent {
            Intent::Enter(enter) => enter,
            // The person has left with all devices, by another one.
            Intent::Host(hosting) => return self.has_ended(at, &hosting.from),
            Intent::Leave(_) => {
                let at_hub = self.computers[at].disk.membership.as_ref().map(|it| it.at.clone());
                return self.has_ended(at, &at_hub.unwrap_or_default());
            }
        };
        let found = match &enter.way {
            Way::Link { invitation } => self.find(&invitation.at, invitation.pin.digest()[0]),
            Way::Request(request) => self.request_host(request),
            Way::Start { .. } => return false,
        };
        found.is_err()
    }

    /// Whether the membership has ended, and with it the hub.
    fn has_ended(&self, at: usize, hub: &[Address]) -> bool {
        let member = self.computers[at].disk.membership.as_ref();
        member.is_some_and(|member| {
            self.ended.contains(&member.credential) && self.find(hub, member.team).is_err()
        })
    }

    /// Heals everything, and waits until nobody does anything any more.
    fn settle(&mut self) -> Result<(), String> {
        self.log.push("everything heals".to_owned());
        for round in 0..60 {
            if round > 13 && self.is_quiet() {
                break;
            }
            for at in 0..COMPUTERS {
                // What is stuck goes on at the next start. Everybody starts anew once.
                let process = self.computers[at].process.as_ref();
                let is_stuck = process.is_some_and(|it| {
                    it.step.is_none() && !it.lifecycle.is_busy() && it.lifecycle.intent().is_some()
                });
                if process.is_none() || is_stuck || round == 12 {
                    self.crash(at);
                    self.restart(at);
                }
                for request in self.computers[at].process.iter_mut().flat_map(|it| &mut it.requests)
                {
                    request.decision.get_or_insert(round % 2 == 0);
                }
                while self.computers[at].process.as_ref().is_some_and(|it| it.step.is_some()) {
                    self.run_step(at, Fault::None);
                }
                self.check_always()?;
            }
            self.wait(Duration::from_secs(31));
        }
        self.check_end()
    }

    fn check_end(&self) -> Result<(), String> {
        let serving = |team: u8| {
            let stores = self.computers.iter().filter_map(|it| it.disk.store.as_ref());
            let mut of_team = stores.filter(|it| it.accounts.team == team);
            of_team.find(|store| store.custody == Custody::Serving)
        };
        for (at, Computer { disk, .. }) in self.computers.iter().enumerate() {
            if let Some(intent) = &disk.intent {
                // Nobody is left who could say what became of it.
                if self.asks_nobody(at, intent) {
                    continue;
                }
                return Err(format!("{at} has not finished {intent:?}"));
            }
            if disk.store.as_ref().is_some_and(|it| it.custody == Custody::Arriving) {
                return Err(format!("{at} keeps a copy that serves nobody"));
            }
            let Some(member) = &disk.membership else { continue };
            if !disk.secrets.contains_key(&member.credential) {
                return Err(format!("{at} is a member without a credential"));
            }
            if self.ended.contains(&member.credential) {
                continue;
            }
            let Some(store) = serving(member.team) else {
                return Err(format!("{at} is in team {}, which has no hub", member.team));
            };
            let is_known = store.accounts.user_of(&disk.secrets[&member.credential]).is_some();
            if !is_known {
                return Err(format!(
                    "{at} is a member whom the hub of team {} does not know",
                    member.team
                ));
            }
        }
        let theirs: Vec<_> = self
            .computers
            .iter()
            .filter_map(|it| it.disk.membership.as_ref())
            .map(|member| member.credential.as_str())
            .collect();
        for team in 1..=self.teams {
            let Some(store) = serving(team) else { continue };
            for (id, (_, user)) in &store.accounts.credentials {
                let is_known = theirs.contains(&id.as_str()) || self.ended.contains(id);
                if !is_known && user != "zoe" {
                    return Err(format!("{user} is in team {team}, and nobody is {user}"));
                }
            }
        }
        let zoe = |store: &Store| store.accounts.credentials.values().any(|(_, it)| it == "zoe");
        if !self.computers.iter().filter_map(|it| it.disk.store.as_ref()).any(zoe) {
            return Err("the team that was there before is gone".to_owned());
        }
        Ok(())
    }
}

fn prefix() -> FingerprintPrefix {
    "0011223344556677".parse().expect("16 digits")
}

fn short(what: &impl std::fmt::Debug) -> String {
    format!("{what:?}").chars().take(110).collect()
}
