//! Requests of members: the team, its people, invitations, requests to join and tokens.

use super::extract::{ApiError, JsonBody, Member};
use crate::accounts::{RemovalScope, RemoveMemberError};
use crate::clock;
use crate::team::{DecideError, EndAccessError, Team};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use porchlight_core::id::UserId;
use porchlight_core::team::{
    Decision, InviteMade, InviteOrder, InviteView, MemberName, Removal, RequestView, Role,
    TeamView, TokenMade, TokenOrder, TokenView,
};
use std::sync::Arc;
use tokio::task::JoinHandle;

type TeamState = State<Arc<Team>>;

pub(super) async fn team(State(team): TeamState, Member(login): Member) -> Json<TeamView> {
    Json(team.view(&login))
}

pub(super) async fn members(
    State(team): TeamState,
    Member(login): Member,
) -> Json<Vec<porchlight_core::team::Member>> {
    Json(team.members(&login))
}

pub(super) async fn remove_member(
    State(team): TeamState,
    Member(login): Member,
    Path(user): Path<String>,
    removal: Result<Query<Removal>, QueryRejection>,
) -> Result<StatusCode, ApiError> {
    let user = UserId::parse(&user).map_err(|_| ApiError::not_found())?;
    let Query(Removal { with_invited }) =
        removal.map_err(|_| ApiError::bad_request("with_invited is true or false"))?;
    if login.role != Role::Owner && (login.user != user || with_invited) {
        return Err(ApiError::not_allowed("only the team's owner can remove other members"));
    }
    let along = if with_invited { RemovalScope::WithInvited } else { RemovalScope::Member };
    // On its own task: the removal may close the requester's connection, and must still finish.
    ended(tokio::spawn(async move { team.remove_member(&user, along).await })).await
}

/// The members who joined through a member.
pub(super) async fn invited(
    State(team): TeamState,
    Member(_): Member,
    Path(user): Path<String>,
) -> Result<Json<Vec<MemberName>>, ApiError> {
    let user = UserId::parse(&user).map_err(|_| ApiError::not_found())?;
    let along = team.members_invited_by(&user);
    let is_known = !along.is_empty() || team.ledger().read(|team| team.is_member(&user));
    if is_known { Ok(Json(along)) } else { Err(ApiError::not_found()) }
}

pub(super) async fn revoke_device(
    State(team): TeamState,
    Member(login): Member,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    ended(tokio::spawn(async move { team.revoke(&login, &id).await })).await
}

/// Answers once the access has ended and the change is saved, also if it had ended before.
async fn ended(ending: JoinHandle<Result<(), EndAccessError>>) -> Result<StatusCode, ApiError> {
    match ending.await {
        Ok(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Ok(Err(EndAccessError::NotSaved(e))) => Err(e.into()),
        Ok(Err(EndAccessError::Stays(RemoveMemberError::LastOwner))) => Err(ApiError::last_owner()),
        Ok(Err(EndAccessError::Stays(RemoveMemberError::Moving))) => Err(ApiError::busy()),
        Ok(Err(EndAccessError::Stays(RemoveMemberError::NotTheirs))) => Err(ApiError::not_allowed(
            "only the person it belongs to or the owner of the team can do this",
        )),
        Ok(Err(EndAccessError::Stays(RemoveMemberError::Unknown | RemoveMemberError::Already)))
        | Err(_) => Err(ApiError::not_found()),
    }
}

pub(super) async fn invite(
    State(team): TeamState,
    Member(login): Member,
    JsonBody(order): JsonBody<InviteOrder>,
) -> Result<(StatusCode, Json<InviteMade>), ApiError> {
    let made = team.invite(clock::now().wall, &login, &order).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn invites(
    State(team): TeamState,
    Member(login): Member,
) -> Json<Vec<InviteView>> {
    Json(team.invites(clock::now().wall, &login))
}

pub(super) async fn take_back(
    State(team): TeamState,
    Member(login): Member,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    // A member who may not revoke it does not learn that it exists.
    let hidden = |e| match e {
        EndAccessError::Stays(RemoveMemberError::NotTheirs) => {
            EndAccessError::Stays(RemoveMemberError::Unknown)
        }
        e => e,
    };
    ended(tokio::spawn(async move { team.take_back(&login, &id).await.map_err(hidden) })).await
}

pub(super) async fn requests(State(team): TeamState, Member(_): Member) -> Json<Vec<RequestView>> {
    Json(team.waiting(clock::now().mono))
}

pub(super) async fn decide(
    State(team): TeamState,
    Member(login): Member,
    Path(id): Path<String>,
    JsonBody(decision): JsonBody<Decision>,
) -> Result<StatusCode, ApiError> {
    team.decide(clock::now().mono, &login, &id, decision.approve).map_err(|not| match not {
        DecideError::NotAMember => ApiError::not_signed_in(),
        DecideError::Unknown => ApiError::not_found(),
    })?;
    tracing::info!(by = %login.user, approve = decision.approve, "a request was decided");
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn make_token(
    State(team): TeamState,
    Member(login): Member,
    JsonBody(order): JsonBody<TokenOrder>,
) -> Result<(StatusCode, Json<TokenMade>), ApiError> {
    require_owner(login.role)?;
    let made = team.make_token(clock::now().wall, &login, &order.label).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Every member may see which programs read the team. Only the owner changes that.
pub(super) async fn tokens(State(team): TeamState, Member(_): Member) -> Json<Vec<TokenView>> {
    Json(team.tokens())
}

pub(super) async fn revoke_token(
    State(team): TeamState,
    Member(login): Member,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    require_owner(login.role)?;
    ended(tokio::spawn(async move { team.revoke_token(&id).await })).await
}

pub(super) fn require_owner(role: Role) -> Result<(), ApiError> {
    match role {
        Role::Owner => Ok(()),
        Role::Member => Err(ApiError::not_allowed("only the team's owner can do this")),
    }
}

/// A body that is already JSON.
pub(super) fn written(json: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}
