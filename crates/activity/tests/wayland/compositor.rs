//! A compositor for tests: it draws nothing, but has a seat and an idle protocol that behaves as
//! real ones do.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;
use wayland_protocols::ext::idle_notify::v1::server::ext_idle_notification_v1::{
    self, ExtIdleNotificationV1,
};
use wayland_protocols::ext::idle_notify::v1::server::ext_idle_notifier_v1::{
    self, ExtIdleNotifierV1,
};
use wayland_server::backend::{ClientData, GlobalId};
use wayland_server::protocol::wl_seat::{self, WlSeat};
use wayland_server::{
    Client, DataInit, Dispatch, Display, DisplayHandle, GlobalDispatch, ListeningSocket, New,
};

/// The time between two looks for requests.
const TICK: Duration = Duration::from_millis(1);

/// An order of the test to the compositor.
enum Order {
    /// This many inputs, one after the other.
    Input(usize),
    /// Report every client's seat as idle, however long there was no input.
    Idle,
    /// Play a video.
    Video,
    /// Remove the idle protocol.
    Withdraw,
    /// Answer when all earlier orders are done.
    Done(mpsc::Sender<()>),
}

/// What a compositor offers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Offer {
    /// The idle protocol in this version.
    Version(u32),
    NoProtocol,
    NoSeat,
}

/// A running compositor; dropping it ends it as a crash would.
pub(crate) struct Compositor {
    orders: mpsc::Sender<Order>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// The socket of a compositor, which may come and go.
pub(crate) struct Place {
    _dir: TempDir,
    socket: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let socket = dir.path().join("wayland-test");
        Self { _dir: dir, socket }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn compositor(&self, offer: Offer) -> Compositor {
        let (orders, told) = mpsc::channel();
        let socket = ListeningSocket::bind_absolute(self.socket.clone()).expect("a free socket");
        let thread = std::thread::Builder::new()
            .name("compositor".to_owned())
            .spawn(move || serve(&socket, offer, &told))
            .expect("a thread");
        Compositor { orders, thread: Some(thread) }
    }
}

impl Compositor {
    /// Sends inputs. When it returns, the clients were notified.
    pub(crate) fn input(&self, times: usize) {
        self.order(Order::Input(times));
    }

    pub(crate) fn idle(&self) {
        self.order(Order::Idle);
    }

    pub(crate) fn play_a_video(&self) {
        self.order(Order::Video);
    }

    pub(crate) fn withdraw(&self) {
        self.order(Order::Withdraw);
    }

    fn order(&self, order: Order) {
        let (done, waited) = mpsc::channel();
        for order in [order, Order::Done(done)] {
            self.orders.send(order).expect("the compositor runs");
        }
        waited.recv().expect("the compositor runs");
    }
}

impl Drop for Compositor {
    fn drop(&mut self) {
        let (nobody, _) = mpsc::channel();
        drop(std::mem::replace(&mut self.orders, nobody));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(socket: &ListeningSocket, offer: Offer, orders: &mpsc::Receiver<Order>) {
    let mut display = Display::<Seats>::new().expect("a display");
    let mut handle = display.handle();
    let mut idle_protocol = None;
    if !matches!(offer, Offer::NoSeat) {
        handle.create_global::<Seats, WlSeat, ()>(7, ());
    }
    match offer {
        Offer::Version(version) => {
            idle_protocol = Some(handle.create_global::<Seats, ExtIdleNotifierV1, ()>(version, ()));
        }
        Offer::NoSeat => {
            handle.create_global::<Seats, ExtIdleNotifierV1, ()>(2, ());
        }
        Offer::NoProtocol => {}
    }
    let mut seats = Seats::default();
    loop {
        while let Some(stream) = socket.accept().expect("it listens") {
            handle.insert_client(stream, Arc::new(Nothing)).expect("a client");
        }
        display.dispatch_clients(&mut seats).expect("clients speak Wayland");
        seats.expire();
        let order = orders.recv_timeout(TICK);
        match order {
            Ok(Order::Input(times)) => (0..times).for_each(|_| seats.input()),
            Ok(Order::Idle) => seats.idle(),
            Ok(Order::Video) => seats.video = true,
            Ok(Order::Withdraw) => withdraw(&handle, idle_protocol.take()),
            Ok(Order::Done(_)) | Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        display.flush_clients().expect("clients listen");
        if let Ok(Order::Done(done)) = order {
            let _ = done.send(());
        }
    }
}

fn withdraw(handle: &DisplayHandle, global: Option<GlobalId>) {
    handle.remove_global::<Seats>(global.expect("it is withdrawn once"));
}

/// The seats' notifications that clients asked for.
#[derive(Default)]
struct Seats {
    notifications: Vec<Notification>,
    /// A video plays, which inhibits all notifications except those for input only.
    video: bool,
}

struct Notification {
    object: ExtIdleNotificationV1,
    input_only: bool,
    timeout: Duration,
    last_input: Instant,
    idle: bool,
}

impl Seats {
    fn input(&mut self) {
        for notification in &mut self.notifications {
            notification.last_input = Instant::now();
            if std::mem::take(&mut notification.idle) {
                notification.object.resumed();
            }
        }
    }

    fn idle(&mut self) {
        for notification in &mut self.notifications {
            if !std::mem::replace(&mut notification.idle, true) {
                notification.object.idled();
            }
        }
    }

    fn expire(&mut self) {
        for notification in &mut self.notifications {
            let inhibited = self.video && !notification.input_only;
            let over = !inhibited && notification.last_input.elapsed() >= notification.timeout;
            if over && !notification.idle {
                notification.idle = true;
                notification.object.idled();
            }
        }
    }
}

struct Nothing;

impl ClientData for Nothing {}

impl GlobalDispatch<WlSeat, ()> for Seats {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        seat: New<WlSeat>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(seat, ());
    }
}

impl Dispatch<WlSeat, ()> for Seats {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &WlSeat,
        _: wl_seat::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
    }
}

impl GlobalDispatch<ExtIdleNotifierV1, ()> for Seats {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        notifier: New<ExtIdleNotifierV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(notifier, ());
    }
}

impl Dispatch<ExtIdleNotifierV1, ()> for Seats {
    fn request(
        seats: &mut Self,
        _: &Client,
        _: &ExtIdleNotifierV1,
        request: ext_idle_notifier_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        // The library refuses the second request to a client of version 1.
        let (id, timeout, input_only) = match request {
            ext_idle_notifier_v1::Request::GetIdleNotification { id, timeout, .. } => {
                (id, timeout, false)
            }
            ext_idle_notifier_v1::Request::GetInputIdleNotification { id, timeout, .. } => {
                (id, timeout, true)
            }
            _ => return,
        };
        seats.notifications.push(Notification {
            object: init.init(id, ()),
            input_only,
            timeout: Duration::from_millis(timeout.into()),
            last_input: Instant::now(),
            idle: false,
        });
    }
}

impl Dispatch<ExtIdleNotificationV1, ()> for Seats {
    fn request(
        seats: &mut Self,
        _: &Client,
        object: &ExtIdleNotificationV1,
        request: ext_idle_notification_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        if matches!(request, ext_idle_notification_v1::Request::Destroy) {
            seats.notifications.retain(|notification| notification.object != *object);
        }
    }
}
