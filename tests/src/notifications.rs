//! A notification server that records what it is asked to show, and presses buttons.
//!
//! Start it before the app: the session's bus starts none by itself. It follows the Desktop
//! Notifications Specification 1.2 and behaves as the common servers do where that leaves a choice.

mod server;

use std::collections::HashMap;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zbus::Connection;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedValue, Value};

use crate::desktop::Session;
use crate::until::{Stopwatch, poll};
use server::{Record, Server};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// Why a notification was closed (specification, `NotificationClosed`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Its time was over.
    Expired = 1,
    /// The person did away with it.
    Dismissed = 2,
    /// The app took it back.
    Withdrawn = 3,
}

/// One call of `Notify`.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// The id that it was given: that of its predecessor if it replaced one.
    pub id: u32,
    /// The id it asked to replace, 0 for none.
    pub replaces_id: u32,
    /// The app's name.
    pub app: String,
    /// The app's icon.
    pub icon: String,
    /// The title.
    pub summary: String,
    /// The text below.
    pub body: String,
    /// The buttons: key and label.
    pub actions: Vec<(String, String)>,
    /// Hints such as `category` and `urgency`; the values as D-Bus has them, see
    /// [`Notification::hint`].
    pub hints: HashMap<String, OwnedValue>,
    /// How long to show it, in milliseconds: -1 as the server likes, 0 for ever.
    pub timeout: i32,
    /// When it came, since the server started.
    pub at: Duration,
}

impl Notification {
    /// A hint as text: a string as it is, a number or a boolean as it is written.
    #[must_use]
    pub fn hint(&self, name: &str) -> Option<String> {
        Some(match &**self.hints.get(name)? {
            Value::Str(text) => text.to_string(),
            Value::U8(number) => number.to_string(),
            Value::I32(number) => number.to_string(),
            Value::U32(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            other => format!("{other:?}"),
        })
    }

    /// The key of the button with this label.
    #[must_use]
    pub fn action(&self, label: &str) -> Option<&str> {
        self.actions.iter().find(|(_, shown)| shown == label).map(|(key, _)| key.as_str())
    }
}

/// A running notification server.
#[derive(Debug)]
pub struct Notifications {
    bus: Connection,
    record: Arc<Mutex<Record>>,
}

impl Notifications {
    /// Starts it on the session's bus.
    ///
    /// # Panics
    ///
    /// When the bus has one already.
    pub async fn start(session: &Session) -> Self {
        let record = Arc::default();
        let server = Server { clock: Stopwatch::start(), record: Arc::clone(&record) };
        let address = session.bus_address();
        let bus = zbus::connection::Builder::address(address.as_str())
            .and_then(|builder| builder.serve_at(PATH, server))
            .and_then(|builder| builder.name(NAME))
            .expect("an address, a path and a name");
        let bus = bus.build().await.expect("a bus without a notification server");
        Self { bus, record }
    }

    /// Every call of `Notify` so far, in order.
    #[must_use]
    pub fn all(&self) -> Vec<Notification> {
        self.read(|record| record.calls.clone())
    }

    /// The notifications on the screen: the last call of each that is not closed.
    #[must_use]
    pub fn showing(&self) -> Vec<Notification> {
        self.read(|record| {
            let last = |id: &u32| record.calls.iter().rev().find(|call| call.id == *id).cloned();
            record.open.iter().filter_map(last).collect()
        })
    }

    /// Every notification that was closed so far, and why.
    #[must_use]
    pub fn closed(&self) -> Vec<(u32, Closed)> {
        self.read(|record| record.closed.clone())
    }

    /// Forgets the calls so far, so that [`Notifications::wait`] looks only at what comes now.
    /// Notifications on the screen stay there.
    pub fn forget(&self) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.calls.clear();
    }

    /// Waits for a call of `Notify`, since the start or the last [`Notifications::forget`].
    ///
    /// # Panics
    ///
    /// When there is none within the time; with all that there were.
    #[track_caller]
    pub fn wait(
        &self,
        mut wanted: impl FnMut(&Notification) -> bool,
        within: Duration,
    ) -> impl Future<Output = Notification> {
        let caller = Location::caller();
        async move {
            let found = poll(within, || self.all().into_iter().find(|call| wanted(call))).await;
            found.unwrap_or_else(|| {
                panic!("{caller}: no such notice within {within:?}; there were {:#?}", self.all())
            })
        }
    }

    /// Presses a button by its key; `default` is a click on the notification itself. It then goes
    /// off the screen, as with most servers, unless it has the hint `resident`.
    ///
    /// # Panics
    ///
    /// When it is not on the screen, or has no such button.
    #[track_caller]
    pub fn press(&self, id: u32, key: &str) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let shown = self.showing().into_iter().find(|notification| notification.id == id);
            let shown = shown.unwrap_or_else(|| panic!("{caller}: {id} is not on the screen"));
            assert!(
                shown.actions.iter().any(|(known, _)| known == key),
                "{caller}: no button {key} in {shown:#?}"
            );
            self.invoke(id, key).await;
            if shown.hint("resident").as_deref() != Some("true") {
                self.close(id, Closed::Dismissed).await;
            }
        }
    }

    /// Says that a button was pressed, and leaves the notification where it is. It can be said again
    /// where the app may not have listened yet.
    pub async fn invoke(&self, id: u32, key: &str) {
        Server::action_invoked(&self.emitter(), id, key).await.expect("the bus takes a signal");
    }

    /// Takes a notification off the screen, as the person or the passing of its time does.
    pub async fn close(&self, id: u32, reason: Closed) {
        let stood = self.record.lock().unwrap_or_else(PoisonError::into_inner).close(id, reason);
        if stood {
            let emitter = self.emitter();
            let closed = Server::notification_closed(&emitter, id, reason as u32);
            closed.await.expect("the bus takes a signal");
        }
    }

    fn emitter(&self) -> SignalEmitter<'_> {
        SignalEmitter::new(&self.bus, PATH).expect("a path")
    }

    fn read<T>(&self, read: impl FnOnce(&Record) -> T) -> T {
        read(&self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
