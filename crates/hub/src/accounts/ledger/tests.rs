use super::super::{Refusal, RemovalScope, load};
use super::*;
use crate::HubEvent;
use crate::store_health::StoreHealth;
use porchlight_core::id::{Root, UserId};
use porchlight_core::team::Role;
use porchlight_core::time::Timestamp;
use std::sync::mpsc as blocking;
use tokio::sync::mpsc;

const DEADLINE: Duration = Duration::from_secs(20);

fn now() -> Timestamp {
    Timestamp::from_ms(1_763_741_700_000).unwrap()
}

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

fn sheet(names: &[&str]) -> AccountsFile {
    let mut accounts = Accounts::new("Team", Root::default());
    for name in names {
        accounts.admit(now(), name, None, Role::Member).unwrap();
    }
    AccountsFile::new(accounts, CredentialUsage::default())
}

/// Admits a member.
async fn admit(ledger: &Ledger, name: &str) -> Result<(), SaveError> {
    let name = name.to_owned();
    let admit = move |team: &mut Accounts| Ok(team.admit(now(), &name, None, Role::Member));
    let admitted: Result<Result<_, Refusal>, SaveError> = ledger.change(admit).await;
    admitted.map(|admitted| drop(admitted.unwrap()))
}

/// Admits a member, or gives up soon.
async fn admit_soon(ledger: &Ledger, name: &'static str) -> Result<(), SaveError> {
    let admit = |team: &mut Accounts| Ok(team.admit(now(), name, None, Role::Member).is_ok());
    ledger.change_within(Duration::from_millis(200), admit).await.map(|let_in| assert!(let_in))
}

fn remove(ledger: &Ledger, id: &str) -> PendingSave {
    let (ended, saving) =
        ledger.revoke_access(|team| team.remove_member(&user(id), RemovalScope::Member));
    ended.unwrap();
    saving
}

fn has(ledger: &Ledger, id: &str) -> bool {
    ledger.read(|team| team.is_member(&user(id)))
}

fn written(json: &[u8]) -> Accounts {
    AccountsFile::from_json(json, "team.json".as_ref()).unwrap().accounts
}

/// A disk whose writes the test controls: each write reports its start, then waits for an answer.
struct SlowDisk {
    begun: mpsc::UnboundedReceiver<Vec<u8>>,
    answers: blocking::Sender<Result<(), String>>,
}

impl SlowDisk {
    fn with(names: &[&str]) -> (Arc<Ledger>, Self) {
        let (tell, begun) = mpsc::unbounded_channel();
        let (answers, answered) = blocking::channel::<Result<(), String>>();
        let save = move |sheet: &AccountsFile| {
            let _ = tell.send(sheet.to_json());
            let answer = answered.recv().unwrap_or(Ok(()));
            answer.map_err(|reason| SaveError { path: "store".into(), reason })
        };
        let ledger = Ledger::saved_by(sheet(names), "store".into(), Some(Box::new(save)));
        (Arc::new(ledger), Self { begun, answers })
    }

    async fn begun(&mut self) -> Accounts {
        written(&tokio::time::timeout(DEADLINE, self.begun.recv()).await.unwrap().unwrap())
    }

    fn answer(&self, answer: Result<(), &str>) {
        self.answers.send(answer.map_err(str::to_owned)).unwrap();
    }
}

#[tokio::test]
async fn a_change_that_is_not_on_disk_does_not_hold_and_ended_access_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("gone");
    let ledger = Ledger::new(sheet(&["Bob"]), Some(missing.clone()));
    assert_eq!(admit(&ledger, "Cy").await.unwrap_err().path, missing);
    assert!(!has(&ledger, "cy"));
    assert!(remove(&ledger, "bob").wait().await.is_err() && !has(&ledger, "bob"));
    std::fs::create_dir(&missing).unwrap();
    ledger.flush().wait().await.unwrap();
    assert!(!load(&missing).unwrap().unwrap().accounts.is_member(&user("bob")));
}

