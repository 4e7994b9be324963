//! Moving the hub to another computer, at that computer's request.

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

/// All data that the new hub needs to start.
pub(super) async fn begin(
    State(team): State<Arc<Team>>,
    Member(login): Member,
) -> Result<Response, ApiError> {
    require_owner(login.role)?;
    Ok(written(team.export().await))
}

/// The new hub runs. This hub redirects all clients and stops serving them. Returns the present retained messages.
pub(super) async fn done(
    State(team): State<Arc<Team>>,
    Member(login): Member,
    JsonBody(done): JsonBody<Done>,
) -> Result<Response, ApiError> {
    require_owner(login.role)?;
    if !team.is_valid(&login) {
        return Err(ApiError::not_signed_in());
    }
    // On its own task, because a move must not stop halfway.
    let moving = tokio::spawn(async move { team.move_to(done.at).await });
    match moving.await {
        Ok(Ok(rest)) => Ok(written(rest)),
        Ok(Err(e)) => Err(e.into()),
        Err(_) => Err(ApiError::not_found()),
    }
}
