//! One connection: its socket and its timers.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep, timeout};

use super::When;
use super::codec::{self, Packet};
use super::seen::{Action, Version};
use super::state::{Outgoing, State};
use crate::packet::read_packet;

/// How long the broker reads on after it closed, so that its last words are not lost to a reset.
const LINGER: Duration = Duration::from_secs(1);

#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves one connection to its end, and its Will after that.
pub(super) async fn serve(stream: TcpStream, number: usize, shared: Shared) {
    // The tests measure how fast things arrive.
    let _ = stream.set_nodelay(true);
    let (mut reading, mut writing) = stream.into_split();
    let (outgoing, queue) = unbounded_channel();
    shared.lock().open(number, outgoing);
    tokio::select! {
        () = read(&mut reading, number, &shared) => {}
        () = write(&mut writing, queue) => {}
    }
    let waits = shared.lock().ended(number);
    let linger = async {
        let _ = writing.shutdown().await;
        let _ = timeout(LINGER, tokio::io::copy(&mut reading, &mut tokio::io::sink())).await;
        drop((reading, writing));
    };
    let will = async {
        if let Some(delay) = waits {
            sleep(delay).await;
            shared.lock().publish_will(number);
        }
    };
    tokio::join!(linger, will);
}

async fn write(to: &mut OwnedWriteHalf, mut queue: UnboundedReceiver<Outgoing>) {
    while let Some(Outgoing::Bytes(bytes)) = queue.recv().await {
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Reads until either side ends the connection.
async fn read(from: &mut OwnedReadHalf, number: usize, shared: &Shared) {
    let Ok(bytes) = read_packet(from).await else { return };
    let malformed = |why: String| shared.lock().note(number, Action::Malformed(why));
    let Some(version) = codec::version_of(&bytes) else {
        return malformed("not a CONNECT of MQTT 3.1.1 or 5".to_owned());
    };
    let (connect, will) = match codec::parse(version, &bytes) {
        Ok(Packet::Connect(connect, will)) => (connect, will),
        other => return malformed(format!("{other:?}")),
    };
    let (delay, keep_alive) = {
        let mut state = shared.lock();
        state.note(number, Action::Connect(connect.clone()));
        let demanded = state.quirks.server_keep_alive();
        (state.quirks.connack_after, demanded.unwrap_or(connect.keep_alive))
    };
    let mut next = [0];
    tokio::select! {
        () = sleep(delay) => {}
        // A client that has given up.
        Ok(0) = from.peek(&mut next) => return,
    }
    let after = {
        let mut state = shared.lock();
        state.answer_connect(number, connect, will);
        let mut ends = state.quirks.ends.clone().into_iter();
        ends.find_map(|(when, how)| match when {
            When::After(time) => Some((time, how)),
            _ => None,
        })
    };
    let end = async {
        if let Some((time, how)) = after {
            sleep(time).await;
            shared.lock().end(number, &how);
        }
        // The writer ends this connection, once it has written what came before.
        pending::<()>().await;
    };
    tokio::select! {
        () = read_packets(from, number, version, keep_alive, shared) => {}
        () = end => {}
    }
}

async fn read_packets(
    from: &mut OwnedReadHalf,
    number: usize,
    version: Version,
    keep_alive: u16,
    shared: &Shared,
) {
    // One and a half times, as the specification has it (MQTT 5, 3.1.2.10).
    let patience = match keep_alive {
        0 => Duration::MAX,
        seconds => Duration::from_secs(seconds.into()) * 3 / 2,
    };
    while let Ok(Ok(bytes)) = timeout(patience, read_packet(from)).await {
        match codec::parse(version, &bytes) {
            Ok(packet) => shared.lock().handle(number, packet, bytes.len()),
            Err(why) => return shared.lock().note(number, Action::Malformed(why)),
        }
    }
}
