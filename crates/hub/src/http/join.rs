//! Requests of people without a membership: joining with an invitation, or asking to join without one.

use super::extract::{ApiError, JsonBody, Unauthenticated};
use crate::accounts::Refusal;
use crate::authorization::Authorization;
use crate::clock;
use crate::team::{RequestRefusal, Team, UndoJoinError};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use porchlight_core::team::{
    Join, Joined, RefusalCode, Request, RequestMade, RequestState, Secret,
};
use std::sync::Arc;

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let (code, message) = match refusal {
            Refusal::Unknown => (
                RefusalCode::TokenUnknown,
                "this invitation does not hold here: it was taken back, or is of another team; ask for a new one",
            ),
            Refusal::Expired => {
                (RefusalCode::TokenExpired, "this invitation's time is over; ask for a new one")
            }
            Refusal::UsedUp => {
                (RefusalCode::TokenUsedUp, "this invitation was used already; ask for a new one")
            }
            Refusal::BadName => {
                (RefusalCode::BadName, "this name has no letter or digit in it; choose another")
            }
            Refusal::TeamFull => (RefusalCode::Full, "the team is full; somebody must leave first"),
            Refusal::DevicesFull => {
                (RefusalCode::Full, "you have 16 devices here; forget one of them first")
            }
            Refusal::InvitesFull => {
                (RefusalCode::Full, "there are too many invitations of yours; take some back first")
            }
            Refusal::OpenUsesFull => (
                RefusalCode::TooManyInvited,
                "your open invitations can let in 20 people at most; choose fewer uses, or take one back first",
            ),
            Refusal::TokensFull => {
                (RefusalCode::Full, "there are too many tokens; revoke some first")
            }
            Refusal::NotAMember => return Self::not_signed_in(),
        };
        let status = match code {
            RefusalCode::BadName => StatusCode::BAD_REQUEST,
            RefusalCode::Full | RefusalCode::TooManyInvited => StatusCode::CONFLICT,
            _ => StatusCode::FORBIDDEN,
        };
        Self::new(status, code, message)
    }
}

pub(super) async fn join(
    State(team): State<Arc<Team>>,
    Unauthenticated(peer): Unauthenticated,
    JsonBody(join): JsonBody<Join>,
) -> Result<Json<Joined>, ApiError> {
    let now = clock::now();
    let joined = team.join(now.wall, &join).await;
    if let Err(JoinRefusal::Refused(Refusal::Unknown)) = &joined {
        team.was_wrong(now.mono, peer);
    }
    joined.map(Json).map_err(ApiError::from)
}

impl From<JoinRefusal> for ApiError {
    fn from(refusal: JoinRefusal) -> Self {
        match refusal {
            JoinRefusal::Refused(refusal) => refusal.into(),
            JoinRefusal::NotSaved(e) => e.into(),
        }
    }
}

pub(super) use crate::team::JoinRefusal;

pub(super) async fn request(
    State(team): State<Arc<Team>>,
    Unauthenticated(peer): Unauthenticated,
    JsonBody(request): JsonBody<Request>,
) -> Result<(StatusCode, Json<RequestMade>), ApiError> {
    match team.ask(clock::now(), peer, &request) {
        Ok(made) => Ok((StatusCode::ACCEPTED, Json(made))),
        Err(RequestRefusal::BadName) => Err(Refusal::BadName.into()),
        Err(RequestRefusal::TooMany) => Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            RefusalCode::TooManyAttempts,
            "too many are waiting to be let in; try again in ten minutes",
        )),
    }
}

/// Takes a join back that the device does not want any more, or does not know of.
pub(super) async fn undo_join(
    State(team): State<Arc<Team>>,
    Unauthenticated(peer): Unauthenticated,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let credential = match Authorization::of(&headers) {
        Some(Authorization::Basic(id, secret)) => Secret::of_parts(&id, &secret).ok(),
        _ => None,
    };
    let credential = credential.ok_or_else(ApiError::not_signed_in)?;
    let asked = Arc::clone(&team);
    let undoing = tokio::spawn(async move { asked.undo_join(&credential).await });
    match undoing.await {
        Ok(Ok(true)) => Ok(StatusCode::NO_CONTENT),
        // It is no secret that there is nothing to take back, but guesses are counted.
        Ok(Ok(false)) => {
            team.was_wrong(clock::now().mono, peer);
            Ok(StatusCode::NO_CONTENT)
        }
        Ok(Err(UndoJoinError::InUse)) => {
            let message = "this device is in the team already; leave it instead";
            Err(ApiError::new(StatusCode::CONFLICT, RefusalCode::InUse, message))
        }
        Ok(Err(UndoJoinError::NotSaved(e))) => Err(e.into()),
        Err(_) => Err(ApiError::busy()),
    }
}

/// Withdraws a request.
pub(super) async fn withdraw(
    State(team): State<Arc<Team>>,
    Unauthenticated(peer): Unauthenticated,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> StatusCode {
    let is_known = match Authorization::of(&headers) {
        Some(Authorization::Bearer(ticket)) if ticket.id() == id => team.withdraw(&ticket),
        _ => false,
    };
    if !is_known {
        team.was_wrong(clock::now().mono, peer);
    }
    StatusCode::NO_CONTENT
}

pub(super) async fn request_state(
    State(team): State<Arc<Team>>,
    Unauthenticated(peer): Unauthenticated,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<RequestState>, ApiError> {
    let now = clock::now();
    let state = match Authorization::of(&headers) {
        Some(Authorization::Bearer(ticket)) if ticket.id() == id => {
            team.request_state(now, &ticket).await?
        }
        _ => None,
    };
    match state {
        Some(state) => Ok(Json(state)),
        None => {
            team.was_wrong(now.mono, peer);
            Err(ApiError::not_found())
        }
    }
}