#[tokio::test]
async fn what_could_not_be_written_is_tried_again_and_the_host_hears_of_it_once() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("gone");
    let (tell, mut news) = mpsc::unbounded_channel();
    let ledger = Ledger::new(sheet(&["Bob", "Eve"]), Some(missing.clone()));
    let ledger = Arc::new(ledger.with_report(Arc::new(StoreHealth::new(tell)).of_team()));
    for id in ["bob", "eve"] {
        assert!(remove(&ledger, id).wait().await.is_err());
    }
    let kept = Arc::clone(&ledger);
    let keeping = tokio::spawn(async move { kept.keep(Duration::from_millis(10)).await });
    let told = tokio::time::timeout(DEADLINE, news.recv()).await.unwrap().unwrap();
    assert!(matches!(&told, HubEvent::StoreFailing(w) if w.code() == "team_not_saved"), "{told:?}");
    std::fs::create_dir(&missing).unwrap();
    let told = tokio::time::timeout(DEADLINE, news.recv()).await.unwrap().unwrap();
    assert_eq!(told, HubEvent::StoreRecovered);
    let on_disk = load(&missing).unwrap().unwrap().accounts;
    assert!(on_disk.members().is_empty(), "{on_disk:?}");
    keeping.abort();
    assert!(news.try_recv().is_err());
}

#[tokio::test]
async fn a_change_that_is_given_up_in_the_middle_is_made_all_the_same() {
    let (ledger, mut disk) = SlowDisk::with(&[]);
    let changing = Arc::clone(&ledger);
    let change = tokio::spawn(async move { admit(&changing, "Bob").await });
    assert!(disk.begun().await.is_member(&user("bob")));
    // The caller goes away during the write.
    change.abort();
    assert!(change.await.unwrap_err().is_cancelled());
    let next = Arc::clone(&ledger);
    let next = tokio::spawn(async move { admit(&next, "Cy").await });
    disk.answer(Ok(()));
    let second = disk.begun().await;
    assert!(second.is_member(&user("bob")) && second.is_member(&user("cy")), "{second:?}");
    disk.answer(Ok(()));
    next.await.unwrap().unwrap();
    assert!(has(&ledger, "bob") && has(&ledger, "cy"));
}

#[tokio::test]
async fn access_ends_at_once_while_a_write_takes_its_time_and_stays_ended() {
    let (ledger, mut disk) = SlowDisk::with(&["Bob"]);
    let changing = Arc::clone(&ledger);
    let change = tokio::spawn(async move { admit(&changing, "Cy").await });
    assert!(disk.begun().await.is_member(&user("bob")));
    let saving = remove(&ledger, "bob");
    assert!(!has(&ledger, "bob"), "at once");
    // This also works for Cy, although the write of that change has begun.
    let also = remove(&ledger, "cy");
    disk.answer(Ok(()));
    change.await.unwrap().unwrap();
    assert!(!has(&ledger, "bob") && !has(&ledger, "cy"), "the change brings nobody back");
    let last = disk.begun().await;
    assert!(last.members().is_empty(), "{last:?}");
    disk.answer(Ok(()));
    saving.wait().await.unwrap();
    also.wait().await.unwrap();
    assert!(disk.begun.try_recv().is_err(), "one write contains both");
}

#[tokio::test]
async fn a_change_whose_write_fails_brings_nobody_back_either() {
    let (ledger, mut disk) = SlowDisk::with(&["Bob"]);
    let changing = Arc::clone(&ledger);
    let change = tokio::spawn(async move { admit(&changing, "Cy").await });
    disk.begun().await;
    let saving = remove(&ledger, "bob");
    disk.answer(Err("full"));
    assert!(change.await.unwrap().is_err());
    assert!(!has(&ledger, "bob") && !has(&ledger, "cy"));
    assert!(disk.begun().await.members().is_empty());
    disk.answer(Ok(()));
    saving.wait().await.unwrap();
}

#[tokio::test]
async fn a_change_that_a_hanging_disk_keeps_waiting_is_not_made_later() {
    let (ledger, mut disk) = SlowDisk::with(&["Bob"]);
    let changing = Arc::clone(&ledger);
    let change = tokio::spawn(async move { admit_soon(&changing, "Cy").await });
    disk.begun().await;
    // This change has not begun, and never will.
    assert_eq!(admit_soon(&ledger, "Di").await.unwrap_err().reason, NO_ANSWER);
    let saving = remove(&ledger, "bob");
    assert_eq!(change.await.unwrap().unwrap_err().reason, NO_ANSWER);
    disk.answer(Ok(()));
    assert!(disk.begun().await.members().is_empty(), "what is on disk is corrected");
    disk.answer(Ok(()));
    saving.wait().await.unwrap();
    assert!(!has(&ledger, "cy") && !has(&ledger, "di"));
}

