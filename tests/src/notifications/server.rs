//! The D-Bus object that the apps call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zbus::interface;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

use super::{Closed, Notification};
use crate::until::Stopwatch;

#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) last_id: u32,
    pub(super) calls: Vec<Notification>,
    /// The notifications on the screen.
    pub(super) open: Vec<u32>,
    pub(super) closed: Vec<(u32, Closed)>,
}

/// The D-Bus object.
pub(super) struct Server {
    pub(super) clock: Stopwatch,
    pub(super) record: Arc<Mutex<Record>>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Server {
    #[expect(
        clippy::too_many_arguments,
        clippy::needless_pass_by_value,
        reason = "the specification's, as they come off the bus"
    )]
    fn notify(
        &self,
        app_name: String,
        replaces_id: u32,
        app_icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
    ) -> u32 {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let id = if replaces_id == 0 {
            record.last_id += 1;
            record.last_id
        } else {
            replaces_id
        };
        if !record.open.contains(&id) {
            record.open.push(id);
        }
        record.calls.push(Notification {
            id,
            replaces_id,
            app: app_name,
            icon: app_icon,
            summary,
            body,
            actions: actions
                .chunks_exact(2)
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect(),
            hints,
            timeout: expire_timeout,
            at: self.clock.elapsed(),
        });
        id
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) {
        if self.record.lock().unwrap_or_else(PoisonError::into_inner).close(id, Closed::Withdrawn) {
            let _ = Self::notification_closed(&emitter, id, Closed::Withdrawn as u32).await;
        }
    }

    fn get_capabilities(&self) -> Vec<&'static str> {
        vec!["actions", "body", "body-markup", "icon-static", "persistence"]
    }

    fn get_server_information(&self) -> (&'static str, &'static str, &'static str, &'static str) {
        ("recorder", "tests", "1", "1.2")
    }

    /// A button was pressed.
    #[zbus(signal)]
    pub(super) async fn action_invoked(
        emitter: &SignalEmitter<'_>,
        id: u32,
        action_key: &str,
    ) -> zbus::Result<()>;

    /// A notification went off the screen.
    #[zbus(signal)]
    pub(super) async fn notification_closed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        reason: u32,
    ) -> zbus::Result<()>;
}

impl Record {
    /// Removes a notification from the screen, if it is there.
    pub(super) fn close(&mut self, id: u32, reason: Closed) -> bool {
        let open = self.open.len();
        self.open.retain(|other| *other != id);
        let stood = self.open.len() < open;
        if stood {
            self.closed.push((id, reason));
        }
        stood
    }
}
