//! The steps with real hubs and files: two computers are two folders.

use std::net::SocketAddr;
use std::path::Path;

use porchlight_agent::membership::Membership as Stored;
use porchlight_agent::team::Team;
use porchlight_core::id::Root;
use porchlight_core::team::{Invitation, InviteOrder};
use porchlight_hub::{Access, Listen, TeamSettings};
use porchlight_team::{LeaveScope, Leaving, StoreState};
use tempfile::TempDir;

use super::*;

struct Computer {
    folder: TempDir,
    /// Where its hub listens, also after a restart.
    addr: SocketAddr,
    membership: Membership,
}

fn settings(folder: &Path, addr: SocketAddr) -> Settings {
    let anywhere = Listen::Exactly(([127, 0, 0, 1], 0).into());
    let team = TeamSettings {
        name: "Team".to_owned(),
        root: Root::default(),
        host: None,
        listen: Listen::Exactly(addr),
        at: Vec::new(),
        public: None,
        announce: false,
        origins: Vec::new(),
    };
    let hub = HubSettings {
        listen: anywhere,
        store: Store::Memory,
        runtime_file: None,
        access: Access::Team(Box::new(team)),
    };
    Settings {
        state: folder.join("state"),
        store: folder.join("store"),
        proxy: Proxy::default(),
        hub: Some(hub),
    }
}

