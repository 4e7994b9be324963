//! Waiting for an event of the agent, or for the reason why it will not come.

use std::pin::Pin;
use std::time::Duration;

use porchlight_agent::agent::{Agent, Event};
use porchlight_core::view::ConnectionView;
use tokio::time::Sleep;

use crate::failure::Failure;

/// Waits until `answer` returns something for an event. It fails at once if the broker refuses, and after `timeout`
/// otherwise.
pub(crate) async fn wait<T>(
    agent: &mut Agent,
    timeout: Duration,
    mut answer: impl FnMut(&Event) -> Option<Result<T, Failure>>,
) -> Result<T, Failure> {
    let (mut last, mut up) = (None, false);
    let answered = async {
        while let Some(event) = agent.events.recv().await {
            if let Some(answer) = answer(&event) {
                return answer;
            }
            let Event::Show(update) = event else {
                continue;
            };
            up = match update.link {
                Some(ConnectionView::Up { .. }) => true,
                Some(_) => false,
                None => up,
            };
            match update.link {
                Some(ConnectionView::Refused { problem, .. }) => {
                    return Err(Failure::refused(&problem));
                }
                Some(ConnectionView::Connecting { problem: Some(problem), .. }) => {
                    last = Some(problem);
                }
                _ => {}
            }
        }
        Err(Failure::no_connection(None))
    };
    match tokio::time::timeout(timeout, answered).await {
        Ok(answered) => answered,
        Err(_) if up => Err(Failure::NoConnection(
            "the broker accepts the connection but did not confirm in time; it may still have worked. Try again, or ask the \
             person who runs the broker"
                .to_owned(),
        )),
        Err(_) => Err(Failure::no_connection(last.as_ref())),
    }
}

/// Waits until everything that the broker stores was read.
pub(crate) async fn wait_until_read(agent: &mut Agent, timeout: Duration) -> Result<(), Failure> {
    wait(agent, timeout, |event| (*event == Event::SnapshotRead).then_some(Ok(()))).await
}

/// Waits for a timer; forever without one. Cancel-safe.
pub(crate) async fn elapsed(timer: &mut Option<Pin<Box<Sleep>>>) {
    match timer {
        Some(timer) => timer.await,
        None => std::future::pending().await,
    }
}
