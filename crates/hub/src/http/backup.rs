//! Requests about the backup computer: an owner asks for one, its user agrees, and it follows the host.

use super::extract::{ApiError, JsonBody, Member};
use super::team::require_owner;
use crate::answer::EVENTS;
use crate::clock;
use crate::standby::CopiedMessage;
use crate::team::{AgreeRefusal, Team};
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use porchlight_core::team::{Address, BackupAgree, BackupOrder, RefusalCode};
use std::sync::Arc;
use std::time::Duration;

/// How much a backup may give back, and how long that may take: the records of 10,000 people.
const MAX_BACK: usize = 32 * 1024 * 1024;
const BACK: Duration = Duration::from_secs(30);

/// `PUT /v1/backup`.
pub(super) async fn order(
    State(team): State<Arc<Team>>,
    Member(login): Member,
    JsonBody(BackupOrder { device }): JsonBody<BackupOrder>,
) -> Result<StatusCode, ApiError> {
    require_owner(login.role)?;
    if !team.is_valid(&login) {
        return Err(ApiError::not_signed_in());
    }
    let asked = team.ask_backup(device).await?;
    if asked { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found()) }
}

/// `DELETE /v1/backup`. An owner may, and the user of that computer.
pub(super) async fn end(
    State(team): State<Arc<Team>>,
    Member(login): Member,
) -> Result<StatusCode, ApiError> {
    let ended = team.end_backup(&login).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found()) }
}

/// `POST /v1/backup/agree`.
pub(super) async fn agree(
    State(team): State<Arc<Team>>,
    Member(login): Member,
    JsonBody(agree): JsonBody<BackupAgree>,
) -> Result<StatusCode, ApiError> {
    team.agree_to_back_up(&login, agree).await.map_err(|refused| match refused {
        AgreeRefusal::NotAsked => not_the_backup(),
        AgreeRefusal::BadRequest(message) => ApiError::bad_request(message),
        AgreeRefusal::NotReachable(at) => {
            let at: Vec<_> = at.iter().map(Address::to_string).collect();
            let message = format!(
                "the host can't reach this computer at {}: open this port in its firewall, then try again",
                at.join(", ")
            );
            ApiError::new(StatusCode::CONFLICT, RefusalCode::NotReachable, &message)
        }
        AgreeRefusal::NotSaved(e) => e.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/backup/follow`: server-sent events, until the backup or the host ends them.
pub(super) async fn follow(
    State(team): State<Arc<Team>>,
    Member(login): Member,
) -> Result<Response, ApiError> {
    let stream = team.follow(&login).ok_or_else(not_the_backup)?;
    Ok(([(header::CONTENT_TYPE, EVENTS)], stream).into_response())
}

/// `POST /v1/backup/back`: what changed while the backup served.
pub(super) async fn back(
    State(team): State<Arc<Team>>,
    Member(login): Member,
    request: Request,
) -> Result<StatusCode, ApiError> {
    if !team.is_backup(&login.credential) {
        return Err(not_the_backup());
    }
    let read = tokio::time::timeout(BACK, to_bytes(request.into_body(), MAX_BACK)).await;
    let body = read.map_err(|_| ApiError::busy())?;
    let body = body.map_err(|_| ApiError::bad_request("this is too long"))?;
    let messages: Vec<CopiedMessage> = serde_json::from_slice(&body)
        .map_err(|_| ApiError::bad_request("this is no list of messages"))?;
    // On its own task: the answer may be lost, and the records must still be whole.
    let taken = tokio::spawn(async move {
        team.take_from_backup(&messages, clock::now().wall).await;
    });
    taken.await.map_err(|_| ApiError::busy())?;
    Ok(StatusCode::NO_CONTENT)
}

fn not_the_backup() -> ApiError {
    ApiError::not_allowed("this computer is not the team's backup; ask the owner of the team")
}
