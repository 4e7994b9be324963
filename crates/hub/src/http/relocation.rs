//! Moving the hub to another computer, as that computer asks for it, and the answers of a hub that does not serve.

use super::extract::{ApiError, JsonBody, Member};
use super::team::{require_owner, written};
use crate::answer;
use crate::custody;
use crate::team::{MoveRefusal, Team};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use porchlight_core::team::{Address, RefusalCode, StandsIn, WhyAway};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// The path on which the new hub's computer asks, also a hub that has moved.
pub(super) const DONE: &str = "/v1/move/done";

/// The path on which a backup follows, which is of the host alone.
const FOLLOW: &str = "/v1/backup/follow";

/// `POST /v1/move/done`.
#[derive(Debug, Deserialize)]
pub(super) struct Done {
    /// Where the new hub can be reached.
    at: Vec<Address>,
    /// What names this move, so that a lost answer can be asked for again.
    #[serde(default)]
    key: Option<String>,
}

/// Everything that the new hub needs to begin with.
pub(super) async fn begin(
    State(team): State<Arc<Team>>,
    Member(login): Member,
) -> Result<Response, ApiError> {
    require_owner(login.role)?;
    Ok(written(team.export().await))
}

/// The new hub runs: the team moves there. Answers the final state.
pub(super) async fn done(
    State(team): State<Arc<Team>>,
    Member(login): Member,
    JsonBody(Done { at, key }): JsonBody<Done>,
) -> Result<Response, ApiError> {
    require_owner(login.role)?;
    if !team.is_valid(&login) {
        return Err(ApiError::not_signed_in());
    }
    let asked = Arc::clone(&team);
    // On a task of its own: half a move is worse than none.
    let moving = tokio::spawn(async move { asked.move_to(at, key).await });
    match moving.await {
        Ok(Ok(state)) => Ok(written(state)),
        Ok(Err(MoveRefusal::Moved)) => Ok(moved(&team).unwrap_or_else(arriving)),
        Ok(Err(MoveRefusal::Arriving)) => Ok(arriving()),
        Ok(Err(MoveRefusal::BadRequest(message))) => Err(ApiError::bad_request(message)),
        Ok(Err(MoveRefusal::NotReachable(at))) => {
            let at: Vec<_> = at.iter().map(Address::to_string).collect();
            let message = format!(
                "the present host can't reach the new one at {}: open this port in the new computer's firewall, then try again",
                at.join(", ")
            );
            Err(ApiError::new(StatusCode::CONFLICT, RefusalCode::NotReachable, &message))
        }
        Ok(Err(MoveRefusal::NotSaved(e))) => Err(e.into()),
        // It is not known how far it came. An answer without a code says so.
        Err(_) => Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}

/// Refuses every request to a hub that does not serve its team, before anything else is looked at.
pub(super) async fn require_serving(
    State(team): State<Arc<Team>>,
    request: Request,
    next: Next,
) -> Response {
    let state = team.custody().now();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match state {
        custody::State::Serving => next.run(request).await,
        custody::State::StandingIn(_) if reads && request.uri().path() != FOLLOW => {
            next.run(request).await
        }
        custody::State::StandingIn(stands_in) => backup_serves(&team, &stands_in),
        custody::State::HandedOver => standby(),
        custody::State::Moved(_) | custody::State::Arriving if request.uri().path() == DONE => {
            next.run(request).await
        }
        custody::State::Moved(_) | custody::State::Arriving => {
            moved(&team).unwrap_or_else(arriving)
        }
    }
}

/// The refusal of a change by the backup: only the host decides who is in the team.
fn backup_serves(team: &Team, stands_in: &StandsIn) -> Response {
    let host = team.place().host.map_or_else(|| "the host".to_owned(), |host| host.name);
    let state = match stands_in.why {
        WhyAway::Asleep => "is asleep",
        WhyAway::Quit => "is off",
        WhyAway::Lost => "can't be reached",
    };
    let message =
        format!("{host}'s computer decides that, and it {state}; try again when it is back");
    let body = json!({
        "code": RefusalCode::BackupServes,
        "message": message,
        "host": host,
        "why": stands_in.why,
        "since": stands_in.since,
    });
    answer::json(StatusCode::CONFLICT, body.to_string().into())
}

fn standby() -> Response {
    let message = "this computer goes to sleep or ends; the team's backup computer serves";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, RefusalCode::Standby, message).into_response()
}

/// Where the team has moved.
fn moved(team: &Team) -> Option<Response> {
    let at = team.custody().moved()?.at;
    let message = "the team has moved to another computer";
    let body = json!({"code": RefusalCode::Moved, "message": message, "at": at});
    Some(answer::json(StatusCode::GONE, body.to_string().into()))
}

fn arriving() -> Response {
    let message =
        "this computer takes the team over, and does not serve it yet; try again in a moment";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, RefusalCode::Arriving, message).into_response()
}
