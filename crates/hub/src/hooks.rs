//! The handler of the broker's events: storage, access and connections receive them from here.

use crate::access::{Access, OpenGate};
use crate::aggregator::Listener;
use crate::persistence::RetainedChanges;
use mqtt5::broker::{
    BrokerEventHandler, ClientConnectEvent, ClientDisconnectEvent, ClientPublishEvent,
    PublishAction, RetainedSetEvent,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The broker's one event handler.
pub(crate) struct Hooks {
    /// None without a disk: then the broker does not wait for storage.
    pub(crate) recorder: Option<RetainedChanges>,
    pub(crate) listener: Listener,
    /// None if everybody has access.
    pub(crate) access: Option<Arc<Access>>,
    /// None at a team's hub.
    pub(crate) open: Option<Arc<OpenGate>>,
}

impl BrokerEventHandler for Hooks {
    fn on_client_connect<'a>(
        &'a self,
        event: ClientConnectEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        if let Some(open) = &self.open {
            open.connected(&event.client_id);
        }
        Box::pin(async move { self.listener.connected(&event).await })
    }

    fn on_client_disconnect<'a>(
        &'a self,
        event: ClientDisconnectEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        if let Some(open) = &self.open {
            open.left(&event.client_id);
        }
        Box::pin(std::future::ready(()))
    }

    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        let passing =
            event.retain && self.access.as_ref().is_some_and(|a| a.is_never_retained(&event.topic));
        if let Some(access) = self.access.as_ref().filter(|_| !passing) {
            access.published(&event.topic, event.topic.len() + event.payload.len());
        }
        // Acknowledged and dropped: a message that is never retained must not reach later subscribers.
        let action = if passing { PublishAction::Handled } else { PublishAction::Continue };
        Box::pin(std::future::ready(action))
    }

    fn on_retained_set<'a>(
        &'a self,
        event: RetainedSetEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            // Before the disk, which may be slow.
            match &self.access {
                Some(access) if event.cleared => access.cleared(&event.topic),
                Some(access) => {
                    access.may_stay(&event.topic);
                }
                None => {}
            }
            self.listener.retained(&event).await;
            if let Some(recorder) = &self.recorder {
                recorder.on_retained_set(event).await;
            }
        })
    }
}
