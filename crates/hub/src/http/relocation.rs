//! Moving the hub to another computer, as that computer asks for it.

use super::extract::{ApiError, JsonBody, Member};
use super::team::{require_owner, written};
use crate::team::Team;
use axum::extract::State;
use axum::response::Response;
use porchlight_core::team::Address;
use serde::Deserialize;
use std::sync::Arc;

/// `POST /v1/move/done`.
#[derive(Debug, Deserialize)]
pub(super) struct Done {
    /// Where the new hub can be reached.
    at: Vec<Address>,
}

/// Everything that the new hub needs to begin with.
pub(super) async fn begin(
    State(team): State<Arc<Team>>,
    Member(login): Member,
) -> Result<Response, ApiError> {
    require_owner(login.role)?;
    Ok(written(team.export().await))
}

/// The new hub runs: everybody is told, and nobody is served here any more. Answers what is retained now.
pub(super) async fn done(
    State(team): State<Arc<Team>>,
    Member(login): Member,
    JsonBody(done): JsonBody<Done>,
) -> Result<Response, ApiError> {
    require_owner(login.role)?;
    if !team.is_valid(&login) {
        return Err(ApiError::not_signed_in());
    }
    // On a task of its own: half a move is worse than none.
    let moving = tokio::spawn(async move { team.move_to(done.at).await });
    match moving.await {
        Ok(Ok(rest)) => Ok(written(rest)),
        Ok(Err(e)) => Err(e.into()),
        Err(_) => Err(ApiError::not_found()),
    }
}
