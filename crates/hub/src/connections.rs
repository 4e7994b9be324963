//! The connections that are open: how many there may be, whose they are, and how to cut one.
//!
//! Owns every number that bounds connections, and the rule of whom a flood hits: where too many wait to say who they are, the
//! one that has waited longest goes, of the same peer first. Somebody honest needs a moment, somebody who holds lines
//! open does not hurry. It opens and closes nothing itself: a line that is cut reads as ended to whoever holds it.

use crate::accounts::Login;
use crate::peer::Peer;
use porchlight_core::id::UserId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use tokio::sync::Notify;

/// Lines that have not said who they are: of everybody, and of one peer.
const MAX_PENDING: usize = 512;
const MAX_PENDING_OF_ONE: usize = 96;
/// Requests over HTTP at a time, live streams included.
const MAX_HTTP: usize = 512;
const MAX_HTTP_OF_ONE: usize = 96;
/// Connections of one device: its presence, the Will connection, and readers.
const MAX_OF_CREDENTIAL: usize = 32;
/// Connections of one person.
const MAX_OF_USER: usize = 128;

/// All open lines.
pub(crate) struct ConnectionTable {
    open: Mutex<Open>,
    ended: Notify,
    max: usize,
}

/// Which line.
pub(crate) type ConnectionId = u64;

/// There are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

#[derive(Default)]
struct Open {
    next: ConnectionId,
    lines: BTreeMap<ConnectionId, Entry>,
    pending: BTreeSet<ConnectionId>,
    pending_of: HashMap<Peer, BTreeSet<ConnectionId>>,
    http: usize,
    http_of: HashMap<Peer, usize>,
    credentials: HashMap<String, usize>,
    users: HashMap<UserId, usize>,
}

struct Entry {
    peer: Peer,
    state: State,
    cut: Arc<Cut>,
}

enum State {
    /// Has not said who it is.
    Pending,
    Http,
    Member(Login),
    /// About to end.
    Cut,
}

/// An open line. It ends when this is dropped.
pub(crate) struct ConnectionGuard {
    id: ConnectionId,
    lines: Arc<ConnectionTable>,
    cut: Arc<Cut>,
}

/// How a line learns that it is cut.
#[derive(Default)]
struct Cut(Mutex<CutState>);

#[derive(Default)]
struct CutState {
    cut: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl ConnectionTable {
    /// At most `max` lines in all.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), ended: Notify::new(), max })
    }

    /// A new line from `peer`; another may be cut for it.
    pub(crate) fn enter(self: &Arc<Self>, peer: Peer) -> Result<ConnectionGuard, TooMany> {
        let mut open = self.open();
        let of_peer = open.pending_of.get(&peer);
        if let Some(first) =
            of_peer.filter(|of| of.len() >= MAX_PENDING_OF_ONE).and_then(BTreeSet::first)
        {
            let first = *first;
            open.cut(first);
        }
        if open.pending.len() >= MAX_PENDING || open.lines.len() >= self.max {
            let crowd = open.pending_of.values().max_by_key(|of| of.len());
            let first = *crowd.and_then(BTreeSet::first).ok_or(TooMany)?;
            open.cut(first);
        }
        // Those that were cut take a moment to end.
        if open.lines.len() >= self.max + MAX_PENDING {
            return Err(TooMany);
        }
        let id = open.next;
        open.next += 1;
        let cut = Arc::new(Cut::default());
        open.pending.insert(id);
        open.pending_of.entry(peer).or_default().insert(id);
        open.lines.insert(id, Entry { peer, state: State::Pending, cut: Arc::clone(&cut) });
        Ok(ConnectionGuard { id, lines: Arc::clone(self), cut })
    }

    /// The line is a member's from here on.
    pub(crate) fn log_in(&self, id: ConnectionId, login: &Login) -> Result<(), TooMany> {
        let mut open = self.open();
        let of_credential = open.credentials.get(&login.credential).copied().unwrap_or_default();
        let of_user = open.users.get(&login.user).copied().unwrap_or_default();
        if of_credential >= MAX_OF_CREDENTIAL || of_user >= MAX_OF_USER {
            return Err(TooMany);
        }
        if !open.leave_pending(id) {
            return Err(TooMany);
        }
        *open.credentials.entry(login.credential.clone()).or_default() += 1;
        *open.users.entry(login.user.clone()).or_default() += 1;
        open.set(id, State::Member(login.clone()));
        Ok(())
    }

