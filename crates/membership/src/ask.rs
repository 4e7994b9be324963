//! Requests to hubs, and what their failures say about whether the hub has done it.

use std::path::Path;

use porchlight_agent::membership::Membership;
use porchlight_agent::proxy::Proxy;
use porchlight_agent::team::{self, JoinRequest, Team, TeamError};
use porchlight_core::team::{Address, RefusalCode};
use porchlight_core::view::Problem;
use porchlight_team::{Answer, Ask, LeaveScope, Way};

pub(crate) async fn send(ask: Ask, state: &Path, proxy: &Proxy) -> Answer {
    try_send(ask, state, proxy).await.unwrap_or_else(|error| answer_of(&error))
}

async fn try_send(ask: Ask, state: &Path, proxy: &Proxy) -> Result<Answer, TeamError> {
    Ok(match ask {
        Ask::Join { invitation, enter, credential } => {
            let joined =
                team::join(&invitation, &enter.name, enter.kind.as_deref(), &credential, proxy)
                    .await?;
            Answer::Joined(Box::new(joined))
        }
        Ask::Request { request, enter, credential } => {
            let request = JoinRequest::new(&request)?;
            let (pin, code) = request.send(&enter.name, enter.kind.as_deref(), &credential).await?;
            Answer::Asked { pin, code }
        }
        Ask::RequestState(request) => Answer::State(JoinRequest::new(&request)?.state().await?),
        Ask::IsMember { request, credential } => {
            Answer::View(Box::new(JoinRequest::new(&request)?.view(&credential).await?))
        }
        Ask::Withdraw { way, credential } => {
            match way {
                Way::Start { .. } => {}
                Way::Link { invitation } => {
                    team::undo_join(&invitation, &credential, proxy).await?;
                }
                Way::Request(request) => JoinRequest::new(&request)?.withdraw(&credential).await?,
            }
            Answer::Done
        }
        Ask::View => match of_member(state, proxy, &[]).await? {
            Some(team) => Answer::View(Box::new(team.view().await?)),
            None => not_signed_in(),
        },
        Ask::HandOver { from } => match of_member(state, proxy, &from).await? {
            Some(team) => Answer::Team(team.hand_over().await?),
            None => not_signed_in(),
        },
        Ask::LetGo { from, key, at } => match of_member(state, proxy, &from).await? {
            Some(team) => Answer::Team(team.moved_to(&key, &at).await?),
            None => not_signed_in(),
        },
        Ask::Leave(scope) => match of_member(state, proxy, &[]).await? {
            Some(team) => {
                match scope {
                    LeaveScope::Team => team.leave().await?,
                    LeaveScope::Device => team.revoke_this_device().await?,
                }
                Answer::Done
            }
            None => not_signed_in(),
        },
    })
}

/// The hub of the membership, first at these addresses. `None`: this computer has no credential any more.
async fn of_member(
    state: &Path,
    proxy: &Proxy,
    first: &[Address],
) -> Result<Option<Team>, TeamError> {
    let Ok(Some(membership)) = Membership::read(state, proxy) else { return Ok(None) };
    match Team::at(&membership, first).await {
        Ok(team) => Ok(Some(team)),
        // The keyring has lost it, and so can nobody sign in with it.
        Err(TeamError::Credential(error)) if error.code() == "credential_missing" => Ok(None),
        Err(error) => Err(error),
    }
}

fn not_signed_in() -> Answer {
    let message = team::sentence(RefusalCode::NotSignedIn).unwrap_or_default().to_owned();
    let problem = Problem { code: "not_signed_in".to_owned(), message };
    Answer::Refused { code: RefusalCode::NotSignedIn, problem }
}

fn answer_of(error: &TeamError) -> Answer {
    let problem = Problem { code: error.code().to_owned(), message: error.to_string() };
    match error {
        TeamError::Refused { refusal: RefusalCode::Arriving, .. } => Answer::NotSent(problem),
        TeamError::Refused { refusal, .. } => Answer::Refused { code: *refusal, problem },
        TeamError::Moved { at } => Answer::Moved { at: at.clone(), problem },
        // It can't be set up, or the credential can't be read: nothing was sent.
        TeamError::Link(_) | TeamError::Tls(_) | TeamError::Credential(_) => {
            Answer::NotSent(problem)
        }
        TeamError::NoAnswer(_) | TeamError::NoHub { .. } => Answer::Unknown(problem),
    }
}
