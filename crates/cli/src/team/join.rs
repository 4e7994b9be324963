//! `porchlight join`: joins a team by a link, or by asking a team on the local network.

use std::io::{self, BufRead};
use std::time::Duration;

use porchlight_agent::device;
use porchlight_agent::discovery::{self, Change};
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::membership::{Membership, MembershipError, SecretStorage, ready};
use porchlight_agent::team::{self, Team, TeamError};
use porchlight_core::team::{Invitation, Joined, RequestState};

use super::{hub_failure, membership_failure, with_keyring};
use crate::args::Join;
use crate::failure::Failure;
use crate::output;

/// The longest text that is searched for an invitation, in bytes: a mail with the mails it quotes.
const MAX_INPUT: u64 = 1 << 20;
/// How long to search the local network for a list of teams.
const SEARCH_TIME: Duration = Duration::from_secs(3);
/// How often to ask whether a member has decided.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

pub(crate) async fn join(flags: &Flags, args: Join) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    match &args.link {
        Some(link) => {
            let invitation = match link.text() {
                "-" => read_invitation(io::stdin().lock())?,
                link => link.parse().map_err(Failure::usage)?,
            };
            let (name, removed) = prepare(&resolved, &args).await?;
            let joined = team::join(&invitation, &name, Some(device::kind()), &resolved.proxy)
                .await
                .map_err(hub_failure)?;
            store(&resolved, &args, &joined, removed).await
        }
        None => match &args.nearby {
            Some(wanted) if !wanted.is_empty() => request_to_join(&resolved, &args, wanted).await,
            _ => list_teams(&args).await,
        },
    }
}

/// Reads text until it contains a whole invitation, so that a person who types it need not end the input.
fn read_invitation(input: impl BufRead) -> Result<Invitation, Failure> {
    let mut input = input.take(MAX_INPUT);
    let mut text = Vec::new();
    loop {
        let is_end = input.read_until(b'\n', &mut text)? == 0;
        match String::from_utf8_lossy(&text).parse::<Invitation>() {
            Ok(invitation) => return Ok(invitation),
            Err(error) if is_end => return Err(Failure::usage(error)),
            Err(_) => {}
        }
    }
}

/// Checks everything that can be checked before a link is used, because that may work only once.
///
/// Returns the name to join with, and a membership of this account that its hub has ended.
async fn prepare(
    resolved: &Resolved,
    args: &Join,
) -> Result<(String, Option<Membership>), Failure> {
    let membership =
        Membership::read(&resolved.places.state, &resolved.proxy).map_err(membership_failure)?;
    if let Some(membership) = &membership
        && !was_removed(membership).await
    {
        let team = membership.team().to_owned();
        return Err(membership_failure(MembershipError::Another { team }));
    }
    let name = resolved.name.clone().ok_or_else(|| {
        Failure::Usage(
            "your name is missing; add --name NAME, which the others will see".to_owned(),
        )
    })?;
    if !args.keep_in_file {
        with_keyring(ready()).await.map_err(membership_failure)?;
    }
    Ok((name, membership))
}

/// Whether the hub says that this device is not in its team any more. A hub that can't be reached says nothing.
async fn was_removed(membership: &Membership) -> bool {
    let Ok(hub) = with_keyring(Team::of(membership)).await else {
        return false;
    };
    matches!(hub.members().await, Err(TeamError::Refused { code: "not_signed_in", .. }))
}

/// Stores the new membership, in place of one that has ended.
async fn store(
    resolved: &Resolved,
    args: &Join,
    joined: &Joined,
    removed: Option<Membership>,
) -> Result<(), Failure> {
    if let Some(removed) = removed {
        let team = removed.team().to_owned();
        with_keyring(removed.forget()).await.map_err(membership_failure)?;
        output::note(&format!("you had been removed from {team}, so that membership is gone"));
    }
    let keep = if args.keep_in_file { SecretStorage::FileAgreed } else { SecretStorage::Keyring };
    with_keyring(Membership::keep(&resolved.places.state, joined, keep))
        .await
        .map_err(membership_failure)?;
    if args.json {
        let Joined { team, user, name, role, .. } = joined;
        output::print_json(&serde_json::json!({
            "team": team, "user": user, "name": name, "role": role,
        }));
    } else {
        output::print(&format!("you joined {} as {} ({})", joined.team, joined.name, joined.user));
        output::note(
            "start the app or `porchlight run`, so that others see you; `porchlight who` lists who is around",
        );
    }
    Ok(())
}

/// Lists the teams on the local network.
async fn list_teams(args: &Join) -> Result<(), Failure> {
    let mut search = discovery::search().map_err(Failure::usage)?;
    let mut found = Vec::new();
    let listen = async {
        while let Some(change) = search.next().await {
            match change {
                Change::Found(team) => {
                    found.retain(|known: &discovery::Team| known.id != team.id);
                    found.push(team);
                }
                Change::Gone { id } => found.retain(|known| known.id != id),
            }
        }
    };
    let _ = tokio::time::timeout(SEARCH_TIME, listen).await;
    if args.json {
        let teams: Vec<_> = found
            .iter()
            .map(|team| serde_json::json!({ "id": team.id, "team": team.name, "at": team.at }))
            .collect();
        output::print_json(&teams);
        return Ok(());
    }
    for team in &found {
        let at = team.at.first().map(ToString::to_string).unwrap_or_default();
        output::print(&format!("{}  at {at}", team.name));
    }
    if found.is_empty() {
        output::note(
            "no team was found on this network; ask a member for a link and run `porchlight join LINK`",
        );
    } else {
        output::note("to ask one of them to let you in, run `porchlight join --nearby NAME`");
    }
    Ok(())
}

/// Asks a team on the local network to join, and waits until a member decides.
async fn request_to_join(resolved: &Resolved, args: &Join, wanted: &str) -> Result<(), Failure> {
    let (name, removed) = prepare(resolved, args).await?;
    let mut search = discovery::search().map_err(Failure::usage)?;
    let found = async {
        while let Some(change) = search.next().await {
            if let Change::Found(team) = change
                && team.name.eq_ignore_ascii_case(wanted)
            {
                return Some(team);
            }
        }
        None
    };
    let team = tokio::time::timeout(args.timeout.0, found).await.ok().flatten().ok_or_else(|| {
        Failure::NoConnection(format!(
            "no team called {wanted:?} was found on this network; `porchlight join` lists the teams that are there"
        ))
    })?;
    let requested = team::request(team.at, team.hint, &name, Some(device::kind()))
        .await
        .map_err(hub_failure)?;
    output::note(&format!(
        "asked {} to let you in. Tell a member this code, so that they know it is you: {}",
        team.name, requested.code
    ));
    loop {
        match requested.state().await.map_err(hub_failure)? {
            RequestState::Approved(joined) => return store(resolved, args, &joined, removed).await,
            RequestState::Refused => {
                return Err(Failure::Refused(format!(
                    "{} did not let you in; ask a member for a link",
                    team.name
                )));
            }
            RequestState::Waiting => tokio::time::sleep(POLL_INTERVAL).await,
        }
    }
}