#[tokio::test]
async fn a_ledger_that_is_closed_writes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(sheet(&["Bob"]), Some(dir.path().to_owned()));
    let unsaved = remove(&ledger, "bob");
    ledger.close().await.unwrap();
    unsaved.wait().await.unwrap();
    let on_disk = || std::fs::read(dir.path().join(crate::accounts::FILE)).unwrap();
    let closed = on_disk();
    assert!(!written(&closed).is_member(&user("bob")));
    assert!(admit(&ledger, "Cy").await.is_err());
    assert_eq!(on_disk(), closed);
}

/// Returns a pseudo-random time below `micros`, the same in every run.
fn some_time(turn: u64, micros: u64) -> Duration {
    Duration::from_micros(turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) % micros)
}

#[tokio::test]
async fn two_hundred_changes_at_once_of_which_some_are_given_up_are_written_in_order() {
    let names: Vec<String> = (0..100).map(|n| format!("old{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let writes = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&writes);
    let mut turn = 0;
    let save = move |sheet: &AccountsFile| {
        let mut log = log.try_lock().expect("no two writes at a time");
        turn += 1;
        // Some changes take long.
        for _ in 0..some_time(turn, 30).as_micros() {
            sheet.to_json();
        }
        let accounts = written(&sheet.to_json());
        let failed = turn % 10 == 3;
        log.push((accounts, failed));
        let reason = "full".to_owned();
        if failed { Err(SaveError { path: "store".into(), reason }) } else { Ok(()) }
    };
    let ledger = Ledger::saved_by(sheet(&names), "store".into(), Some(Box::new(save)));
    let ledger = Arc::new(ledger);
    let mut tasks = Vec::new();
    for n in 0..200_u64 {
        let ledger = Arc::clone(&ledger);
        let task = tokio::spawn(async move {
            tokio::time::sleep(some_time(n, 20_000)).await;
            if n % 2 == 0 {
                admit(&ledger, &format!("new{n}")).await.is_ok()
            } else {
                remove(&ledger, &format!("old{}", n / 2)).wait().await.is_ok()
            }
        });
        let give_up = n % 5 == 0;
        tasks.push((n, give_up, task));
    }
    let mut told = Vec::new();
    for (n, give_up, task) in tasks {
        if give_up {
            tokio::time::sleep(some_time(n, 2_000)).await;
            task.abort();
        }
        match task.await {
            Ok(saved) => told.push((n, saved)),
            Err(e) => assert!(e.is_cancelled()),
        }
    }
    let flushed = async { while ledger.flush().wait().await.is_err() {} };
    tokio::time::timeout(DEADLINE, flushed).await.unwrap();
    for (n, saved) in told {
        if n % 2 == 0 {
            assert_eq!(has(&ledger, &format!("new{n}")), saved, "new{n}");
        } else {
            assert!(!has(&ledger, &format!("old{}", n / 2)), "old{n}");
        }
    }
    let writes = writes.lock().unwrap();
    let (last, failed) = writes.last().unwrap();
    assert!(!failed && ledger.read(|team| team.members() == last.members()), "what holds is there");
    // No removed member returns in a later write, and no member is lost.
    let mut before: Option<&Accounts> = None;
    for (accounts, failed) in writes.iter() {
        let old = |team: &Accounts| {
            let ids = team.members().keys().filter(|id| id.as_str().starts_with("old"));
            ids.cloned().collect::<Vec<_>>()
        };
        if let Some(before) = before {
            assert!(old(accounts).iter().all(|id| before.is_member(id)), "an older state");
            let new = before.members().keys().filter(|id| id.as_str().starts_with("new"));
            let lost: Vec<_> = new.filter(|id| !accounts.is_member(id)).collect();
            assert!(lost.is_empty(), "{lost:?}");
        }
        if !failed {
            before = Some(accounts);
        }
    }
}
