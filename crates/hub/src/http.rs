//! Requests to the hub over HTTP: joining, the team, its invitations and tokens.
//!
//! Owns the paths, who may request what, and the limits of a request: the size and time of its body, and how many long
//! lists are made at a time. `team.rs` makes the changes, `server.rs` serves the connection, and the reading API
//! (`rest.rs`) is a router of its own, which is merged here.

use crate::answer;
use crate::authorization::Authorization;
use crate::peer::Peer;
use crate::team::Team;
use crate::turns::{Reader, Turns, take_turn};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use extract::ApiError;
use std::sync::Arc;

mod backup;
mod extract;
mod join;
mod readers;
mod relocation;
mod team;

pub(crate) use extract::busy_response;
pub(crate) use readers::Readers;

/// The methods of these paths.
pub(crate) const METHODS: &str = "GET, HEAD, POST, PUT, DELETE";
/// Lists of members that are made or sent at a time.
const LISTS: usize = 64;

/// The paths of a team's hub, merged with the reading API in `reading`.
pub(crate) fn router(hub: Arc<Team>, reading: Router) -> Router {
    let serving = Arc::clone(&hub);
    let members = Router::new()
        .route("/v1/members", get(team::members))
        .layer(middleware::from_fn_with_state(Turns::new(LISTS), limit_lists));
    Router::new()
        .merge(members)
        .route("/v1/join", post(join::join).delete(join::undo_join))
        .route("/v1/requests", post(join::request).get(team::requests))
        .route(
            "/v1/requests/{id}",
            get(join::request_state).post(team::decide).delete(join::withdraw),
        )
        .route("/v1/team", get(team::team))
        .route("/v1/members/{user}", delete(team::remove_member))
        .route("/v1/members/{user}/invited", get(team::invited))
        .route("/v1/devices/{id}", delete(team::revoke_device))
        .route("/v1/invites", post(team::invite).get(team::invites))
        .route("/v1/invites/{id}", delete(team::take_back))
        .route("/v1/tokens", post(team::make_token).get(team::tokens))
        .route("/v1/tokens/{id}", delete(team::revoke_token))
        .route("/v1/backup", put(backup::order).delete(backup::end))
        .route("/v1/backup/agree", post(backup::agree))
        .route("/v1/backup/follow", get(backup::follow))
        .route("/v1/backup/back", post(backup::back))
        .route("/v1/move", post(relocation::begin))
        .route(relocation::DONE, post(relocation::done))
        .with_state(hub)
        .merge(reading)
        .fallback(extract::not_found)
        .method_not_allowed_fallback(extract::method_not_allowed)
        .layer(middleware::from_fn_with_state(serving, relocation::require_serving))
        .layer(middleware::map_response(answer::private))
}

/// Limits how many lists of members, which may be long, are made at a time. Only for requests that change nothing: an
/// answer that takes too long is dropped.
async fn limit_lists(
    State(turns): State<Arc<Turns>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let peer = request.extensions().get::<Peer>().copied();
    let reader = match (Authorization::of(request.headers()), peer) {
        // Nobody else knows both, so nobody can use up another person's share.
        (Some(Authorization::Basic(id, secret)), _) => Reader::Unverified(id, secret),
        (_, Some(peer)) => Reader::Peer(peer),
        (_, None) => return Err(ApiError::busy()),
    };
    take_turn(&turns, &reader, request, next).await.ok_or_else(ApiError::busy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::header;
    use data_encoding::BASE64;
    use tower_service::Service as _;

    fn asked_by(who: &str) -> Request {
        let shown = format!("Basic {}", BASE64.encode(format!("{who}:secret").as_bytes()));
        let request = Request::get("/v1/members").header(header::AUTHORIZATION, shown);
        request.body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn one_device_leaves_others_their_lists_of_members() {
        let turns = Turns::new(LISTS);
        let mut router = Router::new()
            .route("/v1/members", get(|| async { "a long list" }))
            .layer(middleware::from_fn_with_state(turns, limit_lists));
        let mut unread = Vec::new();
        for _ in 0..crate::turns::EACH {
            let answer = router.call(asked_by("eve")).await.unwrap();
            assert_eq!(answer.status(), 200);
            unread.push(answer);
        }
        assert_eq!(router.call(asked_by("eve")).await.unwrap().status(), 503);
        assert_eq!(router.call(asked_by("anna")).await.unwrap().status(), 200);
        unread.pop();
        assert_eq!(router.call(asked_by("eve")).await.unwrap().status(), 200);
    }
}
