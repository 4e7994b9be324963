//! The table of open connections, which limits and closes them.
//!
//! Owns every limit on connections. If too many connections have not logged in, the table closes the one that
//! has waited longest, of the same peer first. An honest client logs in quickly, but an attacker only keeps
//! connections open. The table touches no socket: the owner of a closed connection reads its end.

use crate::accounts::Login;
use crate::peer::Peer;
use porchlight_core::id::UserId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use tokio::sync::Notify;

/// Maximum number of connections that have not logged in, in total. The next constant limits them per peer.
const MAX_PENDING: usize = 512;
const MAX_PENDING_OF_ONE: usize = 96;
/// Maximum number of simultaneous HTTP connections, including live streams.
const MAX_HTTP: usize = 512;
const MAX_HTTP_OF_ONE: usize = 96;
/// Maximum number of connections per device: its session, the Will connection and readers.
const MAX_OF_CREDENTIAL: usize = 32;
/// Maximum number of connections per person.
const MAX_OF_USER: usize = 128;

/// All open connections, each counted against the limits of its peer and member.
pub(crate) struct ConnectionTable {
    open: Mutex<Open>,
    ended: Notify,
    max: usize,
}

/// The id of a connection, unique while the program runs.
pub(crate) type ConnectionId = u64;

/// There are too many connections to admit this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyConnections;

#[derive(Default)]
struct Open {
    next: ConnectionId,
    connections: BTreeMap<ConnectionId, Entry>,
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
    closing: Arc<Closing>,
}

enum State {
    /// Not logged in yet.
    Pending,
    Http,
    Member(Login),
    /// Closed by the hub, and about to end.
    Closing,
}

/// The entry of an open connection. Dropping it removes the entry.
pub(crate) struct ConnectionGuard {
    id: ConnectionId,
    connections: Arc<ConnectionTable>,
    closing: Arc<Closing>,
}

/// Notifies a connection that it must end.
#[derive(Default)]
struct Closing(Mutex<ClosingState>);

#[derive(Default)]
struct ClosingState {
    is_closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl ConnectionTable {
    /// Creates a table of at most `max` connections.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), ended: Notify::new(), max })
    }

    /// Adds a new connection from `peer`. This may close another one to make room.
    ///
    /// # Errors
    ///
    /// [`TooManyConnections`] if no other may be closed for it.
    pub(crate) fn enter(
        self: &Arc<Self>,
        peer: Peer,
    ) -> Result<ConnectionGuard, TooManyConnections> {
        let mut open = self.open();
        open.make_room_for(peer);
        if open.pending.len() >= MAX_PENDING || open.connections.len() >= self.max {
            let crowd = open.pending_of.values().max_by_key(|of| of.len());
            let first = *crowd.and_then(BTreeSet::first).ok_or(TooManyConnections)?;
            open.close(first);
        }
        // Closed connections take a moment to end.
        if open.connections.len() >= self.max + MAX_PENDING {
            return Err(TooManyConnections);
        }
        let id = open.next;
        open.next += 1;
        let closing = Arc::new(Closing::default());
        open.pending.insert(id);
        open.pending_of.entry(peer).or_default().insert(id);
        open.connections
            .insert(id, Entry { peer, state: State::Pending, closing: Arc::clone(&closing) });
        Ok(ConnectionGuard { id, connections: Arc::clone(self), closing })
    }

    /// Counts the connection as the member's from now on.
    pub(crate) fn log_in(&self, id: ConnectionId, login: &Login) -> Result<(), TooManyConnections> {
        let mut open = self.open();
        let of_credential = open.credentials.get(&login.credential).copied().unwrap_or_default();
        let of_user = open.users.get(&login.user).copied().unwrap_or_default();
        if of_credential >= MAX_OF_CREDENTIAL || of_user >= MAX_OF_USER {
            return Err(TooManyConnections);
        }
        if !open.leave_pending(id) {
            return Err(TooManyConnections);
        }
        *open.credentials.entry(login.credential.clone()).or_default() += 1;
        *open.users.entry(login.user.clone()).or_default() += 1;
        open.set(id, State::Member(login.clone()));
        Ok(())
    }

