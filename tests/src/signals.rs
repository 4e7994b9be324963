//! D-Bus signals, handed to a function as they come.

use std::pin::Pin;

use tokio::task::JoinHandle;
use zbus::export::futures_core::Stream;
use zbus::{Connection, MatchRule, Message, MessageStream};

/// A task that hands on signals until it is dropped.
#[derive(Debug)]
pub(crate) struct Listening(JoinHandle<()>);

impl Listening {
    /// Listens from when this returns: the bus has confirmed the rule by then.
    pub(crate) async fn to(
        bus: &Connection,
        rule: MatchRule<'static>,
        mut hear: impl FnMut(&Message) + Send + 'static,
    ) -> Self {
        let stream = MessageStream::for_match_rule(rule, bus, Some(1024));
        let mut stream = stream.await.expect("the bus takes a match rule");
        Self(tokio::spawn(async move {
            while let Some(message) = next(&mut stream).await {
                hear(&message);
            }
        }))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The next message, or `None` when the connection has ended.
async fn next(stream: &mut MessageStream) -> Option<Message> {
    std::future::poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await?.ok()
}
