//! One step at a time: what each effect does on this computer.
//!
//! Work that may block runs on a thread of its own, because the thread of the hub serves everybody.

use std::path::{Path, PathBuf};

use porchlight_agent::device::{DeviceLock, Identity};
use porchlight_agent::membership::{Membership, PendingSecret};
use porchlight_agent::proxy::Proxy;
use porchlight_core::view::Problem;
use porchlight_hub::{Hub, HubError, HubSettings, count_members, remove_team, restore_arriving};
use porchlight_team::{Effect, HubStart, Outcome};

use crate::ask;
use crate::journal::Journal;

/// What a step needs.
pub(crate) struct Context {
    pub(crate) state: PathBuf,
    pub(crate) store: PathBuf,
    pub(crate) proxy: Proxy,
    /// The members of the team, if its hub runs in this program.
    pub(crate) members: Option<usize>,
    /// For [`Effect::StartHub`].
    pub(crate) start: Option<HubSettings>,
}

/// What a step did to the hub of this program.
pub(crate) enum HubChange {
    None,
    Runs(Box<Hub>),
    Ended,
}

pub(crate) async fn carry_out(
    effect: Effect,
    context: Context,
    hub: Option<Hub>,
) -> (Outcome, HubChange) {
    let Context { state, store, proxy, members, start } = context;
    let outcome = match effect {
        Effect::StartHub(how) => return start_hub(how, start, hub).await,
        Effect::StopHub => {
            if let Some(hub) = hub {
                stop(hub).await;
            }
            return (Outcome::Done, HubChange::Ended);
        }
        Effect::ActivateHub(team) => return activate(team, hub).await,
        Effect::Ask(ask) => Outcome::Answered(Box::new(ask::send(*ask, &state, &proxy).await)),
        Effect::SaveIntent(intent) => {
            done(blocking(move || Journal::of(&state).write(&intent)).await)
        }
        Effect::ClearIntent => done(blocking(move || Journal::of(&state).clear()).await),
        Effect::SaveSecret { credential, storage } => {
            let secret = PendingSecret::of(&state, credential.id(), storage);
            done(
                secret
                    .save("a team", &credential)
                    .await
                    .map_err(|error| membership_problem(&error)),
            )
        }
        Effect::LoadSecret { credential, storage } => {
            match PendingSecret::of(&state, &credential, storage).load().await {
                Ok(secret) => Outcome::Secret(secret),
                Err(error) => {
                    let code = error.code().to_owned();
                    Outcome::Failed(Problem { code, message: error.to_string() })
                }
            }
        }
        Effect::ForgetSecret { credential, storage } => {
            let secret = PendingSecret::of(&state, &credential, storage);
            done(secret.forget().await.map_err(|error| membership_problem(&error)))
        }
        Effect::SaveMembership { joined, storage } => {
            let kept = Membership::keep(&state, &joined, storage).await;
            done(kept.map(drop).map_err(|error| membership_problem(&error)))
        }
        Effect::SaveAddresses(at) => done(
            blocking(move || {
                Membership::found_at(&state, &at).map_err(|error| membership_problem(&error))
            })
            .await,
        ),
        Effect::ForgetMembership => done(forget(&state).await),
        Effect::RestoreTeam(team) => done(
            blocking(move || {
                restore_arriving(&store, &team).map_err(|error| hub_problem("move", &error))
            })
            .await,
        ),
        Effect::RemoveTeam => done(
            blocking(move || remove_team(&store).map_err(|error| hub_problem("hub", &error))).await,
        ),
        Effect::CountMembers => match members {
            Some(members) => Outcome::Members(members),
            None => match blocking(move || {
                count_members(&store).map_err(|error| hub_problem("hub", &error))
            })
            .await
            {
                Ok(members) => Outcome::Members(members),
                Err(problem) => Outcome::Failed(problem),
            },
        },
        Effect::Report(_) => Outcome::Done,
    };
    (outcome, hub.map_or(HubChange::None, |hub| HubChange::Runs(Box::new(hub))))
}

pub(crate) async fn stop(hub: Hub) {
    if let Err(error) = hub.stop().await {
        tracing::error!("{error}");
    }
}

async fn start_hub(
    how: HubStart,
    settings: Option<HubSettings>,
    running: Option<Hub>,
) -> (Outcome, HubChange) {
    let hub = match (running, settings) {
        (Some(hub), _) => hub,
        // The command line leaves that to the program that hosts.
        (None, None) => return (Outcome::Done, HubChange::None),
        (None, Some(settings)) => match Hub::start(settings).await {
            Ok(hub) => hub,
            // Another program of this account runs it.
            Err(HubError::TeamInUse { .. } | HubError::TeamMoved { .. })
                if how == HubStart::Resume =>
            {
                return (Outcome::Done, HubChange::None);
            }
            Err(error) => return (Outcome::Failed(hub_problem("hub", &error)), HubChange::None),
        },
    };
    let invitation = match how {
        HubStart::Owner { .. } => match hub.invite_owner().await {
            Ok(invitation) => invitation,
            Err(error) => {
                let outcome = Outcome::Failed(hub_problem("not_saved", &error));
                return (outcome, HubChange::Runs(Box::new(hub)));
            }
        },
        HubStart::Resume | HubStart::Arriving => None,
    };
    let invitation = invitation.map(|mut invitation| {
        // Whatever network this computer is on, it reaches itself.
        if let Some(own) = hub.own_address() {
            invitation.at.retain(|at| *at != own);
            invitation.at.insert(0, own);
        }
        invitation
    });
    let outcome = Outcome::HubRuns { at: hub.addresses(), invitation };
    (outcome, HubChange::Runs(Box::new(hub)))
}

async fn activate(team: Vec<u8>, hub: Option<Hub>) -> (Outcome, HubChange) {
    let Some(mut hub) = hub else {
        let message = "the hub on this computer has ended; start Porchlight again";
        let problem = Problem { code: "hub".to_owned(), message: message.to_owned() };
        return (Outcome::Failed(problem), HubChange::None);
    };
    let outcome = match hub.activate(&team).await {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::Failed(hub_problem("move", &error)),
    };
    (outcome, HubChange::Runs(Box::new(hub)))
}

/// Removes the membership, its credential, and what this device remembers of its presence there.
async fn forget(state: &Path) -> Result<(), Problem> {
    let membership =
        Membership::read(state, &Proxy::default()).map_err(|error| membership_problem(&error))?;
    let Some(membership) = membership else { return Ok(()) };
    let (broker, user) = (membership.broker(), membership.user().clone());
    membership.forget().await.map_err(|error| membership_problem(&error))?;
    let device_lock = DeviceLock { state, user: &user, device: None, broker: &broker };
    // Another program may still be present with it. It learns from the hub that it has left.
    if let Ok(identity) = Identity::take(device_lock, &mut fastrand::Rng::new()) {
        identity.forget();
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Problem { code: "internal".to_owned(), message: error.to_string() })
    })
}

fn done(outcome: Result<(), Problem>) -> Outcome {
    outcome.map_or_else(Outcome::Failed, |()| Outcome::Done)
}

fn hub_problem(code: &str, error: &impl std::fmt::Display) -> Problem {
    Problem { code: code.to_owned(), message: error.to_string() }
}

fn membership_problem(error: &porchlight_agent::membership::MembershipError) -> Problem {
    use porchlight_agent::membership::MembershipError;
    let message = match error {
        // The window gives the advice about the file itself.
        MembershipError::Keyring(keyring) => keyring.to_string(),
        other => other.to_string(),
    };
    Problem { code: error.code().to_owned(), message }
}
