//! Waiting for what a reader connected for, or for the reason why it will not come.

use std::time::Duration;

use porchlight_agent::agent::{Agent, Event};
use porchlight_core::view::ConnectionView;

use crate::failure::Failure;

/// Waits until `answer` finds one in an event. A broker that refuses ends it at once; one that is not there, when
/// the time is over.
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
            "the broker is connected, but did not confirm it in time; it may still come through. Try again, or ask whoever runs the broker"
                .to_owned(),
        )),
        Err(_) => Err(Failure::no_connection(last.as_ref())),
    }
}