    /// The line asks something over HTTP. From then on it is none that may be cut for newcomers.
    fn ask(&self, id: ConnectionId) -> Result<(), TooMany> {
        let mut open = self.open();
        let line = open.lines.get(&id).ok_or(TooMany)?;
        if matches!(line.state, State::Http) {
            return Ok(());
        }
        let peer = line.peer;
        let of_one = open.http_of.get(&peer).copied().unwrap_or_default();
        if open.http >= MAX_HTTP || of_one >= MAX_HTTP_OF_ONE || !open.leave_pending(id) {
            return Err(TooMany);
        }
        open.http += 1;
        *open.http_of.entry(peer).or_default() += 1;
        open.set(id, State::Http);
        Ok(())
    }

    /// Cuts this line.
    pub(crate) fn end(&self, id: ConnectionId) {
        if let Some(line) = self.open().lines.get(&id) {
            line.cut.cut();
        }
    }

    /// Cuts the lines of every credential of which `which` is true.
    pub(crate) fn cut_members(&self, which: impl Fn(&str) -> bool) {
        let open = self.open();
        let ids: Vec<ConnectionId> = open
            .lines
            .iter()
            .filter(
                |(_, line)| matches!(&line.state, State::Member(login) if which(&login.credential)),
            )
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            // They still count as the member's until they have ended.
            if let Some(line) = open.lines.get(&id) {
                line.cut.cut();
            }
        }
    }

    /// Waits until no line of these credentials is open.
    pub(crate) async fn ended(&self, which: impl Fn(&str) -> bool) {
        loop {
            let ended = self.ended.notified();
            if !self.open().credentials.keys().any(|credential| which(credential)) {
                return;
            }
            ended.await;
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn set(&mut self, id: ConnectionId, state: State) {
        if let Some(line) = self.lines.get_mut(&id) {
            line.state = state;
        }
    }

    /// Whether it was pending, and not cut.
    fn leave_pending(&mut self, id: ConnectionId) -> bool {
        let Some(line) = self.lines.get(&id) else {
            return false;
        };
        if !self.pending.remove(&id) {
            return false;
        }
        if let Some(of) = self.pending_of.get_mut(&line.peer) {
            of.remove(&id);
            if of.is_empty() {
                self.pending_of.remove(&line.peer);
            }
        }
        true
    }

    fn cut(&mut self, id: ConnectionId) {
        if self.leave_pending(id)
            && let Some(line) = self.lines.get_mut(&id)
        {
            line.state = State::Cut;
            line.cut.cut();
        }
    }

    fn leave(&mut self, id: ConnectionId) {
        self.leave_pending(id);
        let Some(line) = self.lines.remove(&id) else {
            return;
        };
        match line.state {
            State::Pending | State::Cut => {}
            State::Http => {
                self.http -= 1;
                count_down(&mut self.http_of, &line.peer);
            }
            State::Member(login) => {
                count_down(&mut self.credentials, &login.credential);
                count_down(&mut self.users, &login.user);
            }
        }
    }
}

fn count_down<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl ConnectionGuard {
    pub(crate) fn id(&self) -> ConnectionId {
        self.id
    }

    /// Counts it among those that ask over HTTP; an error where there are too many of these.
    pub(crate) fn ask(&self) -> Result<(), TooMany> {
        self.lines.ask(self.id)
    }

    /// Whether the line is cut; if not, whoever reads is woken when it is.
    pub(crate) fn is_cut_for_reading(&self, cx: &Context<'_>) -> bool {
        let mut state = self.cut.lock();
        state.reader = Some(cx.waker().clone());
        state.cut
    }

    /// An error where the line is cut; if not, whoever writes is woken when it is.
    pub(crate) fn check_for_writing(&self, cx: &Context<'_>) -> io::Result<()> {
        let mut state = self.cut.lock();
        state.writer = Some(cx.waker().clone());
        if state.cut { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    /// Waits until the line is cut.
    pub(crate) async fn cut(&self) {
        std::future::poll_fn(|cx| {
            if self.is_cut_for_reading(cx) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.lines.open().leave(self.id);
        self.lines.ended.notify_waiters();
    }
}

impl Cut {
    fn cut(&self) {
        let mut state = self.lock();
        state.cut = true;
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, CutState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use porchlight_core::team::Role;
    use std::net::IpAddr;

    fn peer(n: u8) -> Peer {
        Peer::from(IpAddr::from([10, 0, 0, n]))
    }

    fn login(credential: &str) -> Login {
        Login {
            credential: credential.to_owned(),
            user: UserId::parse("anna").unwrap(),
            role: Role::Member,
        }
    }

    fn is_cut(line: &ConnectionGuard) -> bool {
        line.cut.lock().cut
    }

    #[test]
    fn a_flood_of_one_peer_cuts_its_own_oldest_lines() {
        let lines = ConnectionTable::new(10_000);
        let honest = lines.enter(peer(1)).unwrap();
        let flood: Vec<_> =
            (0..MAX_PENDING_OF_ONE + 10).map(|_| lines.enter(peer(2)).unwrap()).collect();
        assert!(!is_cut(&honest));
        assert_eq!(flood.iter().filter(|line| is_cut(line)).count(), 10);
        assert!(flood[..10].iter().all(is_cut));
        assert_eq!(
            lines.log_in(flood[0].id(), &login("a")),
            Err(TooMany),
            "a cut line logs nobody in"
        );
        lines.log_in(honest.id(), &login("a")).unwrap();
    }

    #[test]
    fn a_flood_of_many_peers_cuts_the_largest_crowd() {
        let lines = ConnectionTable::new(10_000);
        let honest = lines.enter(peer(0)).unwrap();
        let flood: Vec<_> = (0..10 * MAX_PENDING)
            .map(|n| lines.enter(peer(u8::try_from(1 + n % 200).unwrap())).unwrap())
            .collect();
        assert!(!is_cut(&honest));
        assert_eq!(flood.iter().filter(|line| !is_cut(line)).count(), MAX_PENDING - 1);
    }

    #[test]
    fn members_are_not_cut_for_newcomers() {
        let lines = ConnectionTable::new(4);
        let members: Vec<_> = (0..3)
            .map(|n| {
                let line = lines.enter(peer(n)).unwrap();
                lines.log_in(line.id(), &login("a")).unwrap();
                line
            })
            .collect();
        let first = lines.enter(peer(9)).unwrap();
        let second = lines.enter(peer(8)).unwrap();
        assert!(is_cut(&first) && !is_cut(&second) && !members.iter().any(is_cut));
    }

    #[test]
    fn a_credential_has_so_many_lines_and_gets_them_back() {
        let lines = ConnectionTable::new(10_000);
        let enter = || {
            let line = lines.enter(peer(1)).unwrap();
            lines.log_in(line.id(), &login("a")).map(|()| line)
        };
        let all: Vec<_> = (0..MAX_OF_CREDENTIAL).map(|_| enter().unwrap()).collect();
        assert_eq!(enter().err(), Some(TooMany));
        drop(all);
        assert!(enter().is_ok());
        assert!(lines.open().lines.is_empty());
    }

    #[tokio::test]
    async fn cutting_a_credential_ends_its_lines_alone() {
        let lines = ConnectionTable::new(10_000);
        let open = |credential: &'static str| {
            let line = lines.enter(peer(1)).unwrap();
            lines.log_in(line.id(), &login(credential)).unwrap();
            line
        };
        let (a, b) = (open("a"), open("b"));
        lines.cut_members(|credential| credential == "a");
        a.cut().await;
        assert!(!is_cut(&b));
        let ended = lines.ended(|credential| credential == "a");
        tokio::select! {
            biased;
            () = ended => panic!("it has not ended"),
            () = std::future::ready(()) => drop(a),
        }
        lines.ended(|credential| credential == "a").await;
    }
}