    /// Counts the connection as HTTP. From now on the table does not close it for new connections.
    fn ask(&self, id: ConnectionId) -> Result<(), TooManyConnections> {
        let mut open = self.open();
        let connection = open.connections.get(&id).ok_or(TooManyConnections)?;
        if matches!(connection.state, State::Http) {
            return Ok(());
        }
        let peer = connection.peer;
        let of_one = open.http_of.get(&peer).copied().unwrap_or_default();
        if open.http >= MAX_HTTP || of_one >= MAX_HTTP_OF_ONE || !open.leave_pending(id) {
            return Err(TooManyConnections);
        }
        open.http += 1;
        *open.http_of.entry(peer).or_default() += 1;
        open.set(id, State::Http);
        Ok(())
    }

    /// Counts the connection, which a proxy forwards, against the limits of its client.
    fn set_peer(&self, id: ConnectionId, client: Peer) {
        let mut open = self.open();
        let is_of_another = open.connections.get(&id).is_some_and(|of| of.peer != client);
        if !is_of_another || !open.leave_pending(id) {
            return;
        }
        open.make_room_for(client);
        open.pending.insert(id);
        open.pending_of.entry(client).or_default().insert(id);
        if let Some(connection) = open.connections.get_mut(&id) {
            connection.peer = client;
        }
    }

    /// Closes this connection.
    pub(crate) fn close(&self, id: ConnectionId) {
        if let Some(connection) = self.open().connections.get(&id) {
            connection.closing.close();
        }
    }

