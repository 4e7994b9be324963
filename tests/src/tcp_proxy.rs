//! A cable between a client and its broker that can be pulled.
//!
//! Pulled, it delivers nothing in either direction and closes nothing: both ends are left to find
//! out. Cut, it closes every connection as a broker that dies does.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the cable does with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    plugged: bool,
    /// The near end hears nothing more.
    deaf: bool,
    /// Counts the cuts: a connection from before one is closed.
    cuts: u64,
}

/// A TCP proxy on 127.0.0.1 whose connections can be silenced and closed.
#[derive(Debug)]
pub struct TcpProxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    connections: Arc<AtomicUsize>,
    /// How often something came from the near end.
    said: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl TcpProxy {
    /// Lays a cable to this port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When it can't listen.
    pub async fn to(port: u16) -> Self {
        // The system's choice: unlike a server's, this port is never free while a client retries it.
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let state = Arc::new(watch::Sender::new(State { plugged: true, deaf: false, cuts: 0 }));
        let (connections, said) = (Arc::default(), Arc::default());
        let counts = (Arc::clone(&connections), Arc::clone(&said));
        let accepting = tokio::spawn(accept(listener, port, Arc::clone(&state), counts));
        Self { address, state, connections, said, accepting }
    }

    /// The near end as a broker's URL, without a topic root.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    /// The port of the near end on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections there were at the near end, those that ended included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// How often the near end sent something. Packets that arrive together count once.
    #[must_use]
    pub fn said(&self) -> usize {
        self.said.load(Ordering::Relaxed)
    }

    /// Pulls it: nothing is delivered and nothing is closed, for connections to come as well.
    pub fn pull(&self) {
        self.state.send_modify(|state| state.plugged = false);
    }

    /// Delivers what the near end says, and nothing of what it is told.
    pub fn deafen(&self) {
        self.state.send_modify(|state| state.deaf = true);
    }

    /// Plugs it in again. What was written meanwhile is delivered now, as TCP would.
    pub fn plug_in(&self) {
        self.state.send_modify(|state| (state.plugged, state.deaf) = (true, false));
    }

    /// Closes the connections that there are. New ones are let through if it is plugged in.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(
    listener: TcpListener,
    port: u16,
    state: Arc<watch::Sender<State>>,
    (connections, said): (Arc<AtomicUsize>, Arc<AtomicUsize>),
) {
    while let Ok((near, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::Relaxed);
        let mut state = state.subscribe();
        let said = Arc::clone(&said);
        tokio::spawn(async move {
            let cuts = state.borrow_and_update().cuts;
            let cut = state.clone();
            tokio::select! {
                _ = carry(near, port, state, &said) => {}
                () = wait_cut(cut, cuts) => {}
            }
        });
    }
}

async fn wait_cut(mut state: watch::Receiver<State>, cuts: u64) {
    // An error means that the cable itself has gone.
    let _ = state.wait_for(|state| state.cuts != cuts).await;
}

async fn carry(
    near: TcpStream,
    port: u16,
    mut state: watch::Receiver<State>,
    said: &AtomicUsize,
) -> io::Result<()> {
    // The far end learns of a connection only when it could: while the cable is out, nobody answers.
    let _ = state.wait_for(|state| state.plugged).await;
    // Who gave up meanwhile was never heard of: a late greeting of theirs would speak for nobody.
    if near.ready(Interest::READABLE).await?.is_read_closed() {
        return Ok(());
    }
    let far = TcpStream::connect(("127.0.0.1", port)).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::try_join!(
        copy(near_read, far_write, state.clone(), |state| state.plugged, Some(said)),
        copy(far_read, near_write, state, |state| state.plugged && !state.deaf, None),
    )?;
    Ok(())
}

/// Copies one direction while that is open. The end of it, too, is only told then.
async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    open: fn(&State) -> bool,
    count: Option<&AtomicUsize>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if let Some(count) = count.filter(|_| length > 0) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let _ = state.wait_for(open).await;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::until::{SOON, never, until};

    /// Listens, and notes the first byte of everybody who comes.
    async fn listen() -> (u16, Arc<Mutex<Vec<u8>>>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let greetings = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&greetings);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if let Ok(greeting) = near.read_u8().await {
                    noted.lock().unwrap().push(greeting);
                }
            }
        });
        (port, greetings)
    }

    async fn greet(cable: &TcpProxy, greeting: u8) -> TcpStream {
        let mut connection = TcpStream::connect(("127.0.0.1", cable.port())).await.unwrap();
        connection.write_u8(greeting).await.unwrap();
        connection
    }

    #[tokio::test]
    async fn who_hangs_up_while_it_is_out_is_never_heard_of() {
        let (port, greetings) = listen().await;
        let cable = TcpProxy::to(port).await;
        cable.pull();
        drop(greet(&cable, b'a').await);
        let _patient = greet(&cable, b'b').await;
        until("both to be at the near end", SOON, || cable.connections() == 2).await;
        cable.plug_in();
        until("the patient one", SOON, || greetings.lock().unwrap().contains(&b'b')).await;
        let late = || greetings.lock().unwrap().contains(&b'a');
        never("a late greeting", Duration::from_millis(300), late).await;
    }
}