impl Computer {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = free.local_addr().unwrap();
        let membership = Membership::new(settings(folder.path(), addr));
        Self { folder, addr, membership }
    }

    /// The program ends here without a word, and starts again.
    async fn crash(&mut self) {
        let settings = settings(self.folder.path(), self.addr);
        let old = std::mem::replace(&mut self.membership, Membership::new(settings));
        drop(old);
        // Its folder and its port are free once its tasks have ended.
        let lock = self.folder.path().join("store/lock");
        let is_free = || std::fs::File::open(&lock).map_or(true, |lock| lock.try_lock().is_ok());
        for _ in 0..500 {
            if is_free() && std::net::TcpListener::bind(self.addr).is_ok() {
                return self.membership.resume().unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the hub does not end");
    }

    async fn report(&mut self) -> Report {
        let next = async {
            loop {
                if let Event::Report(report) = self.membership.event().await {
                    return report;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), next).await.expect("a report")
    }

    /// The next report, while the program of the other computer runs, too.
    async fn report_beside(&mut self, other: &mut Self) -> Report {
        let serve = async {
            loop {
                other.membership.event().await;
            }
        };
        tokio::select! {
            report = self.report() => report,
            () = serve => unreachable!("it serves for ever"),
        }
    }

    /// Carries out `steps` steps, or all of them; `None`: it was interrupted.
    async fn after(&mut self, mut steps: usize) -> Option<Report> {
        while steps > 0 {
            match self.membership.lifecycle.poll_effect() {
                Some(Effect::Report(Report::AskingAgain(_) | Report::Asked { .. })) => {}
                Some(Effect::Report(report)) => {
                    self.membership.release_lock();
                    return Some(report);
                }
                Some(effect) => {
                    self.membership.begin_step(effect);
                    let (outcome, change) = running(&mut self.membership.step).await;
                    self.membership.step = None;
                    self.membership.apply(change);
                    self.membership.lifecycle.finished(clock::now().mono, outcome);
                    steps -= 1;
                }
                None => return None,
            }
        }
        None
    }

    fn starts(&mut self, name: &str) {
        let way = Way::Start { team: "Team".to_owned(), makes_store: false };
        self.membership.enter(way, name.to_owned(), None, SecretStorage::FileAgreed).unwrap();
    }

    fn joins(&mut self, invitation: Invitation, name: &str) {
        let way = Way::Link { invitation };
        self.membership.enter(way, name.to_owned(), None, SecretStorage::FileAgreed).unwrap();
    }

    fn stored(&self) -> Option<Stored> {
        Stored::read(&self.folder.path().join("state"), &Proxy::default()).unwrap()
    }

    async fn team(&self) -> Team {
        Team::of(&self.stored().unwrap()).await.unwrap()
    }

    async fn invites(&self, for_me: bool) -> Invitation {
        let order = InviteOrder { for_me, ..InviteOrder::default() };
        self.team().await.invite(&order).await.unwrap().link.parse().unwrap()
    }

    async fn members(&self) -> Vec<String> {
        let members = self.team().await.members().await.unwrap();
        members.into_iter().map(|member| member.user).collect()
    }

    fn store(&self) -> StoreState {
        store_state(&self.folder.path().join("store"))
    }

    fn leftovers(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path().join("state")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("operation") || name.contains("pending")).collect()
    }
}

async fn anna() -> Computer {
    let mut anna = Computer::new();
    anna.starts("Anna");
    assert!(matches!(anna.report().await, Report::Entered(_)));
    anna
}

#[tokio::test]
async fn a_team_is_started_joined_and_left() {
    let mut anna = anna().await;
    assert!(anna.membership.hub().is_some_and(porchlight_hub::Hub::is_serving));
    let mut bob = Computer::new();
    bob.joins(anna.invites(false).await, "Bob");
    assert!(matches!(bob.report().await, Report::Entered(_)));
    assert_eq!(anna.members().await, ["anna", "bob"]);
    assert_eq!((anna.leftovers(), bob.leftovers()), (vec![], vec![]));
    // The team would have no hub.
    let leaving = Leaving { scope: LeaveScope::Team, anyway: false };
    anna.membership.begin(Operation::Leave(leaving.clone())).unwrap();
    let refused = anna.report().await;
    assert!(matches!(&refused, Report::Failed(why) if why.code == "hosts_team"), "{refused:?}");
    bob.membership.begin(Operation::Leave(leaving.clone())).unwrap();
    assert_eq!(bob.report().await, Report::Left { unconfirmed: None });
    assert!(bob.stored().is_none());
    assert_eq!(anna.members().await, ["anna"]);
    // With its last member the team ends, and nothing of it stays.
    anna.membership.begin(Operation::Leave(leaving)).unwrap();
    assert_eq!(anna.report().await, Report::Left { unconfirmed: None });
    assert_eq!((anna.store(), anna.stored().is_none()), (StoreState::Empty, true));
    assert!(!anna.folder.path().join("store").exists());
}

#[tokio::test]
async fn the_hub_moves_to_another_computer_of_the_owner_and_back() {
    let mut anna = anna().await;
    let mut laptop = Computer::new();
    laptop.joins(anna.invites(true).await, "Anna");
    assert!(matches!(laptop.report().await, Report::Entered(_)));
    laptop.membership.host().unwrap();
    assert_eq!(laptop.report_beside(&mut anna).await, Report::Hosts);
    assert_eq!((anna.store(), laptop.store()), (StoreState::Moved, StoreState::Team));
    // A change goes to the new hub, also from a computer that still has the old address.
    anna.invites(false).await;
    assert_eq!(laptop.team().await.invites().await.unwrap().len(), 1);
    // The old computer remembers the move after a restart, and sends members on.
    anna.crash().await;
    assert_eq!(anna.report().await, Report::Ready);
    assert_eq!(anna.members().await, ["anna"]);
    anna.membership.host().unwrap();
    assert_eq!(anna.report_beside(&mut laptop).await, Report::Hosts);
    assert_eq!((anna.store(), laptop.store()), (StoreState::Team, StoreState::Moved));
    assert_eq!(laptop.members().await, ["anna"]);
}

#[tokio::test]
async fn a_crash_at_any_step_of_starting_and_joining_loses_nothing() {
    let anna = anna().await;
    for steps in 0..8 {
        let mut bob = Computer::new();
        bob.joins(anna.invites(false).await, "Bob");
        let entered = bob.after(steps).await.is_some();
        bob.crash().await;
        let report = bob.report().await;
        let is_in = bob.stored().is_some();
        let known = anna.members().await.contains(&"bob".to_owned());
        assert_eq!(is_in, known, "after {steps} steps: {report:?}");
        assert!(is_in || !entered, "after {steps} steps: {report:?}");
        assert_eq!(bob.leftovers(), [""; 0], "after {steps} steps");
        if is_in {
            let leaving = Leaving { scope: LeaveScope::Team, anyway: false };
            bob.membership.begin(Operation::Leave(leaving)).unwrap();
            let left = bob.after(steps % 5).await.is_some();
            bob.crash().await;
            let report = bob.report().await;
            let is_in = bob.stored().is_some();
            assert!(!is_in || !left, "after {steps} steps: {report:?}");
            assert_eq!(is_in, anna.members().await.contains(&"bob".to_owned()), "{report:?}");
            if is_in {
                let bob = porchlight_core::id::UserId::parse("bob").unwrap();
                anna.team().await.remove(&bob, false).await.unwrap();
            }
        }
    }
    for steps in 0..8 {
        let mut carol = Computer::new();
        carol.starts("Carol");
        carol.after(steps).await;
        carol.crash().await;
        let report = carol.report().await;
        let has_team = carol.store() == StoreState::Team;
        assert_eq!(carol.stored().is_some(), has_team, "after {steps} steps: {report:?}");
        if has_team {
            assert_eq!(carol.members().await, ["carol"], "after {steps} steps");
        }
        assert_eq!(carol.leftovers(), [""; 0], "after {steps} steps");
    }
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_move_leaves_one_hub() {
    for steps in 0..11 {
        let mut anna = anna().await;
        let mut laptop = Computer::new();
        laptop.joins(anna.invites(true).await, "Anna");
        assert!(matches!(laptop.report().await, Report::Entered(_)));
        laptop.membership.host().unwrap();
        let serve = async {
            loop {
                anna.membership.event().await;
            }
        };
        tokio::select! {
            _ = laptop.after(steps) => {}
            () = serve => {}
        }
        laptop.crash().await;
        let report = laptop.report_beside(&mut anna).await;
        let stores = (anna.store(), laptop.store());
        let is_one = matches!(
            stores,
            (StoreState::Team, StoreState::Empty) | (StoreState::Moved, StoreState::Team)
        );
        assert!(is_one, "after {steps} steps: {stores:?} {report:?}");
        assert_eq!(anna.members().await, ["anna"], "after {steps} steps");
        assert_eq!(laptop.members().await, ["anna"], "after {steps} steps");
    }
}
