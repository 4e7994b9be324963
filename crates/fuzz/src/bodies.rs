//! Fuzzes the bodies of the HTTP API: the requests to a hub, and its answers.

use std::fmt::Debug;

use porchlight_core::team::{
    Decision, InviteMade, InviteOrder, InviteView, Join, Joined, Member, Refused, Request,
    RequestMade, RequestState, RequestView, TeamView, TokenMade, TokenOrder, TokenView,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Parses any bytes as every kind of body. A parsed body serializes to bytes that parse to the same
/// body.
pub fn read_bodies(data: &[u8]) {
    is_read_back::<Join>(data);
    is_read_back::<Request>(data);
    is_read_back::<Decision>(data);
    is_read_back::<InviteOrder>(data);
    is_read_back::<TokenOrder>(data);
    is_read_back::<Joined>(data);
    is_read_back::<RequestMade>(data);
    is_read_back::<RequestState>(data);
    is_read_back::<Vec<RequestView>>(data);
    is_read_back::<TeamView>(data);
    is_read_back::<Vec<Member>>(data);
    is_read_back::<InviteMade>(data);
    is_read_back::<Vec<InviteView>>(data);
    is_read_back::<TokenMade>(data);
    is_read_back::<Vec<TokenView>>(data);
    is_read_back::<Refused>(data);
}

fn is_read_back<B: DeserializeOwned + Serialize + PartialEq + Debug>(data: &[u8]) {
    let Ok(body) = serde_json::from_slice::<B>(data) else { return };
    let written = serde_json::to_vec(&body).expect("it has no map with keys that are no text");
    let again = serde_json::from_slice(&written);
    assert_eq!(again.as_ref().ok(), Some(&body), "{}", written.escape_ascii());
}
