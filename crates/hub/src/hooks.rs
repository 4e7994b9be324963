//! What the broker tells of while it runs, and who hears it.

use crate::keeper::Recorder;
use crate::summing::Listener;
use mqtt5::broker::{BrokerEventHandler, ClientConnectEvent, RetainedSetEvent};
use std::future::Future;
use std::pin::Pin;

/// The broker's one event handler.
pub(crate) struct Hooks {
    /// None without a disk: the broker then has one thing less to wait for.
    pub(crate) recorder: Option<Recorder>,
    pub(crate) listener: Listener,
}

impl BrokerEventHandler for Hooks {
    fn on_client_connect<'a>(
        &'a self,
        event: ClientConnectEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move { self.listener.connected(&event).await })
    }

    fn on_retained_set<'a>(
        &'a self,
        event: RetainedSetEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            // Before the disk, which may take its time.
            self.listener.retained(&event).await;
            if let Some(recorder) = &self.recorder {
                recorder.on_retained_set(event).await;
            }
        })
    }
}
