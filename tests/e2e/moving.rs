//! The hub of a team moves to another computer: who is away follows, and a kill at any moment leaves one hub.

use std::path::{Path, PathBuf};

use porchlight_tests::member::Member;
use porchlight_tests::port::free_port;
use porchlight_tests::process::{Exit, Proc};
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{until, until_async};

/// Two computers of the owner, and a place for a hub on each.
struct Computers {
    dir: tempfile::TempDir,
    doors: [String; 2],
    desktop: Member,
    laptop: Member,
}

impl Computers {
    /// The desktop hosts the team, and the laptop is in it.
    async fn new() -> (Self, Proc) {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let doors = [(), ()].map(|()| format!("127.0.0.1:{}", free_port()));
        let (desktop, laptop) = (Member::new("Anna"), Member::new("Anna"));
        let computers = Self { dir, doors, desktop, laptop };
        let hub = computers.hosts(0);
        computers.desktop.join(&computers.desktop.owner_link(&hub).await).await;
        computers.laptop.join(&computers.desktop.invite(&["--me"]).await).await;
        (computers, hub)
    }

    fn store(&self, at: usize) -> PathBuf {
        self.dir.path().join(at.to_string())
    }

    fn start(&self, who: &Member, at: usize, moves: bool) -> Proc {
        let store = self.store(at);
        let door = ["--quiet", "--listen", &self.doors[at], "--local", "127.0.0.1:0", "--store"];
        let moves = if moves { ["move"].as_slice() } else { &[] };
        who.start(&[["hub"].as_slice(), &door, &[&store.to_string_lossy()], moves].concat())
    }

    fn hosts(&self, at: usize) -> Proc {
        self.start([&self.desktop, &self.laptop][at], at, false)
    }

    fn moves_to_the_laptop(&self) -> Proc {
        self.start(&self.laptop, 1, true)
    }
}

/// How far a take-over has come, as its files show.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Started,
    IntentSaved,
    Arriving,
    Copied,
    AddressesSaved,
    OldHubLetGo,
    Serves,
}

impl Moment {
    const ALL: [Self; 7] = [
        Self::Started,
        Self::IntentSaved,
        Self::Arriving,
        Self::Copied,
        Self::AddressesSaved,
        Self::OldHubLetGo,
        Self::Serves,
    ];

    fn has_come(self, computers: &Computers) -> bool {
        let state = computers.laptop.config_dir().join("state");
        let intent = std::fs::read_to_string(state.join("membership-operation.json"));
        let (old, new) = (computers.store(0), computers.store(1));
        let serves = has(&new, "team.json") && !has(&new, "arriving.json");
        match self {
            Self::Started => true,
            Self::IntentSaved => intent.is_ok() || serves,
            Self::Arriving => has(&new, "arriving.json") || serves,
            Self::Copied => has(&new, "team.json"),
            Self::AddressesSaved => {
                intent.is_ok_and(|intent| intent.contains(&computers.doors[1])) || serves
            }
            Self::OldHubLetGo => has(&old, "moved.json"),
            Self::Serves => serves,
        }
    }
}

fn has(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}

#[tokio::test]
async fn whoever_was_away_follows_a_hub_that_moved() {
    let (computers, mut old) = Computers::new().await;
    let Computers { desktop, laptop, .. } = &computers;
    let bob = Member::new("Bob");
    bob.join(&desktop.invite(&[]).await).await;
    // A folder that somebody uses for other things, too.
    std::fs::create_dir(computers.store(1)).expect("the folder can be made");
    std::fs::write(computers.store(1).join("holiday.jpg"), "").expect("it can be written");
    let new = computers.moves_to_the_laptop();
    new.wait_line(|line| line.contains("hosts the team now"), START).await;
    old.wait_line(|line| line.contains("has moved to another computer"), SOON).await;

    // The old computer was switched off meanwhile, and remembers.
    old.kill();
    let again = computers.hosts(0);
    again.wait_line(|line| line.contains("only sends members there"), START).await;
    let _runs = bob.start(&["run", "--activity", "none"]);
    until_async("Bob to be seen at the new hub", 2 * SOON, async || {
        laptop.sees("bob").await.as_deref() == Some("online")
    })
    .await;
    // A change that is asked for on the old computer is made at the new hub.
    desktop.ask(&["members", "remove", "bob"]).await;
    assert!(!laptop.ask(&["members"]).await.contains("Bob"));
    assert!(has(&computers.store(1), "holiday.jpg"));
}

#[tokio::test]
async fn a_computer_that_dies_while_it_takes_over_leaves_one_hub() {
    for moment in Moment::ALL {
        let (computers, old) = Computers::new().await;
        let mut dies = computers.moves_to_the_laptop();
        until("the moment to die", START, || moment.has_come(&computers)).await;
        dies.kill();
        let store = computers.store(1);
        let (arriving, served) = (has(&store, "arriving.json"), has(&store, "team.json"));
        println!("killed at {moment:?}: arriving {arriving}, a team {served}");
        let moved = has(&computers.store(0), "moved.json");
        assert!(!served || arriving || moved, "two hubs at {moment:?}");

        // It says what became of it, and a further try hosts the team.
        let mut tries = 0;
        let hosts = loop {
            tries += 1;
            let next = if served && !arriving {
                computers.hosts(1)
            } else {
                computers.moves_to_the_laptop()
            };
            let begun = |line: &str| {
                line.contains("the team's address is")
                    || line.contains("everything is as before")
                    || line.contains("run this one again")
            };
            let line = next.wait_line(begun, START).await;
            if line.contains("the team's address is") {
                break next;
            }
            assert!(tries < 3, "{next}");
            assert_eq!(next.finish(SOON).await.0, Exit::Code(4), "{next}");
        };
        assert!(computers.laptop.ask(&["members"]).await.contains("Anna"), "{hosts}");
        assert!(has(&computers.store(0), "moved.json"), "{old}");
        assert!(!has(&store, "arriving.json"), "{hosts}");
        assert!(computers.desktop.ask(&["members"]).await.contains("Anna"), "{old}");
    }
}