    /// Closes the connections of every credential for which `which` is true.
    pub(crate) fn close_members(&self, which: impl Fn(&str) -> bool) {
        let open = self.open();
        let ids: Vec<ConnectionId> = open
            .connections
            .iter()
            .filter(
                |(_, connection)| matches!(&connection.state, State::Member(login) if which(&login.credential)),
            )
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            // They still count towards the member's limit until they have ended.
            if let Some(connection) = open.connections.get(&id) {
                connection.closing.close();
            }
        }
    }

    /// Whether a connection of this credential is open.
    pub(crate) fn is_connected(&self, credential: &str) -> bool {
        self.open().credentials.contains_key(credential)
    }

    /// Waits until no connection of these credentials is open.
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
    /// Closes the connection of this peer that has waited longest, if it has too many.
    fn make_room_for(&mut self, peer: Peer) {
        let of_peer = self.pending_of.get(&peer).filter(|of| of.len() >= MAX_PENDING_OF_ONE);
        if let Some(first) = of_peer.and_then(BTreeSet::first) {
            self.close(*first);
        }
    }

    fn set(&mut self, id: ConnectionId, state: State) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.state = state;
        }
    }

    /// Returns whether it was pending, and not closed.
    fn leave_pending(&mut self, id: ConnectionId) -> bool {
        let Some(connection) = self.connections.get(&id) else {
            return false;
        };
        if !self.pending.remove(&id) {
            return false;
        }
        if let Some(of) = self.pending_of.get_mut(&connection.peer) {
            of.remove(&id);
            if of.is_empty() {
                self.pending_of.remove(&connection.peer);
            }
        }
        true
    }

    fn close(&mut self, id: ConnectionId) {
        if self.leave_pending(id)
            && let Some(connection) = self.connections.get_mut(&id)
        {
            connection.state = State::Closing;
            connection.closing.close();
        }
    }

    fn leave(&mut self, id: ConnectionId) {
        self.leave_pending(id);
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        match connection.state {
            State::Pending | State::Closing => {}
            State::Http => {
                self.http -= 1;
                count_down(&mut self.http_of, &connection.peer);
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

    /// Counts it against the limits of this peer, if it has neither logged in nor asked by HTTP yet.
    pub(crate) fn set_peer(&self, client: Peer) {
        self.connections.set_peer(self.id, client);
    }

    /// Counts it among the connections for HTTP.
    ///
    /// # Errors
    ///
    /// [`TooManyConnections`] if there are too many of these.
    pub(crate) fn ask(&self) -> Result<(), TooManyConnections> {
        self.connections.ask(self.id)
    }

    /// Returns whether the connection is closed. If not, wakes the reader once it is.
    pub(crate) fn is_closed_for_reading(&self, cx: &Context<'_>) -> bool {
        let mut state = self.closing.lock();
        state.reader = Some(cx.waker().clone());
        state.is_closed
    }

    /// Returns an error if the connection is closed. If not, wakes the writer once it is.
    pub(crate) fn check_for_writing(&self, cx: &Context<'_>) -> io::Result<()> {
        let mut state = self.closing.lock();
        state.writer = Some(cx.waker().clone());
        if state.is_closed { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    /// Waits until the connection is closed.
    pub(crate) async fn closed(&self) {
        std::future::poll_fn(|cx| {
            if self.is_closed_for_reading(cx) {
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
        self.connections.open().leave(self.id);
        self.connections.ended.notify_waiters();
    }
}

impl Closing {
    fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, ClosingState> {
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

    fn is_cut(connection: &ConnectionGuard) -> bool {
        connection.closing.lock().is_closed
    }

    #[test]
    fn a_flood_of_one_peer_cuts_its_own_oldest_lines() {
        let connections = ConnectionTable::new(10_000);
        let honest = connections.enter(peer(1)).unwrap();
        let flood: Vec<_> =
            (0..MAX_PENDING_OF_ONE + 10).map(|_| connections.enter(peer(2)).unwrap()).collect();
        assert!(!is_cut(&honest));
        assert_eq!(flood.iter().filter(|connection| is_cut(connection)).count(), 10);
        assert!(flood[..10].iter().all(is_cut));
        assert_eq!(
            connections.log_in(flood[0].id(), &login("a")),
            Err(TooManyConnections),
            "a closed connection logs nobody in"
        );
        connections.log_in(honest.id(), &login("a")).unwrap();
    }

    #[test]
    fn a_flood_of_many_peers_cuts_the_largest_crowd() {
        let connections = ConnectionTable::new(10_000);
        let honest = connections.enter(peer(0)).unwrap();
        let flood: Vec<_> = (0..10 * MAX_PENDING)
            .map(|n| connections.enter(peer(u8::try_from(1 + n % 200).unwrap())).unwrap())
            .collect();
        assert!(!is_cut(&honest));
        assert_eq!(flood.iter().filter(|connection| !is_cut(connection)).count(), MAX_PENDING - 1);
    }

    #[test]
    fn members_are_not_cut_for_newcomers() {
        let connections = ConnectionTable::new(4);
        let members: Vec<_> = (0..3)
            .map(|n| {
                let connection = connections.enter(peer(n)).unwrap();
                connections.log_in(connection.id(), &login("a")).unwrap();
                connection
            })
            .collect();
        let first = connections.enter(peer(9)).unwrap();
        let second = connections.enter(peer(8)).unwrap();
        assert!(is_cut(&first) && !is_cut(&second) && !members.iter().any(is_cut));
    }

    #[test]
    fn a_credential_has_so_many_lines_and_gets_them_back() {
        let connections = ConnectionTable::new(10_000);
        let enter = || {
            let connection = connections.enter(peer(1)).unwrap();
            connections.log_in(connection.id(), &login("a")).map(|()| connection)
        };
        let all: Vec<_> = (0..MAX_OF_CREDENTIAL).map(|_| enter().unwrap()).collect();
        assert_eq!(enter().err(), Some(TooManyConnections));
        drop(all);
        assert!(enter().is_ok());
        assert!(connections.open().connections.is_empty());
    }

    #[tokio::test]
    async fn cutting_a_credential_ends_its_lines_alone() {
        let connections = ConnectionTable::new(10_000);
        let open = |credential: &'static str| {
            let connection = connections.enter(peer(1)).unwrap();
            connections.log_in(connection.id(), &login(credential)).unwrap();
            connection
        };
        let (a, b) = (open("a"), open("b"));
        connections.close_members(|credential| credential == "a");
        a.closed().await;
        assert!(!is_cut(&b));
        let ended = connections.ended(|credential| credential == "a");
        tokio::select! {
            biased;
            () = ended => panic!("it has not ended"),
            () = std::future::ready(()) => drop(a),
        }
        connections.ended(|credential| credential == "a").await;
    }
}
